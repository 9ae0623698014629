package documenso

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// milliseconds is a time as Documenso writes it, or null.
func milliseconds(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// number of a recipient.
func recipientNumber(p life.Person) int {
	n, _ := strconv.Atoi(p.ID) // made from a number
	return n
}

// touched is when the row of a recipient was last written.
func touched(p life.Person) time.Time {
	return slices.MaxFunc([]time.Time{p.ViewedAt, p.DoneAt, p.RemindedAt, p.Notified}, time.Time.Compare)
}

// recipients are those who sign and those who get a copy, in the order in which the database has
// them: who did something goes to the end.
func (x *service) recipients(t *world.Transaction, s *life.State) []life.Person {
	all := slices.Concat(s.People, dataOf(t).copies)
	slices.SortStableFunc(all, func(a, b life.Person) int { return touched(a).Compare(touched(b)) })
	return all
}

// sent says whether a recipient has been asked to sign.
func (x *service) sent(t *world.Transaction, s *life.State, p life.Person) bool {
	switch {
	case p.Role == "CC":
		return dataOf(t).copied || !s.Sent.IsZero()
	case s.Sent.IsZero():
		return false
	case !p.ViewedAt.IsZero() || !p.DoneAt.IsZero():
		return true
	case dataOf(t).byHand:
		return false
	case dataOf(t).sequential:
		return !slices.ContainsFunc(s.People, func(q life.Person) bool { return q.Order < p.Order && q.Status != "signed" })
	}
	return true
}

// recipientJSON has the members that answers and callbacks share.
func (x *service) recipientJSON(t *world.Transaction, s *life.State, p life.Person) wire.Object {
	words := func(yes bool, is, isNot string) string {
		if yes {
			return is
		}
		return isNot
	}
	signing := map[string]string{"signed": "SIGNED", "declined": "REJECTED"}[p.Status]
	if signing == "" {
		signing = "NOT_SIGNED"
	}
	sent := x.sent(t, s, p)
	if p.Role == "CC" && sent {
		signing = "SIGNED"
	}
	r := wire.Object{
		"id": recipientNumber(p), "envelopeId": t.Ref, "email": p.Email, "name": p.Name, "token": p.Token, "role": p.Role,
		"readStatus": words(!p.ViewedAt.IsZero(), "OPENED", "NOT_OPENED"), "signingStatus": signing,
		"sendStatus":        words(sent, "SENT", "NOT_SENT"),
		"documentDeletedAt": nil, "expiresAt": milliseconds(p.Expires), "expirationNotifiedAt": milliseconds(p.Notified),
		"signedAt": milliseconds(p.DoneAt), "authOptions": wire.Object{"accessAuth": []any{}, "actionAuth": []any{}},
		"signingOrder": nil, "rejectionReason": nil,
	}
	if dataOf(t).sequential {
		r["signingOrder"] = p.Order
	}
	if p.Status == "declined" {
		r["rejectionReason"] = p.Reason
	}
	return r
}

// commonJSON has the members of an envelope that answers and callbacks share.
func (x *service) commonJSON(t *world.Transaction, s *life.State) wire.Object {
	o := wire.Object{
		"externalId": wire.OrNull(t.ExternalID), "userId": x.ownerID, "teamId": dataOf(t).team, "templateId": nil,
		"title": t.Name, "status": s.Word,
		"source": "DOCUMENT", "visibility": "EVERYONE", "createdAt": milliseconds(t.Born),
		"updatedAt":   milliseconds(s.Updated),
		"completedAt": milliseconds(s.Completed), "deletedAt": milliseconds(s.Erased), "formValues": nil,
		"authOptions": wire.Object{"globalAccessAuth": []any{}, "globalActionAuth": []any{}},
	}
	if dataOf(t).templateID != 0 {
		o["templateId"] = dataOf(t).templateID
	}
	if dataOf(t).templateID != 0 || t.Form == "TEMPLATE" {
		o["source"] = "TEMPLATE"
	}
	return o
}

func (x *service) metaJSON(t *world.Transaction) wire.Object {
	order, how := "PARALLEL", "EMAIL"
	if dataOf(t).sequential {
		order = "SEQUENTIAL"
	}
	if dataOf(t).byHand {
		how = "NONE"
	}
	return wire.Object{
		"id": dataOf(t).meta, "subject": nil, "message": nil, "timezone": "Etc/UTC", "dateFormat": "yyyy-MM-dd hh:mm a",
		"redirectUrl":  nil,
		"signingOrder": order, "distributionMethod": how, "allowDictateNextSigner": false, "typedSignatureEnabled": true,
		"uploadSignatureEnabled": true, "drawSignatureEnabled": true, "language": "en",
		"emailSettings": wire.Object{
			"documentDeleted": true, "documentPending": true, "recipientSigned": true, "recipientRemoved": true,
			"documentCompleted":    true,
			"ownerDocumentCreated": true, "ownerRecipientExpired": true, "ownerDocumentCompleted": true,
			"recipientSigningRequest": true,
		},
	}
}

// payloadJSON is what a callback says of an envelope.
func (x *service) payloadJSON(t *world.Transaction, s *life.State, kind string) wire.Object {
	p := x.commonJSON(t, s)
	p["id"], p["envelopeId"], p["documentMeta"] = dataOf(t).number, t.Ref, x.metaJSON(t)
	all := []any{}
	for _, one := range x.recipients(t, s) {
		r := x.recipientJSON(t, s, one)
		r["documentId"], r["templateId"] = dataOf(t).number, nil
		if t.Form == "TEMPLATE" {
			r["documentId"], r["templateId"] = nil, dataOf(t).number
		}
		if kind == "DOCUMENT_SENT" && one.Role != "CC" { // the mail goes out a moment later
			r["sendStatus"] = "NOT_SENT"
		}
		all = append(all, r)
	}
	p["recipients"], p["Recipient"] = all, all
	return p
}

// listedJSON is an envelope in the list: without its items and fields.
func (x *service) listedJSON(t *world.Transaction, s *life.State) wire.Object {
	e := x.commonJSON(t, s)
	e["internalVersion"], e["type"], e["templateType"], e["id"], e["secondaryId"] = 2, "DOCUMENT", "PRIVATE", t.Ref,
		"document_"+strconv.Itoa(dataOf(t).number)
	if t.Form == "TEMPLATE" {
		e["type"], e["secondaryId"] = "TEMPLATE", "template_"+strconv.Itoa(dataOf(t).number)
	}
	e["publicTitle"], e["publicDescription"], e["folderId"] = "", "", wire.OrNull(dataOf(t).folder)
	e["user"] = wire.Object{"id": x.ownerID, "name": x.owner.Name, "email": x.owner.Email}
	e["team"] = wire.Object{"id": dataOf(t).team, "url": x.teamURL}
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
func (x *service) detailJSON(t *world.Transaction, s *life.State) wire.Object {
	e := x.listedJSON(t, s)
	meta := x.metaJSON(t)
	meta["emailId"], meta["emailReplyTo"], meta["envelopeExpirationPeriod"] = nil, nil, wire.Object{"unit": "month",
		"amount": 3}
	items, fields := []any{}, []any{}
	for i, d := range t.Docs {
		items = append(items, wire.Object{"envelopeId": t.Ref, "documentDataId": x.dataID(t, s, d.ID), "id": d.ID,
			"title": d.Name, "order": i + 1})
	}
	for i, p := range s.People {
		fields = append(fields, wire.Object{
			"envelopeId": t.Ref, "envelopeItemId": t.Docs[0].ID, "type": "SIGNATURE", "id": recipientNumber(p),
			"secondaryId": "cm" + pdf.SumOf([]byte(p.Token)).Hash[:23],
			"recipientId": recipientNumber(p), "page": 1, "positionX": "10", "positionY": strconv.Itoa(30 + 10*i),
			"width": "30", "height": "6",
			"customText": "", "inserted": p.Status == "signed", "fieldMeta": wire.Object{"fontSize": 18, "overflow": "auto",
				"type": "signature"},
		})
	}
	e["documentMeta"], e["envelopeItems"], e["fields"], e["directLink"] = meta, items, fields, nil
	return e
}

// dataID names the bytes of an item: another one whenever they are replaced.
func (x *service) dataID(t *world.Transaction, s *life.State, item string) string {
	return "cm" + pdf.SumOf([]byte(item + dataOf(t).meta + strconv.Itoa(s.Seals))).Hash[:23]
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
