package simulator

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// milliseconds is a time as Documenso writes it, or null.
func milliseconds(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// number of a recipient.
func (p person) number() int {
	n, _ := strconv.Atoi(p.id) // made from a number
	return n
}

// touched is when the row of a recipient was last written.
func (p person) touched() time.Time {
	return slices.MaxFunc([]time.Time{p.viewedAt, p.doneAt, p.remindedAt, p.notified}, time.Time.Compare)
}

// recipients are those who sign and those who get a copy, in the order in which the database has
// them: who did something goes to the end.
func (x *documenso) recipients(t *transaction, s *state) []person {
	all := slices.Concat(s.people, t.paper.copies)
	slices.SortStableFunc(all, func(a, b person) int { return a.touched().Compare(b.touched()) })
	return all
}

// sent says whether a recipient has been asked to sign.
func (x *documenso) sent(t *transaction, s *state, p person) bool {
	switch {
	case p.role == "CC":
		return t.paper.copied || !s.sent.IsZero()
	case s.sent.IsZero():
		return false
	case !p.viewedAt.IsZero() || !p.doneAt.IsZero():
		return true
	case t.paper.byHand:
		return false
	case t.paper.sequential:
		return !slices.ContainsFunc(s.people, func(q person) bool { return q.order < p.order && q.status != "signed" })
	}
	return true
}

// recipientJSON has the members that answers and callbacks share.
func (x *documenso) recipientJSON(t *transaction, s *state, p person) object {
	words := func(yes bool, is, isNot string) string {
		if yes {
			return is
		}
		return isNot
	}
	signing := map[string]string{"signed": "SIGNED", "declined": "REJECTED"}[p.status]
	if signing == "" {
		signing = "NOT_SIGNED"
	}
	sent := x.sent(t, s, p)
	if p.role == "CC" && sent {
		signing = "SIGNED"
	}
	r := object{
		"id": p.number(), "envelopeId": t.ref, "email": p.email, "name": p.name, "token": p.token, "role": p.role,
		"readStatus": words(!p.viewedAt.IsZero(), "OPENED", "NOT_OPENED"), "signingStatus": signing, "sendStatus": words(sent, "SENT", "NOT_SENT"),
		"documentDeletedAt": nil, "expiresAt": milliseconds(p.expires), "expirationNotifiedAt": milliseconds(p.notified),
		"signedAt": milliseconds(p.doneAt), "authOptions": object{"accessAuth": []any{}, "actionAuth": []any{}},
		"signingOrder": nil, "rejectionReason": nil,
	}
	if t.paper.sequential {
		r["signingOrder"] = p.order
	}
	if p.status == "declined" {
		r["rejectionReason"] = p.reason
	}
	return r
}

// commonJSON has the members of an envelope that answers and callbacks share.
func (x *documenso) commonJSON(t *transaction, s *state) object {
	o := object{
		"externalId": orNull(t.externalID), "userId": x.ownerID, "teamId": t.paper.team, "templateId": nil, "title": t.name, "status": s.word,
		"source": "DOCUMENT", "visibility": "EVERYONE", "createdAt": milliseconds(t.born), "updatedAt": milliseconds(s.updated),
		"completedAt": milliseconds(s.completed), "deletedAt": milliseconds(s.erased), "formValues": nil,
		"authOptions": object{"globalAccessAuth": []any{}, "globalActionAuth": []any{}},
	}
	if t.paper.templateID != 0 {
		o["templateId"] = t.paper.templateID
	}
	if t.paper.templateID != 0 || t.form == "TEMPLATE" {
		o["source"] = "TEMPLATE"
	}
	return o
}

func (x *documenso) metaJSON(t *transaction) object {
	order, how := "PARALLEL", "EMAIL"
	if t.paper.sequential {
		order = "SEQUENTIAL"
	}
	if t.paper.byHand {
		how = "NONE"
	}
	return object{
		"id": t.paper.meta, "subject": nil, "message": nil, "timezone": "Etc/UTC", "dateFormat": "yyyy-MM-dd hh:mm a", "redirectUrl": nil,
		"signingOrder": order, "distributionMethod": how, "allowDictateNextSigner": false, "typedSignatureEnabled": true,
		"uploadSignatureEnabled": true, "drawSignatureEnabled": true, "language": "en",
		"emailSettings": object{
			"documentDeleted": true, "documentPending": true, "recipientSigned": true, "recipientRemoved": true, "documentCompleted": true,
			"ownerDocumentCreated": true, "ownerRecipientExpired": true, "ownerDocumentCompleted": true, "recipientSigningRequest": true,
		},
	}
}

// payloadJSON is what a callback says of an envelope.
func (x *documenso) payloadJSON(t *transaction, s *state, kind string) object {
	p := x.commonJSON(t, s)
	p["id"], p["envelopeId"], p["documentMeta"] = t.paper.number, t.ref, x.metaJSON(t)
	all := []any{}
	for _, one := range x.recipients(t, s) {
		r := x.recipientJSON(t, s, one)
		r["documentId"], r["templateId"] = t.paper.number, nil
		if t.form == "TEMPLATE" {
			r["documentId"], r["templateId"] = nil, t.paper.number
		}
		if kind == "DOCUMENT_SENT" && one.role != "CC" { // the mail goes out a moment later
			r["sendStatus"] = "NOT_SENT"
		}
		all = append(all, r)
	}
	p["recipients"], p["Recipient"] = all, all
	return p
}

// listedJSON is an envelope in the list: without its items and fields.
func (x *documenso) listedJSON(t *transaction, s *state) object {
	e := x.commonJSON(t, s)
	e["internalVersion"], e["type"], e["templateType"], e["id"], e["secondaryId"] = 2, "DOCUMENT", "PRIVATE", t.ref, "document_"+strconv.Itoa(t.paper.number)
	if t.form == "TEMPLATE" {
		e["type"], e["secondaryId"] = "TEMPLATE", "template_"+strconv.Itoa(t.paper.number)
	}
	e["publicTitle"], e["publicDescription"], e["folderId"] = "", "", orNull(t.paper.folder)
	e["user"] = object{"id": x.ownerID, "name": x.owner.name, "email": x.owner.email}
	e["team"] = object{"id": t.paper.team, "url": x.teamURL}
	all := []any{}
	for _, one := range x.recipients(t, s) {
		r := x.recipientJSON(t, s, one)
		r["expired"] = nil
		all = append(all, r)
	}
	e["recipients"] = all
	return e
}

// detailJSON is the whole envelope.
func (x *documenso) detailJSON(t *transaction, s *state) object {
	e := x.listedJSON(t, s)
	meta := x.metaJSON(t)
	meta["emailId"], meta["emailReplyTo"], meta["envelopeExpirationPeriod"] = nil, nil, object{"unit": "month", "amount": 3}
	items, fields := []any{}, []any{}
	for i, d := range t.docs {
		items = append(items, object{"envelopeId": t.ref, "documentDataId": x.dataID(t, s, d.id), "id": d.id, "title": d.name, "order": i + 1})
	}
	for i, p := range s.people {
		fields = append(fields, object{
			"envelopeId": t.ref, "envelopeItemId": t.docs[0].id, "type": "SIGNATURE", "id": p.number(), "secondaryId": "cm" + sumOf([]byte(p.token)).hash[:23],
			"recipientId": p.number(), "page": 1, "positionX": "10", "positionY": strconv.Itoa(30 + 10*i), "width": "30", "height": "6",
			"customText": "", "inserted": p.status == "signed", "fieldMeta": object{"fontSize": 18, "overflow": "auto", "type": "signature"},
		})
	}
	e["documentMeta"], e["envelopeItems"], e["fields"], e["directLink"] = meta, items, fields, nil
	return e
}

// dataID names the bytes of an item: another one whenever they are replaced.
func (x *documenso) dataID(t *transaction, s *state, item string) string {
	return "cm" + sumOf([]byte(item + t.paper.meta + strconv.Itoa(s.seals))).hash[:23]
}

// compact is JSON as a browser's program writes it.
func compact(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil // texts, numbers and flags always encode
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
