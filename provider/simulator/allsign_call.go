package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// allSignVersion is what callbacks say of themselves.
const allSignVersion = "2026-07-11"

// allSignEvent is a callback's body.
type allSignEvent struct {
	ID       string `json:"eventId"`
	Type     string `json:"eventType"`
	Version  string `json:"apiVersion"`
	At       string `json:"occurredAt"`
	Tenant   string `json:"tenantId"`
	Livemode bool   `json:"livemode"`
	Data     struct {
		Document string `json:"documentId"`
	} `json:"data"`
}

// isoTime is a time with milliseconds, in UTC.
func isoTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// allSignActive are the events that fire.
func allSignActive() []string {
	return []string{"document.completed", "document.expired", "document.sent", "document.voided", "signer.signed"}
}

// standardSecret is a secret as Standard Webhooks writes it: 32 bytes behind a prefix.
func standardSecret(r *rand.Rand) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(chance(r, 32))
}

// standardSignature is one token of a webhook-signature header.
func standardSignature(secret, id, at string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return "" // secrets are made here
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var _ exchange = (*allSign)(nil)

// compose makes a callback for each endpoint that wants the event. It is signed when it is sent.
func (x *allSign) compose(t *transaction, n news) []letter {
	e := x.event(t.ref, n.kind, t.state.at.Add(x.desk.world.span(n.after, 0)), !t.test)
	var all []letter
	for _, p := range x.endpoints {
		if !p.disabled && slices.Contains(p.events, n.kind) {
			all = append(all, x.letter(p.url, e, p.id))
		}
	}
	return all
}

func (x *allSign) event(ref, kind string, at time.Time, live bool) allSignEvent {
	e := allSignEvent{
		ID: "evt_" + letters(x.desk.rng, 32, hexDigits), Type: kind, Version: allSignVersion, At: isoTime(at), Tenant: x.tenant, Livemode: live,
	}
	e.Data.Document = ref
	return e
}

func (x *allSign) letter(url string, e allSignEvent, endpoint string) letter {
	body, err := json.Marshal(e)
	if err != nil {
		body = nil // texts and flags always marshal
	}
	return letter{url: url, endpoint: endpoint, body: body, header: http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"AllSign-Webhooks/3"}, "Webhook-Id": {e.ID},
	}}
}

// endpoint finds a registration; nil where it was deleted.
func (x *allSign) endpoint(id string) *allSignEndpoint {
	for _, p := range x.endpoints {
		if p.id == id {
			return p
		}
	}
	return nil
}

// open says whether an endpoint is still called.
func (x *allSign) open(l letter) bool {
	p := x.endpoint(l.endpoint)
	return p != nil && !p.disabled
}

// stamp signs an attempt: the id stays, the time and with it the signature are new. While the
// secret is changed both sign; now and then a token of another version, which proves nothing, goes before.
func (x *allSign) stamp(l letter, now time.Time) letter {
	p := x.endpoint(l.endpoint)
	if p == nil {
		return l
	}
	at := strconv.FormatInt(now.Unix(), 10)
	var tokens []string
	if x.desk.rng.IntN(6) == 0 {
		tokens = append(tokens, "v1a,"+base64.StdEncoding.EncodeToString(chance(x.desk.rng, 64)))
	}
	for _, secret := range x.signing(p, now) {
		tokens = append(tokens, standardSignature(secret, l.header.Get("Webhook-Id"), at, l.body))
	}
	l.header = l.header.Clone()
	l.header.Set("Webhook-Timestamp", at)
	l.header.Set("Webhook-Signature", strings.Join(tokens, " "))
	return l
}

// signing are the secrets that sign for an endpoint now, the current one first.
func (x *allSign) signing(p *allSignEndpoint, now time.Time) []string {
	if p.secret != "" {
		return []string{p.secret}
	}
	if len(x.secrets) == 1 {
		return x.secrets
	}
	span := x.desk.world.span(x.desk.world.opts.RotateSecretsAfter, time.Millisecond)
	switch age := now.Sub(x.desk.world.epoch); {
	case age < span:
		return x.secrets[:1]
	case age < 2*span:
		return []string{x.secrets[1], x.secrets[0]}
	}
	return x.secrets[1:]
}

// landed counts the failures of an endpoint. One that failed too often in a row is disabled, and
// nothing goes there until a client enables it again.
func (x *allSign) landed(l letter, taken bool) {
	p := x.endpoint(l.endpoint)
	if p == nil {
		return
	}
	p.failures++
	if taken {
		p.failures = 0
	}
	if limit := x.desk.world.opts.DisableCallbackAfter; limit > 0 && p.failures >= limit {
		p.disabled = true
	}
}

// forge claims an end that did not come: under a secret of nobody's, with a genuine signature that
// is too old, under a token version that proves nothing, or without any proof.
func (x *allSign) forge(d *delivery) (letter, bool) {
	r, now := x.desk.rng, time.Now()
	p := x.endpoint(d.endpoint)
	if p == nil {
		return letter{}, false
	}
	ref := d.about
	if r.IntN(3) == 0 {
		ref = "doc_" + letters(r, 32, hexDigits) // of nobody
	}
	e := x.event(ref, pick(r, "document.completed", "document.voided", "document.expired"), now, true)
	l := x.letter(d.url, e, d.endpoint)
	at := strconv.FormatInt(now.Unix(), 10)
	var token string
	switch r.IntN(4) {
	case 0:
		token = standardSignature(standardSecret(r), e.ID, at, l.body)
	case 1: // recorded an hour ago, and sent again now
		l = x.letter(d.url, x.event(d.about, d.kind, now.Add(-time.Hour), true), d.endpoint)
		at = strconv.FormatInt(now.Unix()-3600, 10)
		token = standardSignature(x.signing(p, now)[0], l.header.Get("Webhook-Id"), at, l.body)
	case 2:
		token = strings.Replace(standardSignature(x.signing(p, now)[0], e.ID, at, l.body), "v1,", "v2,", 1)
	default:
		return l, true
	}
	l.header.Set("Webhook-Timestamp", at)
	l.header.Set("Webhook-Signature", token)
	return l, true
}

// acknowledged is any 2xx.
func (x *allSign) acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// greet sends nothing: no test event is known.
func (x *allSign) greet(time.Time) {}
