package dropboxsign

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

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// acknowledgement is the only answer that counts.
const acknowledgement = "Hello API Event Received"

// event is the part of a callback that says what happened.
type event struct {
	Type     string   `json:"event_type"`
	Time     string   `json:"event_time"`
	Hash     string   `json:"event_hash"`
	Metadata metadata `json:"event_metadata"`
}

type metadata struct {
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

func (x *service) event(kind string, at time.Time, signature, message string) event {
	e := event{Type: kind, Time: strconv.FormatInt(at.Unix(), 10)}
	e.Hash = eventHash(x.primary, e.Time, kind)
	e.Metadata = metadata{Signature: wire.OrNull(signature), Message: wire.OrNull(message),
		Account: wire.OrNull(x.desk.Account.AccountID)}
	return e
}

// Rotate makes another of the account's API keys the primary one, by which callbacks are signed.
func (x *service) Rotate() {
	x.primary = chance.Letters(x.desk.Rand, 64, chance.HexDigits)
	x.desk.Key = x.primary
	keys, _ := x.desk.Account.Settings["callback_keys"].([]string)
	x.desk.Account.Settings["callback_keys"] = append([]string{x.primary}, keys...)
}

// Compose makes the account's callback and, for a request of the app, the app's.
func (x *service) Compose(t *world.Transaction, n life.News) []world.Letter {
	e := x.event(n.Kind, t.State.At.Add(x.desk.World.Span(n.After, 0)), n.Who, n.Message)
	if slices.Contains([]string{"signature_request_all_signed", "signature_request_declined",
		"signature_request_canceled"}, n.Kind) {
		x.loot = append(x.loot[max(0, len(x.loot)-50):], e)
	}
	request := x.requestJSON(t, &t.State)
	var all []world.Letter
	if x.desk.URL != "" {
		all = append(all, x.letter(x.desk.URL, wire.Object{"event": e, "signature_request": request,
			"account_guid": x.desk.Account.AccountID}))
	}
	if x.appURL != "" && t.ClientID != "" {
		e.Metadata.App = wire.OrNull(t.ClientID)
		all = append(all, x.letter(x.appURL, wire.Object{"event": e, "signature_request": request, "client_id": t.ClientID}))
	}
	return all
}

// letter is multipart, with the event as text in one field; sometimes the field has a type of its own.
func (x *service) letter(url string, body wire.Object) world.Letter {
	text, err := json.Marshal(body)
	if err != nil {
		text = nil // texts, numbers and flags always marshal
	}
	text = x.desk.Marked(text)
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	// letters make a good boundary
	_ = form.SetBoundary("------------------------" + chance.Letters(x.desk.Rand, 16, chance.HexDigits))
	if x.desk.Rand.IntN(4) == 0 {
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
	return world.Letter{URL: url, Body: b.Bytes(), Header: http.Header{
		"Content-Type": {form.FormDataContentType()}, "User-Agent": {"HelloSign API"}, "Accept": {"*/*"},
		"Content-Md5": {x.digest(md5.New, text)}, "Content-Sha256": {x.digest(sha256.New, text)},
	}}
}

func (x *service) digest(h func() hash.Hash, text []byte) string {
	mac := hmac.New(h, []byte(x.primary))
	mac.Write(text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Forge claims an end that did not come: under a wrong hash, under a right one of another time, or,
// as anybody can who saw one callback, under a valid hash with a body of its own.
func (x *service) Forge(d *world.Delivery) (world.Letter, bool) {
	r := d.Rand
	t := x.desk.ByRef[d.About]
	if t == nil {
		return world.Letter{}, false
	}
	request := x.requestJSON(t, &t.State)
	request["is_complete"] = true
	if r.IntN(3) == 0 {
		request["signature_request_id"] = chance.Letters(r, 40, chance.HexDigits) // of nobody
	}
	e := x.event("signature_request_all_signed", time.Now(), "", "")
	switch choice := r.IntN(3); {
	case choice == 0 && len(x.loot) > 0:
		e = x.loot[r.IntN(len(x.loot))]
	case choice == 1:
		e.Time = strconv.FormatInt(time.Now().Unix()+60, 10)
	default:
		e.Hash = eventHash(chance.Letters(r, 64, chance.HexDigits), e.Time, e.Type)
	}
	return x.letter(d.URL, wire.Object{"event": e, "signature_request": request}), true
}

func (x *service) Acknowledged(status int, body []byte) bool {
	return status == http.StatusOK && string(body) == acknowledgement
}

// Greet tests the URL and tells of a template.
func (x *service) Greet(now time.Time) {
	x.aside("callback_test", now, nil)
	x.aside("template_created", now, wire.Object{"template": wire.Object{
		"template_id": pdf.SumOf([]byte(x.primary)).Hash[:40], "title": "Standard lease", "message": "",
		"updated_at":  now.Unix(),
		"is_embedded": nil, "is_creator": true, "can_edit": true, "is_locked": false, "metadata": wire.Object{},
		"signer_roles": []any{wire.Object{"name": "Tenant", "order": 0}}, "cc_roles": []any{}, "documents": []any{},
		"accounts": []any{}, "attachments": []any{},
	}})
}

// aside posts a callback that is about no request.
func (x *service) aside(kind string, now time.Time, body wire.Object) {
	if x.desk.URL == "" {
		return
	}
	full := wire.Object{"event": x.event(kind, now, "", "")}
	for key, value := range body {
		full[key] = value
	}
	x.desk.Aside(kind, now, x.letter(x.desk.URL, full))
}
