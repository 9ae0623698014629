package simulator

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
)

// autosignSignature is the proof of a callback: over the body's bytes, and nothing else.
func autosignSignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// rotate makes a new signature secret in the dashboard.
func (x *autosign) rotate() {
	x.secret = letters(x.desk.rng, 40, alphanum)
	secrets, _ := x.desk.account.Settings["webhook_secrets"].([]string)
	x.desk.account.Settings["webhook_secrets"] = append([]string{x.secret}, secrets...)
}

// compose makes a callback for each webhook that wants the event.
func (x *autosign) compose(t *transaction, n news) []letter {
	id := n.event
	if id == "" {
		id = cuid(x.desk.rng)
	}
	body := x.event(id, n.kind, t.state.at.Add(x.desk.world.span(n.after, 0)), x.dataJSON(t, n))
	x.loot = autosignSignature(x.secret, body)
	var all []letter
	for _, p := range x.endpoints {
		if slices.Contains(p.events, n.kind) {
			all = append(all, autosignLetter(p.url, body, x.loot))
		}
	}
	return all
}

func (x *autosign) event(id, kind string, at time.Time, data object) []byte {
	body, err := json.Marshal(object{"created": isoTime(at), "id": id, "type": kind, "data": data})
	if err != nil {
		return nil // texts, numbers and lists of them always marshal
	}
	return body
}

func autosignLetter(url string, body []byte, signature string) letter {
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"axios/1.6.7"}, "Accept": {"application/json, text/plain, */*"}}
	if signature != "" {
		h.Set("Autosign-Signature", signature)
	}
	return letter{url: url, body: body, header: h}
}

// dataJSON is what an event says of its transaction. Its status is the one that answers show, and
// started for the last recipient too.
func (x *autosign) dataJSON(t *transaction, n news) object {
	s := &t.state
	data := object{"id": t.ref, "status": autosignWord(s)}
	user := object{"id": x.user.id, "email": x.user.email}
	who := s.person(n.who)
	switch n.kind {
	case "transaction_created":
		data["created_by"] = user
	case "transaction_started":
		data["started_by"] = user
	case "recipient_submitted":
		one := recipientJSON(*who)
		// some seconds before what the completed event and the detail will say
		one["submitted_at"] = isoTime(who.doneAt.Add(-time.Second - time.Duration(x.desk.rng.IntN(2000))*time.Millisecond))
		data["recipient"] = one
	case "transaction_completed":
		all, sealed := []any{}, []any{}
		for _, p := range s.people {
			all = append(all, recipientJSON(p))
		}
		for _, d := range t.docs {
			sealed = append(sealed, object{
				"id": sealedID(d), "name": "sealed-" + d.name, "created_at": isoTime(s.ready.Add(-19 * time.Millisecond)),
				"document": object{"id": d.id, "name": d.name}, "url": x.linkTo(t, sealedID(d), x.linksUntil(t)),
			})
		}
		data["recipients"], data["sealed_documents"] = all, sealed
	case "transaction_rejected":
		data["rejected_by"] = object{"id": who.id, "email": who.email, "name": who.name, "role": who.role}
	case "transaction_expired":
		data["expiration_days"], data["expired_at"] = expirationDays(t), isoTime(s.due)
	case "transaction_cancelled":
		data["cancelled_reason"], data["cancelled_at"] = n.message, isoTime(s.due)
	}
	return data
}

func recipientJSON(p person) object {
	return object{"id": p.id, "email": p.email, "name": p.name, "role": p.role, "submitted_at": isoOrNull(p.doneAt)}
}

// expirationDays is null where none were set.
func expirationDays(t *transaction) any {
	if t.kind == "expired" {
		return 1
	}
	return nil
}

// sealedID is the id of the sealed file that a document becomes.
func sealedID(d document) string { return "cs" + d.id[2:] }

// linksUntil is how long the links of the completed event live.
func (x *autosign) linksUntil(t *transaction) time.Time {
	return t.state.ready.Add(x.desk.world.span(time.Hour, 10*time.Second)).Truncate(time.Second)
}

// linkTo is a link to the storage behind the service. It needs no credentials.
func (x *autosign) linkTo(t *transaction, file string, until time.Time) string {
	base, expires := x.desk.world.opts.Base, strconv.FormatInt(until.Unix(), 10)
	if base == "" {
		base = x.seen
	}
	return fmt.Sprintf("%s/autosign-storage/%s/%s?expires=%s&signature=%s", base, t.ref, url.PathEscape(file), expires, linkProof(x.proof, t.ref, file, expires))
}

// forge claims an end that did not come: under a secret of nobody's, under the genuine signature of
// another body, under the right secret but in another encoding with a byte changed, or without any.
func (x *autosign) forge(d *delivery) (letter, bool) {
	r, ref := x.desk.rng, d.about
	if r.IntN(3) == 0 {
		ref = cuid(r) // of nobody
	}
	kind := pick(r, "transaction_completed", "transaction_cancelled", "transaction_rejected", "transaction_expired")
	data := object{"id": ref, "status": "expired"}
	switch kind {
	case "transaction_completed":
		data["status"], data["recipients"] = "completed", []any{}
		data["sealed_documents"] = []any{object{
			"id": cuid(r), "name": "sealed-forged.pdf", "created_at": isoTime(time.Now()), "document": object{"id": cuid(r), "name": "forged.pdf"},
			"url": x.desk.world.opts.Base + "/autosign-storage/" + ref + "/forged?expires=9999999999&signature=none",
		}}
	case "transaction_rejected":
		data["status"], data["rejected_by"] = "rejected", object{"id": cuid(r), "email": "nobody@forged.example", "name": "Nobody", "role": "signer"}
	case "transaction_cancelled":
		data["cancelled_reason"], data["cancelled_at"] = "none", isoTime(time.Now())
	default:
		data["expiration_days"], data["expired_at"] = nil, isoTime(time.Now())
	}
	body := x.event(cuid(r), kind, time.Now(), data)
	signature := ""
	switch r.IntN(4) {
	case 0:
		signature = autosignSignature(letters(r, 40, alphanum), body)
	case 1:
		signature = x.loot
	case 2:
		mac := hmac.New(sha256.New, []byte(x.secret))
		mac.Write(append(body, '\n'))
		signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return autosignLetter(d.url, body, signature), true
}

// acknowledged is any 2xx. It matters little: nothing is ever sent again.
func (x *autosign) acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// greet sends nothing: no test event is known.
func (x *autosign) greet(time.Time) {}
