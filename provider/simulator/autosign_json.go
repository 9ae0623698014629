package simulator

import (
	"fmt"
	"time"
)

// detailJSON is a transaction as the detail shows it. Its updated_at never moves, it has no name of
// its own, and it lists no sealed document.
func (x *autosign) detailJSON(t *transaction, s *state, now time.Time) object {
	sent := !s.sent.IsZero()
	o := object{
		"id": t.ref, "template_id": t.text, "created_at": isoTime(t.born), "updated_at": isoTime(t.born), "created_by_id": x.user.id, "sender_id": x.user.id,
		"provider_type": "onespan", "provider_id": nil, "is_provider_ready": sent, "expiration_days": expirationDays(t),
		"rejected_reason": nil, "rejected_at": nil, "rejected_by_id": nil, "completed_at": isoOrNull(s.completed), "sent_at": isoOrNull(s.sent),
		"expires_at": nil, "expired_at": nil, "status": autosignWord(s), "company_id": x.desk.account.AccountID,
		"is_sealed": !s.ready.IsZero() && !now.Before(s.ready), "is_archived": false, "template": x.templateJSON(t, s),
	}
	if sent {
		o["provider_id"] = t.ref[2:] + "A="
	}
	switch s.word {
	case "expired", "cancelled":
		o["expired_at"] = isoTime(s.due)
	default:
		o["expires_at"] = isoOrNull(s.due)
	}
	for _, p := range s.people {
		if p.status == "declined" {
			o["rejected_reason"], o["rejected_at"], o["rejected_by_id"] = p.reason, isoTime(p.doneAt), p.id
		}
	}
	return o
}

func (x *autosign) templateJSON(t *transaction, s *state) object {
	recipients, documents, fields := []any{}, []any{}, []any{}
	for i, p := range s.people {
		recipients = append(recipients, x.templateRecipient(t, s, i))
		fields = append(fields, object{
			"id": "cf" + p.id[2:], "document_id": t.docs[0].id, "recipient_id": p.id, "width": 28.01, "height": 6.34, "positionX": 12, "positionY": 49.77,
			"page": 0, "label": "Nombre de la persona", "type": "person_name", "template_id": t.text, "font_family": "roboto",
			"bold": false, "italic": false, "underline": false, "font_size": 14, "font_color": "#000000", "helper_text": "", "is_required": false,
			"max_length": nil, "min_length": nil, "max_value": nil, "min_value": nil, "regex": nil, "options": []any{},
		})
	}
	for i, d := range t.docs {
		documents = append(documents, x.templateDocument(t, d, i))
	}
	return object{
		"id": t.text, "name": t.name, "description": "", "created_by_id": x.user.id, "edit_navigation": true, "reusable": false, "email_alias": "",
		"email_subject": "", "email_body": "", "created_at": isoTime(t.born), "updated_at": isoTime(s.updated), "company_id": x.desk.account.AccountID,
		"fields": fields, "recipients": recipients, "documents": documents,
	}
}

// templateRecipient is one recipient. Its token opens the signing page: it is nobody's business but theirs.
func (x *autosign) templateRecipient(t *transaction, s *state, i int) object {
	p := s.people[i]
	o := object{
		"id": p.id, "name": p.name, "email": p.email, "color": [...]string{"stone", "indigo", "zinc", "amber"}[i%4], "token": nil, "role": p.role,
		"submitted_at": nil, "index": i, "is_current": false, "created_at": isoTime(t.born), "updated_at": isoTime(s.updated),
	}
	if !s.sent.IsZero() {
		o["token"] = "tok" + p.id[2:] + t.ref[2:12]
	}
	if p.status == "signed" {
		o["submitted_at"] = isoTime(p.doneAt)
	}
	o["is_current"] = s.word == "started" && p.status == "waiting" && (i == 0 || s.people[i-1].status == "signed")
	return o
}

// templateDocument is one document as it was uploaded, with a link to that file: it is not the sealed one.
func (x *autosign) templateDocument(t *transaction, d document, i int) object {
	page := fmt.Sprintf("documents/%s/0.jpeg", d.id)
	until := t.born.AddDate(1, 0, 0)
	return object{
		"id": d.id, "index": i, "status": "processed",
		"file": object{"id": "cg" + d.id[2:], "original_name": d.name, "stored_name": storedName(d.id, d.name), "url": x.linkTo(t, d.id, until)},
		"pages": []any{object{
			"id": "cp" + d.id[2:], "document_id": d.id,
			"file": object{"id": "ch" + d.id[2:], "original_name": page, "stored_name": page, "url": x.linkTo(t, "cp"+d.id[2:], until)},
		}},
	}
}
