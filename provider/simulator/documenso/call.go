package documenso

import (
	"encoding/json"
	"net/http"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// event is a callback's body. CreatedAt is the time of the attempt, not of the event.
type event struct {
	Event     string          `json:"event"`
	Payload   json.RawMessage `json:"payload"`
	CreatedAt any             `json:"createdAt"`
	Endpoint  string          `json:"webhookEndpoint"`
}

// Rotate sets another secret in the webhook's form.
func (x *service) Rotate() {
	x.desk.Key = "whsec-" + chance.Letters(x.desk.Rand, 24, chance.Alphanum)
	x.desk.Account.Settings["webhook_secret"] = x.desk.Key
}

// Compose makes the one callback to the team's webhook.
func (x *service) Compose(t *world.Transaction, n life.News) []world.Letter {
	if x.desk.URL == "" {
		return nil
	}
	s := t.State
	if n.Message == staleRow {
		s.Updated = t.Past[max(len(t.Past)-2, 0)].Updated
	}
	return []world.Letter{x.letter(n.Kind, x.payloadJSON(t, &s, n.Kind), []string{x.desk.Key})}
}

// letter carries the secret itself, or whatever is in its place; no secret at all is no header.
func (x *service) letter(kind string, payload wire.Object, secret []string) world.Letter {
	if x.desk.World.Options.Habits.NumberOnly {
		withoutID(payload)
	}
	e := event{Event: kind, Payload: compact(payload), Endpoint: x.desk.URL}
	h := http.Header{
		"Content-Type": {"application/json"}, "Accept": {"*/*"}, "Accept-Language": {"*"}, "Sec-Fetch-Mode": {"cors"},
		"User-Agent": {"node"}, "Accept-Encoding": {"gzip, deflate"},
	}
	if secret != nil {
		h["X-Documenso-Secret"] = secret
	}
	return world.Letter{URL: x.desk.URL, Header: h, Renew: func(at time.Time) []byte {
		e.CreatedAt = milliseconds(at)
		return x.desk.Marked(compact(e))
	}}
}

// withoutID leaves out of a payload what older servers did not tell: the envelope's id.
func withoutID(payload wire.Object) {
	delete(payload, "envelopeId")
	all, _ := payload["recipients"].([]any)
	for _, one := range all {
		if r, ok := one.(wire.Object); ok {
			delete(r, "envelopeId")
		}
	}
}

// Forge claims that the envelope has ended, with a secret that is none.
func (x *service) Forge(d *world.Delivery) (world.Letter, bool) {
	r := d.Rand
	t := x.desk.ByRef[d.About]
	if t == nil {
		return world.Letter{}, false
	}
	s := t.State.Clone()
	kind := chance.Pick(r, "DOCUMENT_COMPLETED", "DOCUMENT_REJECTED", "DOCUMENT_CANCELLED")
	s.Word = map[string]string{"DOCUMENT_COMPLETED": "COMPLETED", "DOCUMENT_REJECTED": "REJECTED",
		"DOCUMENT_CANCELLED": "CANCELLED"}[kind]
	s.Completed = time.Now()
	payload := x.payloadJSON(t, &s, kind)
	if r.IntN(3) == 0 {
		payload["envelopeId"] = "envelope_" + chance.Letters(r, 16, lowercase) // of nobody
		payload["id"] = 1000000 + r.IntN(1000)
	}
	return x.letter(kind, payload, chance.Pick(r, []string{"whsec-" + chance.Letters(r, 24, chance.Alphanum)},
		[]string{""}, nil, []string{x.desk.Key[:8]})), true
}

// Acknowledged is any 2xx; redirects are not followed.
func (x *service) Acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// Greet presses the test button and tells of the account's templates.
func (x *service) Greet(now time.Time) {
	if x.desk.URL == "" {
		return
	}
	const kind = "DOCUMENT_COMPLETED"
	x.desk.Aside(kind, now, x.letter(kind, x.testJSON(now), []string{x.desk.Key}))
	for t := range x.desk.Living() {
		if t.Form == "TEMPLATE" {
			x.desk.Post(t, life.News{Kind: "TEMPLATE_CREATED"})
		}
	}
}

// testJSON is the made-up envelope of the test button.
func (x *service) testJSON(now time.Time) wire.Object {
	at := milliseconds(now)
	recipients := []any{}
	for i, role := range []string{"VIEWER", "SIGNER"} {
		recipients = append(recipients, wire.Object{
			"id": 50 + i, "envelopeId": "env_123", "documentId": 10, "templateId": nil, "email": "signer@example.org",
			"name":  "Signer",
			"token": "SIGNING_TOKEN", "documentDeletedAt": nil, "expiresAt": nil, "expirationNotifiedAt": nil, "signedAt": at,
			"authOptions": wire.Object{"accessAuth": nil, "actionAuth": nil}, "signingOrder": i + 1, "rejectionReason": nil,
			"role":       role,
			"readStatus": "OPENED", "signingStatus": "SIGNED", "sendStatus": "SENT",
		})
	}
	return wire.Object{
		"id": 10, "envelopeId": "env_123", "externalId": nil, "userId": 1, "authOptions": nil, "formValues": nil,
		"visibility": "EVERYONE",
		"title":      "test.pdf", "status": "COMPLETED", "documentDataId": "testdatatestdatatestdata1", "createdAt": at,
		"updatedAt":   at,
		"completedAt": at, "deletedAt": nil, "teamId": nil, "templateId": nil, "source": "DOCUMENT",
		"documentMeta": wire.Object{
			"id": "doc_meta_123", "subject": "Please sign", "message": "Please look at this and sign it.", "timezone": "UTC",
			"password":   nil,
			"dateFormat": "MM/DD/YYYY", "redirectUrl": nil, "signingOrder": "PARALLEL", "allowDictateNextSigner": false,
			"typedSignatureEnabled": true, "uploadSignatureEnabled": true, "drawSignatureEnabled": true, "language": "en",
			"distributionMethod": "EMAIL", "emailSettings": nil,
		},
		"recipients": recipients, "Recipient": recipients,
	}
}
