package onespan

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// consentDocument is in every package; its acceptance is told like a signature.
const consentDocument = "default-consent"

// event is a callback's body, with the nulls that the wire shows.
type event struct {
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

func (o *service) Compose(t *world.Transaction, n life.News) []world.Letter {
	if o.desk.URL == "" || !o.desk.Events[n.Kind] {
		return nil
	}
	e := event{
		Class: "com.silanis.esl.packages.event.ESLProcessEvent", Name: n.Kind, SessionUser: n.Who, PackageID: t.Ref,
		Message: wire.OrNull(n.Message), DocumentID: wire.OrNull(n.Doc), NewRoleID: n.Role,
		CreatedDate: t.State.At.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if e.SessionUser == "" {
		e.SessionUser = t.Sender.ID
	}
	if n.Kind == "COBROWSE_REQUEST" {
		e.Message, e.Phone, e.Comment, e.Hours = nil, "+40 21 000 0000", n.Message, []string{"MONDAY 9-12"}
	}
	return []world.Letter{o.letter(e, o.authorization())}
}

// authorization is the bare callback key; without a key there is none.
func (o *service) authorization() string {
	if o.desk.Key == "" {
		return ""
	}
	return "Basic " + o.desk.Key
}

// Rotate is a new registration with another callback key.
func (o *service) Rotate() {
	o.desk.Key = "cb-" + chance.Letters(o.desk.Rand, 24, chance.Alphanum)
	o.desk.Account.Settings["callback_key"] = o.desk.Key
}

func (o *service) letter(e event, authorization string) world.Letter {
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
	return world.Letter{URL: o.desk.URL, Header: h, Body: o.desk.Marked(body)}
}

// Forge claims that the package completed, or was deleted, with a proof that is none.
func (o *service) Forge(d *world.Delivery) (world.Letter, bool) {
	r := d.Rand
	e := event{
		Class: "com.silanis.esl.packages.event.ESLProcessEvent", Name: chance.Pick(r, "PACKAGE_COMPLETE", "PACKAGE_DELETE",
			"PACKAGE_DECLINE", "PACKAGE_TRASH"),
		SessionUser: o.owner.ID, PackageID: d.About, CreatedDate: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if r.IntN(3) == 0 {
		e.PackageID = chance.Letters(r, 27, chance.Base64URL) + "="
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("admin:" + chance.Letters(r, 12, chance.Alphanum)))
	return o.letter(e, chance.Pick(r, "Basic "+chance.Letters(r, 27, chance.Alphanum), "", "Basic "+encoded,
		"Bearer "+chance.Letters(r, 40, chance.Alphanum), "Basic ")), true
}

// Acknowledged is any 2xx. It matters little: nothing is ever sent again.
func (o *service) Acknowledged(status int, _ []byte) bool { return status >= 200 && status < 300 }

// Greet tells of the account's templates.
func (o *service) Greet(time.Time) {
	for t := range o.desk.Living() {
		if t.Form == "TEMPLATE" {
			o.desk.Post(t, life.News{Kind: "TEMPLATE_CREATE"})
		}
	}
}
