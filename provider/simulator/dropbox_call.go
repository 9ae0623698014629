package simulator

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"time"
)

// acknowledgement is the only answer that counts.
const acknowledgement = "Hello API Event Received"

// dropboxEvent is the part of a callback that says what happened.
type dropboxEvent struct {
	Type     string          `json:"event_type"`
	Time     string          `json:"event_time"`
	Hash     string          `json:"event_hash"`
	Metadata dropboxMetadata `json:"event_metadata"`
}

type dropboxMetadata struct {
	Signature *string `json:"related_signature_id"`
	Account   *string `json:"reported_for_account_id"`
	App       *string `json:"reported_for_app_id"`
	Message   *string `json:"event_message"`
}

// eventHash covers the time and the type, and nothing else.
func eventHash(key, at, kind string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(at + kind))
	return hex.EncodeToString(mac.Sum(nil))
}

func (x *dropboxSign) event(kind string, at time.Time, signature, message string) dropboxEvent {
	e := dropboxEvent{Type: kind, Time: strconv.FormatInt(at.Unix(), 10)}
	e.Hash = eventHash(x.primary, e.Time, kind)
	e.Metadata = dropboxMetadata{Signature: orNull(signature), Message: orNull(message), Account: orNull(x.desk.account.AccountID)}
	return e
}

// rotate makes another of the account's API keys the primary one, by which callbacks are signed.
func (x *dropboxSign) rotate() {
	x.primary = letters(x.desk.rng, 64, hexDigits)
	x.desk.key = x.primary
	keys, _ := x.desk.account.Settings["callback_keys"].([]string)
	x.desk.account.Settings["callback_keys"] = append([]string{x.primary}, keys...)
}

// compose makes the account's callback and, for a request of the app, the app's.
func (x *dropboxSign) compose(t *transaction, n news) []letter {
	e := x.event(n.kind, t.state.at.Add(x.desk.world.span(n.after, 0)), n.who, n.message)
	if slices.Contains([]string{"signature_request_all_signed", "signature_request_declined", "signature_request_canceled"}, n.kind) {
		x.loot = append(x.loot[max(0, len(x.loot)-50):], e)
	}
	request := x.requestJSON(t, &t.state)
	var all []letter
	if x.desk.url != "" {
		all = append(all, x.letter(x.desk.url, object{"event": e, "signature_request": request, "account_guid": x.desk.account.AccountID}))
	}
	if x.appURL != "" && t.clientID != "" {
		e.Metadata.App = orNull(t.clientID)
		all = append(all, x.letter(x.appURL, object{"event": e, "signature_request": request, "client_id": t.clientID}))
	}
	return all
}

// letter is multipart, with the event as text in one field; sometimes the field has a type of its own.
func (x *dropboxSign) letter(url string, body object) letter {
	text, err := json.Marshal(body)
	if err != nil {
		text = nil // texts, numbers and flags always marshal
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	_ = form.SetBoundary("------------------------" + letters(x.desk.rng, 16, hexDigits)) // letters make a good boundary
	if x.desk.rng.IntN(4) == 0 {
		part, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="json"`}, "Content-Type": {"application/json; charset=utf-8"},
		})
		if err == nil {
			_, _ = part.Write(text) // a Buffer takes all
		}
	} else {
		_ = form.WriteField("json", string(text))
	}
	_ = form.Close()
	return letter{url: url, body: b.Bytes(), header: http.Header{
		"Content-Type": {form.FormDataContentType()}, "User-Agent": {"HelloSign API"}, "Accept": {"*/*"},
		"Content-Md5": {x.digest(md5.New, text)}, "Content-Sha256": {x.digest(sha256.New, text)},
	}}
}

func (x *dropboxSign) digest(h func() hash.Hash, text []byte) string {
	mac := hmac.New(h, []byte(x.primary))
	mac.Write(text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// forge claims an end that did not come: under a wrong hash, under a right one of another time, or,
// as anybody can who saw one callback, under a valid hash with a body of its own.
func (x *dropboxSign) forge(d *delivery) (letter, bool) {
	r := x.desk.rng
	t := x.desk.byRef[d.about]
	if t == nil {
		return letter{}, false
	}
	request := x.requestJSON(t, &t.state)
	request["is_complete"] = true
	if r.IntN(3) == 0 {
		request["signature_request_id"] = letters(r, 40, hexDigits) // of nobody
	}
	e := x.event("signature_request_all_signed", time.Now(), "", "")
	switch choice := r.IntN(3); {
	case choice == 0 && len(x.loot) > 0:
		e = x.loot[r.IntN(len(x.loot))]
	case choice == 1:
		e.Time = strconv.FormatInt(time.Now().Unix()+60, 10)
	default:
		e.Hash = eventHash(letters(r, 64, hexDigits), e.Time, e.Type)
	}
	return x.letter(d.url, object{"event": e, "signature_request": request}), true
}

func (x *dropboxSign) acknowledged(status int, body []byte) bool {
	return status == http.StatusOK && string(body) == acknowledgement
}

// greet tests the URL and tells of a template.
func (x *dropboxSign) greet(now time.Time) {
	x.aside("callback_test", now, nil)
	x.aside("template_created", now, object{"template": object{
		"template_id": sumOf([]byte(x.primary)).hash[:40], "title": "Standard lease", "message": "", "updated_at": now.Unix(),
		"is_embedded": nil, "is_creator": true, "can_edit": true, "is_locked": false, "metadata": object{},
		"signer_roles": []any{object{"name": "Tenant", "order": 0}}, "cc_roles": []any{}, "documents": []any{}, "accounts": []any{}, "attachments": []any{},
	}})
}

// aside posts a callback that is about no request.
func (x *dropboxSign) aside(kind string, now time.Time, body object) {
	if x.desk.url == "" {
		return
	}
	full := object{"event": x.event(kind, now, "", "")}
	for key, value := range body {
		full[key] = value
	}
	x.desk.world.enqueue(&entry{at: now, d: &delivery{
		letter: x.letter(x.desk.url, full), desk: x.desk, kind: kind, record: &TruthCallback{Type: kind},
	}})
}
