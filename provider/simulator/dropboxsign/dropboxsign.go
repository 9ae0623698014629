// Package dropboxsign plays Dropbox Sign: its accounts, its callbacks and its API.
package dropboxsign

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// AccountID is the id of the account that is played.
const AccountID = "sim-dropboxsign"

// service plays Dropbox Sign.
type service struct {
	desk    *world.Desk
	primary string // the one API key that signs callbacks
	appURL  string // the API app's own callback URL
	loot    []event
}

// Open adds an account of Dropbox Sign to a world.
func Open(w *world.World) *world.Desk {
	r := chance.Source(w.Options.Seed, "dropboxsign account")
	d := world.NewDesk(w, world.Account{
		ID: AccountID, Provider: "dropboxsign", BasePath: "/dropboxsign",
		AccountID: chance.Letters(r, 40, chance.HexDigits), Email: "owner@sim-dropboxsign.example",
		ClientID: chance.Letters(r, 32, chance.HexDigits),
	})
	x := &service{desk: d, primary: chance.Letters(r, 64, chance.HexDigits)}
	d.Key = x.primary
	d.Account.Settings = map[string]any{"api_key": chance.Letters(r, 64, chance.HexDigits),
		"callback_keys": []string{x.primary}}
	d.Deck = []string{
		"completed", "completed", "completed", "completed", "completed", "declined", "expired", "canceled", "canceled_partly",
		"file_error", "invalid", "unknown_error", "reassigned", "signer_removed", "prepared", "still_prepared", "held",
		"bounced",
		"open", "partly", "received", "received_open", "test", "test_open", "app", "reminded",
	}
	d.Retries = []time.Duration{
		5 * time.Minute, 15 * time.Minute, 45 * time.Minute, 135 * time.Minute, 405 * time.Minute, 1215 * time.Minute,
	}
	d.Forgetful = true
	d.Limits = map[string]int{"read": 100, "files": 25}
	d.Actor, d.Caller, d.Server = x, x, api{x}
	return d
}

// Truth maps what happened to a request to countersign's words, by a table of the simulator's own.
func (x *service) Truth(s *life.State) world.Standing {
	words := map[string]string{
		"prepared": "draft", "held": "draft", "sent": "in_progress", "complete": "completed", "declined": "declined",
		"expired": "expired", "canceled": "cancelled", "error": "failed",
	}
	status, known := words[s.Word]
	if !known {
		status = "unknown"
	}
	return world.Standing{Status: status, Provider: s.Word}
}

func (x *service) Listable(s *life.State) bool { return s.Word != "canceled" }

// Admits takes any of the account's keys as the user name, with whatever password.
func (x *service) Admits(r *http.Request, _ time.Time) bool {
	user, _, ok := r.BasicAuth()
	key, _ := x.desk.Account.Settings["api_key"].(string)
	return ok && (hmac.Equal([]byte(user), []byte(key)) || hmac.Equal([]byte(user), []byte(x.primary)))
}

// Conceive makes up a signature request and the life that its kind names.
func (x *service) Conceive(t *world.Transaction) {
	r := t.Rand
	t.Ref, t.Name, t.Text = chance.Letters(r, 40, chance.HexDigits), life.Title(r), "Please sign and return."
	if r.IntN(3) > 0 {
		t.ExternalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	t.Nulls = r.IntN(2) == 0
	t.Sender = life.Person{Name: "Owner", Email: x.desk.Account.Email, ID: x.desk.Account.AccountID}
	for i := range 1 + r.IntN(3) {
		t.Docs = append(t.Docs, life.Document{ID: fmt.Sprint(i), Name: fmt.Sprintf("%s-%d.pdf", chance.Pick(r, "agreement",
			"annex", "terms"), i+1), Pages: 1 + r.IntN(3), Sealed: i == 0 && r.IntN(2) == 0})
	}
	count := 1 + r.IntN(3)
	switch t.Kind {
	case "partly", "canceled_partly", "signer_removed", "expired":
		count = 2 + r.IntN(2)
	}
	for i := range count {
		p := life.Someone(r, i)
		p.ID = chance.Letters(r, 32, chance.HexDigits)
		t.State.People = append(t.State.People, p)
	}
	switch t.Kind {
	case "received", "received_open":
		t.Received, t.Sender = true, life.Someone(r, 0)
		t.State.People[0].Email, t.State.People[0].Name = x.desk.Account.Email, "Owner"
	case "test", "test_open":
		t.Test = true
	case "app":
		t.ClientID = x.desk.Account.ClientID
	}
	t.Steps = x.life(t)
}

// life is what happens to a request of each kind, and how long after one another.
func (x *service) life(t *world.Transaction) []life.Step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.Rand.Int64N(int64(to-from))) }
	soon := func(act string) life.Step { return life.Then(gap(20*time.Minute, 4*time.Hour), act, 0) }
	sent := []life.Step{life.Then(0, "send", 0)}
	var signing []life.Step
	for i := range t.State.People {
		signing = append(signing, life.Then(gap(10*time.Minute, 3*time.Hour), "view", i),
			life.Then(gap(time.Minute, 30*time.Minute), "sign", i))
	}
	some := signing[:len(signing)/len(t.State.People)]
	join := func(parts ...[]life.Step) (all []life.Step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.Kind {
	case "declined":
		return join(sent, signing[:1], []life.Step{soon("decline")})
	case "expired":
		return join(sent, some, []life.Step{life.Then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "canceled":
		return join(sent, signing[:1], []life.Step{soon("cancel")})
	case "canceled_partly":
		return join(sent, some, []life.Step{soon("cancel")})
	case "file_error", "invalid", "unknown_error":
		return []life.Step{life.Then(0, "accept", 0), life.Then(gap(20*time.Second, 2*time.Minute), t.Kind, 0)}
	case "reassigned":
		return join(sent, signing[:1], []life.Step{soon("reassign")}, signing)
	case "signer_removed": // the last of the signers is removed before anybody has signed
		return join(sent, signing[:1], []life.Step{life.Then(gap(time.Hour, 3*time.Hour), "remove_signer",
			len(t.State.People)-1)}, signing[:len(signing)-2])
	case "prepared":
		return join([]life.Step{life.Then(0, "prepare", 0), soon("send")}, signing)
	case "still_prepared":
		return []life.Step{life.Then(0, "prepare", 0)}
	case "held":
		return join([]life.Step{life.Then(0, "hold", 0), soon("send")}, signing)
	case "bounced":
		return join(sent, []life.Step{soon("bounce"), soon("repair")}, signing)
	case "reminded":
		return join(sent, []life.Step{soon("remind")}, signing)
	case "open", "received_open", "test_open":
		return join(sent, signing[:1])
	case "partly":
		return join(sent, some)
	default: // completed, received, test, app
		return join(sent, signing)
	}
}

// Play does one thing to a request and says which callbacks that causes.
func (x *service) Play(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	if st.Word == "" {
		t.Born = st.At
	}
	tells := []string{"status"}
	if st.Word == "" {
		tells = []string{"created"}
	}
	codes := func(code string) {
		for i := range st.People {
			if p := &st.People[i]; p.Status == "waiting" || p.Status == "viewed" {
				p.Code = code
			}
		}
	}
	switch s.Act {
	case "prepare":
		st.Word = "prepared"
		codes("on_hold_by_requester")
		return []life.News{{Kind: "signature_request_prepared", Tells: tells}}
	case "hold": // no event is known for this
		st.Word = "held"
		codes("on_hold")
	case "accept": // the files are still being converted
		st.Word = "sent"
	case "send":
		st.Word, st.Sent = "sent", st.At
		st.Due = x.expiry(t)
		codes("")
		return []life.News{{Kind: "signature_request_sent", Tells: tells}}
	case "cancel":
		st.Word = "canceled"
		return []life.News{{Kind: "signature_request_canceled", Tells: tells}}
	case "expire":
		st.Word = "expired"
		codes("expired")
		return []life.News{{Kind: "signature_request_expired", Tells: tells}}
	case "file_error", "invalid", "unknown_error":
		word := map[string][2]string{
			"file_error": {"error_file", "file_error"}, "invalid": {"error_text_tag", "signature_request_invalid"},
			"unknown_error": {"error_unknown", "unknown_error"},
		}[s.Act]
		st.Word, st.Failed = "error", "The document could not be processed."
		codes(word[0])
		return []life.News{{Kind: word[1], Tells: tells, Message: st.Failed}}
	default:
		return x.playSigner(t, s)
	}
	return nil
}

// expiry is when a request expires: at the step that says so, else seldom and far away.
func (x *service) expiry(t *world.Transaction) time.Time {
	var sum time.Duration
	for _, s := range t.Steps[t.Next:] {
		sum += s.After
		if s.Act == "expire" {
			return t.State.At.Add(x.desk.World.Span(sum, 0)).Truncate(time.Second)
		}
	}
	if t.Rand.IntN(3) > 0 {
		return time.Time{}
	}
	return t.State.At.Add(x.desk.World.Span(sum+30*24*time.Hour, time.Second)).Truncate(time.Second)
}

// playSigner is what signers do, and what is done about them.
func (x *service) playSigner(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	p := &st.People[s.Who]
	mine := []string{"signer"}
	switch s.Act {
	case "view":
		p.ViewedAt = st.At
		if p.Status == "waiting" {
			p.Status = "viewed"
		}
		return []life.News{{Kind: "signature_request_viewed", Tells: mine, Who: p.ID}}
	case "sign":
		return x.sign(t, p)
	case "decline":
		st.Word, p.Status, p.Reason = "declined", "declined", "Wrong address in section 2."
		st.Reason = p.Reason
		return []life.News{{Kind: "signature_request_declined", Tells: []string{"status", "signer"}, Who: p.ID,
			Message: p.Reason}}
	case "bounce":
		p.Code, p.ErrorText = "error_invalid_email", "The e-mail address bounced."
		return []life.News{{Kind: "signature_request_email_bounce", Who: p.ID, Message: p.ErrorText}}
	case "repair":
		p.Code, p.ErrorText, p.Email = "", "", "new."+p.Email
	case "remind":
		p.RemindedAt = st.At
		return []life.News{{Kind: "signature_request_remind", Who: p.ID}}
	case "reassign":
		old := *p
		heir := life.Someone(t.Rand, old.Order)
		heir.ID, heir.Replaced, heir.By, heir.Reason = chance.Letters(t.Rand, 32,
			chance.HexDigits), old.Email, old.Email, "She signs for us."
		*p = heir
		old.Status = "removed"
		st.People = append(st.People, old)
		return []life.News{{Kind: "signature_request_reassigned", Tells: []string{"signers"}, Who: heir.ID}}
	case "remove_signer":
		p.Status = "removed"
		return []life.News{{Kind: "signature_request_signer_removed", Tells: mine, Who: p.ID}}
	}
	return nil
}

// sign is one signature. After the last one the request is complete, and its files follow later.
func (x *service) sign(t *world.Transaction, p *life.Person) []life.News {
	st := &t.State
	p.Status, p.DoneAt = "signed", st.At
	if p.ViewedAt.IsZero() {
		p.ViewedAt = st.At
	}
	caused := []life.News{{Kind: "signature_request_signed", Tells: []string{"signer"}, Who: p.ID}}
	if !st.Last() {
		if t.Nulls { // some accounts hear of each new version of the file
			caused = append(caused, life.News{Kind: "signature_request_downloadable", After: 2 * time.Minute})
		}
		return caused
	}
	wait := time.Minute + time.Duration(t.Rand.Int64N(int64(9*time.Minute)))
	st.Word, st.Completed = "complete", st.At
	st.Ready = st.At.Add(x.desk.World.Span(wait, 0))
	return append(caused, life.News{Kind: "signature_request_all_signed", Tells: []string{"status"}},
		life.News{Kind: "signature_request_downloadable", After: wait})
}
