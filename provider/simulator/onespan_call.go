package simulator

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// consentDocument is in every package; its acceptance is told like a signature.
const consentDocument = "default-consent"

// oneSpanEvent is a callback's body, with the nulls that the wire shows.
type oneSpanEvent struct {
	Class       string   `json:"@class"`
	Name        string   `json:"name"`
	SessionUser string   `json:"sessionUser"`
	PackageID   string   `json:"packageId"`
	Message     *string  `json:"message"`
	DocumentID  *string  `json:"documentId"`
	NewRoleID   string   `json:"newRoleId,omitempty"`
	Phone       string   `json:"phone,omitempty"`
	Comment     string   `json:"comment,omitempty"`
	Hours       []string `json:"selectedSupportBusinessHours,omitempty"`
	CreatedDate string   `json:"createdDate"`
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (o *oneSpan) compose(t *transaction, n news) []letter {
	if o.desk.url == "" || !o.desk.events[n.kind] {
		return nil
	}
	e := oneSpanEvent{
		Class: "com.silanis.esl.packages.event.ESLProcessEvent", Name: n.kind, SessionUser: n.who, PackageID: t.ref,
		Message: orNull(n.message), DocumentID: orNull(n.doc), NewRoleID: n.role,
		CreatedDate: t.state.at.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if e.SessionUser == "" {
		e.SessionUser = t.sender.id
	}
	if n.kind == "COBROWSE_REQUEST" {
		e.Message, e.Phone, e.Comment, e.Hours = nil, "+40 21 000 0000", n.message, []string{"MONDAY 9-12"}
	}
	return []letter{o.letter(e, o.authorization())}
}

// authorization is the bare callback key; without a key there is none.
func (o *oneSpan) authorization() string {
	if o.desk.key == "" {
		return ""
	}
	return "Basic " + o.desk.key
}

// rotate is a new registration with another callback key.
func (o *oneSpan) rotate() {
	o.desk.key = "cb-" + letters(o.desk.rng, 24, alphanum)
	o.desk.account.Settings["callback_key"] = o.desk.key
}

func (o *oneSpan) letter(e oneSpanEvent, authorization string) letter {
	body, err := json.Marshal(e)
	if err != nil {
		body = nil // texts and lists of texts always marshal
	}
	h := http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Accept-Encoding": {"gzip,deflate"}, "User-Agent": {""},
	}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return letter{url: o.desk.url, header: h, body: body}
}

// forge claims that the package completed, or was deleted, with a proof that is none.
func (o *oneSpan) forge(d *delivery) (letter, bool) {
	r := o.desk.rng
	e := oneSpanEvent{
		Class: "com.silanis.esl.packages.event.ESLProcessEvent", Name: pick(r, "PACKAGE_COMPLETE", "PACKAGE_DELETE", "PACKAGE_DECLINE", "PACKAGE_TRASH"),
		SessionUser: o.owner.id, PackageID: d.about, CreatedDate: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if r.IntN(3) == 0 {
		e.PackageID = letters(r, 27, base64url) + "="
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("admin:" + letters(r, 12, alphanum)))
	return o.letter(e, pick(r, "Basic "+letters(r, 27, alphanum), "", "Basic "+encoded, "Bearer "+letters(r, 40, alphanum), "Basic ")), true
}

// acknowledged is any 2xx. It matters little: nothing is ever sent again.
func (o *oneSpan) acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// greet tells of the account's templates.
func (o *oneSpan) greet(time.Time) {
	for _, t := range o.desk.world.txs {
		if t.desk == o.desk && t.form == "TEMPLATE" {
			o.desk.world.post(t, news{kind: "TEMPLATE_CREATE"}, nil)
		}
	}
}
