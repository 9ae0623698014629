package autosign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// bodyProof is the proof of a callback: over the body's bytes, and nothing else.
func bodyProof(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Rotate makes a new signature secret in the dashboard.
func (x *service) Rotate() {
	x.secret = chance.Letters(x.desk.Rand, 40, chance.Alphanum)
	secrets, _ := x.desk.Account.Settings["webhook_secrets"].([]string)
	x.desk.Account.Settings["webhook_secrets"] = append([]string{x.secret}, secrets...)
}

// Compose makes a callback for each webhook that wants the event.
func (x *service) Compose(t *world.Transaction, n life.News) []world.Letter {
	id := n.Event
	if id == "" {
		id = cuid(x.desk.Rand)
	}
	body := x.event(id, n.Kind, t.State.At.Add(x.desk.World.Span(n.After, 0)), x.dataJSON(t, n))
	x.loot = bodyProof(x.secret, body)
	var all []world.Letter
	for _, p := range x.endpoints {
		if slices.Contains(p.events, n.Kind) {
			all = append(all, newLetter(p.url, body, x.loot))
		}
	}
	return all
}

func (x *service) event(id, kind string, at time.Time, data wire.Object) []byte {
	body, err := json.Marshal(wire.Object{"created": wire.ISOTime(at), "id": id, "type": kind, "data": data})
	if err != nil {
		return nil // texts, numbers and lists of them always marshal
	}
	return x.desk.Marked(body)
}

func newLetter(url string, body []byte, signature string) world.Letter {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"axios/1.6.7"},
		"Accept": {"application/json, text/plain, */*"}}
	if signature != "" {
		h.Set("Autosign-Signature", signature)
	}
	return world.Letter{URL: url, Body: body, Header: h}
}

// dataJSON is what an event says of its transaction. Its status is the one that answers show, and
// started for the last recipient too.
func (x *service) dataJSON(t *world.Transaction, n life.News) wire.Object {
	s := &t.State
	data := wire.Object{"id": t.Ref, "status": shownWord(s)}
	user := wire.Object{"id": x.user.ID, "email": x.user.Email}
	who := s.Person(n.Who)
	switch n.Kind {
	case "transaction_created":
		data["created_by"] = user
	case "transaction_started":
		data["started_by"] = user
	case "recipient_submitted":
		one := recipientJSON(*who)
		// some seconds before what the completed event and the detail will say
		early := time.Second + time.Duration(x.desk.Rand.IntN(2000))*time.Millisecond
		one["submitted_at"] = wire.ISOTime(who.DoneAt.Add(-early))
		data["recipient"] = one
	case "transaction_completed":
		all, sealed := []any{}, []any{}
		for _, p := range s.People {
			all = append(all, recipientJSON(p))
		}
		for _, d := range t.Docs {
			sealed = append(sealed, wire.Object{
				"id": sealedID(d), "name": "sealed-" + d.Name, "created_at": wire.ISOTime(s.Ready.Add(-19 * time.Millisecond)),
				"document": wire.Object{"id": d.ID, "name": d.Name}, "url": x.linkTo(t, sealedID(d), x.linksUntil(t)),
			})
		}
		data["recipients"], data["sealed_documents"] = all, sealed
	case "transaction_rejected":
		data["rejected_by"] = wire.Object{"id": who.ID, "email": who.Email, "name": who.Name, "role": who.Role}
	case "transaction_expired":
		data["expiration_days"], data["expired_at"] = expirationDays(t), wire.ISOTime(s.Due)
	case "transaction_cancelled":
		data["cancelled_reason"], data["cancelled_at"] = n.Message, wire.ISOTime(s.Due)
	}
	return data
}

func recipientJSON(p life.Person) wire.Object {
	return wire.Object{"id": p.ID, "email": p.Email, "name": p.Name, "role": p.Role,
		"submitted_at": wire.ISOOrNull(p.DoneAt)}
}

// expirationDays is null where none were set.
func expirationDays(t *world.Transaction) any {
	if t.Kind == "expired" {
		return 1
	}
	return nil
}

// sealedID is the id of the sealed file that a document becomes.
func sealedID(d life.Document) string { return "cs" + d.ID[2:] }

// linksUntil is how long the links of the completed event live.
func (x *service) linksUntil(t *world.Transaction) time.Time {
	return t.State.Ready.Add(x.desk.World.Span(time.Hour, 10*time.Second)).Truncate(time.Second)
}

// linkTo is a link to the storage behind the service. It needs no credentials.
func (x *service) linkTo(t *world.Transaction, file string, until time.Time) string {
	base, expires := x.desk.World.Options.Base, strconv.FormatInt(until.Unix(), 10)
	if base == "" {
		base = x.seen
	}
	return fmt.Sprintf("%s/autosign-storage/%s/%s?expires=%s&signature=%s", base, t.Ref, url.PathEscape(file), expires,
		wire.LinkProof(x.proof, t.Ref, file, expires))
}

// Forge claims an end that did not come: under a secret of nobody's, under the genuine signature of
// another body, under the right secret but in another encoding with a byte changed, or without any.
func (x *service) Forge(d *world.Delivery) (world.Letter, bool) {
	r, ref := d.Rand, d.About
	if r.IntN(3) == 0 {
		ref = cuid(r) // of nobody
	}
	kind := chance.Pick(r, "transaction_completed", "transaction_cancelled", "transaction_rejected", "transaction_expired")
	data := wire.Object{"id": ref, "status": "expired"}
	switch kind {
	case "transaction_completed":
		data["status"], data["recipients"] = "completed", []any{}
		data["sealed_documents"] = []any{wire.Object{
			"id": cuid(r), "name": "sealed-forged.pdf", "created_at": wire.ISOTime(time.Now()),
			"document": wire.Object{"id": cuid(r), "name": "forged.pdf"},
			"url":      x.desk.World.Options.Base + "/autosign-storage/" + ref + "/forged?expires=9999999999&signature=none",
		}}
	case "transaction_rejected":
		data["status"], data["rejected_by"] = "rejected", wire.Object{"id": cuid(r), "email": "nobody@forged.example",
			"name": "Nobody", "role": "signer"}
	case "transaction_cancelled":
		data["cancelled_reason"], data["cancelled_at"] = "none", wire.ISOTime(time.Now())
	default:
		data["expiration_days"], data["expired_at"] = nil, wire.ISOTime(time.Now())
	}
	body := x.event(cuid(r), kind, time.Now(), data)
	signature := ""
	switch r.IntN(4) {
	case 0:
		signature = bodyProof(chance.Letters(r, 40, chance.Alphanum), body)
	case 1:
		signature = x.loot
	case 2:
		mac := hmac.New(sha256.New, []byte(x.secret))
		mac.Write(append(body, '\n'))
		signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return newLetter(d.URL, body, signature), true
}

// Acknowledged is any 2xx. It matters little: nothing is ever sent again.
func (x *service) Acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// Greet sends nothing: no test event is known.
func (x *service) Greet(time.Time) {}
