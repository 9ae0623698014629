package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// documensoEvent is a callback's body. CreatedAt is the time of the attempt, not of the event.
type documensoEvent struct {
	Event     string          `json:"event"`
	Payload   json.RawMessage `json:"payload"`
	CreatedAt any             `json:"createdAt"`
	Endpoint  string          `json:"webhookEndpoint"`
}

// rotate sets another secret in the webhook's form.
func (x *documenso) rotate() {
	x.desk.key = "whsec-" + letters(x.desk.rng, 24, alphanum)
	x.desk.account.Settings["webhook_secret"] = x.desk.key
}

// compose makes the one callback to the team's webhook.
func (x *documenso) compose(t *transaction, n news) []letter {
	if x.desk.url == "" {
		return nil
	}
	s := t.state
	if n.message == staleRow {
		s.updated = t.past[max(len(t.past)-2, 0)].updated
	}
	return []letter{x.letter(n.kind, x.payloadJSON(t, &s, n.kind), []string{x.desk.key})}
}

// letter carries the secret itself, or whatever is in its place; no secret at all is no header.
func (x *documenso) letter(kind string, payload object, secret []string) letter {
	e := documensoEvent{Event: kind, Payload: compact(payload), Endpoint: x.desk.url}
	h := http.Header{
		"Content-Type": {"application/json"}, "Accept": {"*/*"}, "Accept-Language": {"*"}, "Sec-Fetch-Mode": {"cors"},
		"User-Agent": {"node"}, "Accept-Encoding": {"gzip, deflate"},
	}
	if secret != nil {
		h["X-Documenso-Secret"] = secret
	}
	return letter{url: x.desk.url, header: h, renew: func(at time.Time) []byte {
		e.CreatedAt = milliseconds(at)
		return compact(e)
	}}
}

// forge claims that the envelope has ended, with a secret that is none.
func (x *documenso) forge(d *delivery) (letter, bool) {
	r := x.desk.rng
	t := x.desk.byRef[d.about]
	if t == nil {
		return letter{}, false
	}
	s := t.state.clone()
	kind := pick(r, "DOCUMENT_COMPLETED", "DOCUMENT_REJECTED", "DOCUMENT_CANCELLED")
	s.word = map[string]string{"DOCUMENT_COMPLETED": "COMPLETED", "DOCUMENT_REJECTED": "REJECTED", "DOCUMENT_CANCELLED": "CANCELLED"}[kind]
	s.completed = time.Now()
	payload := x.payloadJSON(t, &s, kind)
	if r.IntN(3) == 0 {
		payload["envelopeId"] = "envelope_" + letters(r, 16, lowercase) // of nobody
	}
	return x.letter(kind, payload, pick(r, []string{"whsec-" + letters(r, 24, alphanum)}, []string{""}, nil, []string{x.desk.key[:8]})), true
}

// acknowledged is any 2xx; redirects are not followed.
func (x *documenso) acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// greet presses the test button and tells of the account's templates.
func (x *documenso) greet(now time.Time) {
	if x.desk.url == "" {
		return
	}
	const kind = "DOCUMENT_COMPLETED"
	x.desk.world.enqueue(&entry{at: now, d: &delivery{
		letter: x.letter(kind, x.testJSON(now), []string{x.desk.key}), desk: x.desk, kind: kind, record: &TruthCallback{Type: kind},
	}})
	for _, t := range x.desk.world.txs {
		if t.desk == x.desk && t.form == "TEMPLATE" {
			x.desk.world.post(t, news{kind: "TEMPLATE_CREATED"}, nil)
		}
	}
}

// testJSON is the made-up envelope of the test button.
func (x *documenso) testJSON(now time.Time) object {
	at := milliseconds(now)
	recipients := []any{}
	for i, role := range []string{"VIEWER", "SIGNER"} {
		recipients = append(recipients, object{
			"id": 50 + i, "envelopeId": "env_123", "documentId": 10, "templateId": nil, "email": "signer@example.org", "name": "Signer",
			"token": "SIGNING_TOKEN", "documentDeletedAt": nil, "expiresAt": nil, "expirationNotifiedAt": nil, "signedAt": at,
			"authOptions": object{"accessAuth": nil, "actionAuth": nil}, "signingOrder": i + 1, "rejectionReason": nil, "role": role,
			"readStatus": "OPENED", "signingStatus": "SIGNED", "sendStatus": "SENT",
		})
	}
	return object{
		"id": 10, "envelopeId": "env_123", "externalId": nil, "userId": 1, "authOptions": nil, "formValues": nil, "visibility": "EVERYONE",
		"title": "test.pdf", "status": "COMPLETED", "documentDataId": "testdatatestdatatestdata1", "createdAt": at, "updatedAt": at,
		"completedAt": at, "deletedAt": nil, "teamId": nil, "templateId": nil, "source": "DOCUMENT",
		"documentMeta": object{
			"id": "doc_meta_123", "subject": "Please sign", "message": "Please look at this and sign it.", "timezone": "UTC", "password": nil,
			"dateFormat": "MM/DD/YYYY", "redirectUrl": nil, "signingOrder": "PARALLEL", "allowDictateNextSigner": false,
			"typedSignatureEnabled": true, "uploadSignatureEnabled": true, "drawSignatureEnabled": true, "language": "en",
			"distributionMethod": "EMAIL", "emailSettings": nil,
		},
		"recipients": recipients, "Recipient": recipients,
	}
}
