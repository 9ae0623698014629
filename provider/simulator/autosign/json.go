package autosign

import (
	"fmt"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// detailJSON is a transaction as the detail shows it. Its updated_at never moves, it has no name of
// its own, and it lists no sealed document.
func (x *service) detailJSON(t *world.Transaction, s *life.State, now time.Time) wire.Object {
	sent := !s.Sent.IsZero()
	o := wire.Object{
		"id": t.Ref, "template_id": t.Text, "created_at": wire.ISOTime(t.Born), "updated_at": wire.ISOTime(t.Born),
		"created_by_id": x.user.ID, "sender_id": x.user.ID,
		"provider_type": "onespan", "provider_id": nil, "is_provider_ready": sent, "expiration_days": expirationDays(t),
		"rejected_reason": nil, "rejected_at": nil, "rejected_by_id": nil, "completed_at": wire.ISOOrNull(s.Completed),
		"sent_at":    wire.ISOOrNull(s.Sent),
		"expires_at": nil, "expired_at": nil, "status": shownWord(s), "company_id": x.desk.Account.AccountID,
		"is_sealed": !s.Ready.IsZero() && !now.Before(s.Ready), "is_archived": false, "template": x.templateJSON(t, s),
	}
	if sent {
		o["provider_id"] = t.Ref[2:] + "A="
	}
	switch s.Word {
	case "expired", "cancelled":
		o["expired_at"] = wire.ISOTime(s.Due)
	default:
		o["expires_at"] = wire.ISOOrNull(s.Due)
	}
	for _, p := range s.People {
		if p.Status == "declined" {
			o["rejected_reason"], o["rejected_at"], o["rejected_by_id"] = p.Reason, wire.ISOTime(p.DoneAt), p.ID
		}
	}
	return o
}

func (x *service) templateJSON(t *world.Transaction, s *life.State) wire.Object {
	recipients, documents, fields := []any{}, []any{}, []any{}
	for i, p := range s.People {
		recipients = append(recipients, x.templateRecipient(t, s, i))
		fields = append(fields, wire.Object{
			"id": "cf" + p.ID[2:], "document_id": t.Docs[0].ID, "recipient_id": p.ID, "width": 28.01, "height": 6.34,
			"positionX": 12, "positionY": 49.77,
			"page": 0, "label": "Nombre de la persona", "type": "person_name", "template_id": t.Text, "font_family": "roboto",
			"bold": false, "italic": false, "underline": false, "font_size": 14, "font_color": "#000000", "helper_text": "",
			"is_required": false,
			"max_length":  nil, "min_length": nil, "max_value": nil, "min_value": nil, "regex": nil, "options": []any{},
		})
	}
	for i, d := range t.Docs {
		documents = append(documents, x.templateDocument(t, d, i))
	}
	return wire.Object{
		"id": t.Text, "name": t.Name, "description": "", "created_by_id": x.user.ID, "edit_navigation": true,
		"reusable": false, "email_alias": "",
		"email_subject": "", "email_body": "", "created_at": wire.ISOTime(t.Born), "updated_at": wire.ISOTime(s.Updated),
		"company_id": x.desk.Account.AccountID,
		"fields":     fields, "recipients": recipients, "documents": documents,
	}
}

// templateRecipient is one recipient. Its token opens the signing page: it is nobody's business but theirs.
func (x *service) templateRecipient(t *world.Transaction, s *life.State, i int) wire.Object {
	p := s.People[i]
	o := wire.Object{
		"id": p.ID, "name": p.Name, "email": p.Email, "color": [...]string{"stone", "indigo", "zinc", "amber"}[i%4],
		"token": nil, "role": p.Role,
		"submitted_at": nil, "index": i, "is_current": false, "created_at": wire.ISOTime(t.Born),
		"updated_at": wire.ISOTime(s.Updated),
	}
	if !s.Sent.IsZero() {
		o["token"] = "tok" + p.ID[2:] + t.Ref[2:12]
	}
	if p.Status == "signed" {
		o["submitted_at"] = wire.ISOTime(p.DoneAt)
	}
	o["is_current"] = s.Word == "started" && p.Status == "waiting" && (i == 0 || s.People[i-1].Status == "signed")
	return o
}

// templateDocument is one document as it was uploaded, with a link to that file: it is not the sealed one.
func (x *service) templateDocument(t *world.Transaction, d life.Document, i int) wire.Object {
	page := fmt.Sprintf("documents/%s/0.jpeg", d.ID)
	until := t.Born.AddDate(1, 0, 0)
	return wire.Object{
		"id": d.ID, "index": i, "status": "processed",
		"file": wire.Object{"id": "cg" + d.ID[2:], "original_name": d.Name, "stored_name": storedName(d.ID, d.Name),
			"url": x.linkTo(t, d.ID, until)},
		"pages": []any{wire.Object{
			"id": "cp" + d.ID[2:], "document_id": d.ID,
			"file": wire.Object{"id": "ch" + d.ID[2:], "original_name": page, "stored_name": page,
				"url": x.linkTo(t, "cp"+d.ID[2:], until)},
		}},
	}
}
