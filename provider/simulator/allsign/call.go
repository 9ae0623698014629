package allsign

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

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// version is what callbacks say of themselves.
const version = "2026-07-11"

// event is a callback's body.
type event struct {
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

// activeEvents are the events that fire.
func activeEvents() []string {
	return []string{"document.completed", "document.expired", "document.sent", "document.voided", "signer.signed"}
}

// standardSecret is a secret as Standard Webhooks writes it: 32 bytes behind a prefix.
func standardSecret(r *rand.Rand) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(chance.Bytes(r, 32))
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

var _ world.Exchange = (*service)(nil)

// Compose makes a callback for each endpoint that wants the event. It is signed when it is sent.
func (x *service) Compose(t *world.Transaction, n life.News) []world.Letter {
	e := x.event(t.Ref, n.Kind, t.State.At.Add(x.desk.World.Span(n.After, 0)), !t.Test)
	var all []world.Letter
	for _, p := range x.endpoints {
		if !p.disabled && slices.Contains(p.events, n.Kind) {
			all = append(all, x.letter(p.url, e, p.id))
		}
	}
	return all
}

func (x *service) event(ref, kind string, at time.Time, live bool) event {
	e := event{
		ID: "evt_" + chance.Letters(x.desk.Rand, 32, chance.HexDigits), Type: kind, Version: version, At: wire.ISOTime(at),
		Tenant: x.tenant, Livemode: live,
	}
	e.Data.Document = ref
	return e
}

func (x *service) letter(url string, e event, endpoint string) world.Letter {
	body, err := json.Marshal(e)
	if err != nil {
		body = nil // texts and flags always marshal
	}
	return world.Letter{URL: url, Endpoint: endpoint, Body: x.desk.Marked(body), Header: http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {"AllSign-Webhooks/3"}, "Webhook-Id": {e.ID},
	}}
}

// endpoint finds a registration; nil where it was deleted.
func (x *service) endpoint(id string) *endpoint {
	for _, p := range x.endpoints {
		if p.id == id {
			return p
		}
	}
	return nil
}

// Open says whether an endpoint is still called.
func (x *service) Open(l world.Letter) bool {
	p := x.endpoint(l.Endpoint)
	return p != nil && !p.disabled
}

// Stamp signs an attempt: the id stays, the time and with it the signature are new. While the
// secret is changed both sign; now and then a token of another version, which proves nothing, goes before.
func (x *service) Stamp(l world.Letter, now time.Time) world.Letter {
	p := x.endpoint(l.Endpoint)
	if p == nil {
		return l
	}
	at := strconv.FormatInt(now.Unix(), 10)
	var tokens []string
	if x.desk.Rand.IntN(6) == 0 {
		tokens = append(tokens, "v1a,"+base64.StdEncoding.EncodeToString(chance.Bytes(x.desk.Rand, 64)))
	}
	for _, secret := range x.signing(p, now) {
		tokens = append(tokens, standardSignature(secret, l.Header.Get("Webhook-Id"), at, l.Body))
	}
	l.Header = l.Header.Clone()
	l.Header.Set("Webhook-Timestamp", at)
	l.Header.Set("Webhook-Signature", strings.Join(tokens, " "))
	return l
}

// signing are the secrets that sign for an endpoint now, the current one first.
func (x *service) signing(p *endpoint, now time.Time) []string {
	if p.secret != "" {
		return []string{p.secret}
	}
	if len(x.secrets) == 1 {
		return x.secrets
	}
	span := x.desk.World.Span(x.desk.World.Options.RotateSecretsAfter, time.Millisecond)
	switch age := now.Sub(x.desk.World.Epoch); {
	case age < span:
		return x.secrets[:1]
	case age < 2*span:
		return []string{x.secrets[1], x.secrets[0]}
	}
	return x.secrets[1:]
}

// Landed counts the failures of an endpoint. One that failed too often in a row is disabled, and
// nothing goes there until a client enables it again.
func (x *service) Landed(l world.Letter, taken bool) {
	p := x.endpoint(l.Endpoint)
	if p == nil {
		return
	}
	p.failures++
	if taken {
		p.failures = 0
	}
	if limit := x.desk.World.Options.DisableCallbackAfter; limit > 0 && p.failures >= limit {
		p.disabled = true
	}
}

// Forge claims an end that did not come: under a secret of nobody's, with a genuine signature that
// is too old, under a token version that proves nothing, or without any proof.
func (x *service) Forge(d *world.Delivery) (world.Letter, bool) {
	r, now := d.Rand, time.Now()
	p := x.endpoint(d.Endpoint)
	if p == nil {
		return world.Letter{}, false
	}
	ref := d.About
	if r.IntN(3) == 0 {
		ref = "doc_" + chance.Letters(r, 32, chance.HexDigits) // of nobody
	}
	e := x.event(ref, chance.Pick(r, "document.completed", "document.voided", "document.expired"), now, true)
	l := x.letter(d.URL, e, d.Endpoint)
	at := strconv.FormatInt(now.Unix(), 10)
	var token string
	switch r.IntN(4) {
	case 0:
		token = standardSignature(standardSecret(r), e.ID, at, l.Body)
	case 1: // recorded an hour ago, and sent again now
		l = x.letter(d.URL, x.event(d.About, d.Kind, now.Add(-time.Hour), true), d.Endpoint)
		at = strconv.FormatInt(now.Unix()-3600, 10)
		token = standardSignature(x.signing(p, now)[0], l.Header.Get("Webhook-Id"), at, l.Body)
	case 2:
		token = strings.Replace(standardSignature(x.signing(p, now)[0], e.ID, at, l.Body), "v1,", "v2,", 1)
	default:
		return l, true
	}
	l.Header.Set("Webhook-Timestamp", at)
	l.Header.Set("Webhook-Signature", token)
	return l, true
}

// Acknowledged is any 2xx.
func (x *service) Acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// Greet sends nothing: no test event is known.
func (x *service) Greet(time.Time) {}
