package simulator

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"time"
)

// dropboxSign plays Dropbox Sign.
type dropboxSign struct {
	desk    *desk
	primary string // the one API key that signs callbacks
	appURL  string // the API app's own callback URL
	loot    []dropboxEvent
}

func openDropboxSign(w *World) *desk {
	r := w.source("dropboxsign account")
	d := newDesk(w, Account{
		ID: AccountDropboxSign, Provider: "dropboxsign", BasePath: "/dropboxsign",
		AccountID: letters(r, 40, hexDigits), Email: "owner@sim-dropboxsign.example", ClientID: letters(r, 32, hexDigits),
	})
	x := &dropboxSign{desk: d, primary: letters(r, 64, hexDigits)}
	d.key = x.primary
	d.account.Settings = map[string]any{"api_key": letters(r, 64, hexDigits), "callback_keys": []string{x.primary}}
	d.deck = []string{
		"completed", "completed", "completed", "completed", "completed", "declined", "expired", "canceled", "canceled_partly",
		"file_error", "invalid", "unknown_error", "reassigned", "signer_removed", "prepared", "still_prepared", "held", "bounced",
		"open", "partly", "received", "received_open", "test", "test_open", "app", "reminded",
	}
	d.retries = []time.Duration{
		5 * time.Minute, 15 * time.Minute, 45 * time.Minute, 135 * time.Minute, 405 * time.Minute, 1215 * time.Minute,
	}
	d.forgetful = true
	d.limits = map[string]int{"read": 100, "files": 25}
	d.actor, d.caller, d.keeper = x, x, x
	return d
}

// truth maps what happened to a request to countersign's words, by a table of the simulator's own.
func (x *dropboxSign) truth(s *state) standing {
	words := map[string]string{
		"prepared": "draft", "held": "draft", "sent": "in_progress", "complete": "completed", "declined": "declined",
		"expired": "expired", "canceled": "cancelled", "error": "failed",
	}
	status, known := words[s.word]
	if !known {
		status = "unknown"
	}
	return standing{status: status, provider: s.word}
}

func (x *dropboxSign) listable(s *state) bool { return s.word != "canceled" }

// admits takes any of the account's keys as the user name, with whatever password.
func (x *dropboxSign) admits(r *http.Request, _ time.Time) bool {
	user, _, ok := r.BasicAuth()
	key, _ := x.desk.account.Settings["api_key"].(string)
	return ok && (hmac.Equal([]byte(user), []byte(key)) || hmac.Equal([]byte(user), []byte(x.primary)))
}

// conceive makes up a signature request and the life that its kind names.
func (x *dropboxSign) conceive(t *transaction) {
	r := t.rng
	t.ref, t.name, t.text = letters(r, 40, hexDigits), title(r), "Please sign and return."
	if r.IntN(3) > 0 {
		t.externalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	t.nulls = r.IntN(2) == 0
	t.sender = person{name: "Owner", email: x.desk.account.Email, id: x.desk.account.AccountID}
	for i := range 1 + r.IntN(3) {
		t.docs = append(t.docs, document{id: fmt.Sprint(i), name: fmt.Sprintf("%s-%d.pdf", pick(r, "agreement", "annex", "terms"), i+1), pages: 1 + r.IntN(3), sealed: i == 0 && r.IntN(2) == 0})
	}
	count := 1 + r.IntN(3)
	switch t.kind {
	case "partly", "canceled_partly", "signer_removed", "expired":
		count = 2 + r.IntN(2)
	}
	for i := range count {
		p := someone(r, i)
		p.id = letters(r, 32, hexDigits)
		t.state.people = append(t.state.people, p)
	}
	switch t.kind {
	case "received", "received_open":
		t.received, t.sender = true, someone(r, 0)
		t.state.people[0].email, t.state.people[0].name = x.desk.account.Email, "Owner"
	case "test", "test_open":
		t.test = true
	case "app":
		t.clientID = x.desk.account.ClientID
	}
	t.steps = x.life(t)
}

// life is what happens to a request of each kind, and how long after one another.
func (x *dropboxSign) life(t *transaction) []step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.rng.Int64N(int64(to-from))) }
	soon := func(act string) step { return then(gap(20*time.Minute, 4*time.Hour), act, 0) }
	sent := []step{then(0, "send", 0)}
	var signing []step
	for i := range t.state.people {
		signing = append(signing, then(gap(10*time.Minute, 3*time.Hour), "view", i), then(gap(time.Minute, 30*time.Minute), "sign", i))
	}
	some := signing[:len(signing)/len(t.state.people)]
	join := func(parts ...[]step) (all []step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.kind {
	case "declined":
		return join(sent, signing[:1], []step{soon("decline")})
	case "expired":
		return join(sent, some, []step{then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "canceled":
		return join(sent, signing[:1], []step{soon("cancel")})
	case "canceled_partly":
		return join(sent, some, []step{soon("cancel")})
	case "file_error", "invalid", "unknown_error":
		return []step{then(0, "accept", 0), then(gap(20*time.Second, 2*time.Minute), t.kind, 0)}
	case "reassigned":
		return join(sent, signing[:1], []step{soon("reassign")}, signing)
	case "signer_removed": // the last of the signers is removed before anybody has signed
		return join(sent, signing[:1], []step{then(gap(time.Hour, 3*time.Hour), "remove_signer", len(t.state.people) - 1)}, signing[:len(signing)-2])
	case "prepared":
		return join([]step{then(0, "prepare", 0), soon("send")}, signing)
	case "still_prepared":
		return []step{then(0, "prepare", 0)}
	case "held":
		return join([]step{then(0, "hold", 0), soon("send")}, signing)
	case "bounced":
		return join(sent, []step{soon("bounce"), soon("repair")}, signing)
	case "reminded":
		return join(sent, []step{soon("remind")}, signing)
	case "open", "received_open", "test_open":
		return join(sent, signing[:1])
	case "partly":
		return join(sent, some)
	default: // completed, received, test, app
		return join(sent, signing)
	}
}

// play does one thing to a request and says which callbacks that causes.
func (x *dropboxSign) play(t *transaction, s step) []news {
	st := &t.state
	if st.word == "" {
		t.born = st.at
	}
	tells := []string{"status"}
	if st.word == "" {
		tells = []string{"created"}
	}
	codes := func(code string) {
		for i := range st.people {
			if p := &st.people[i]; p.status == "waiting" || p.status == "viewed" {
				p.code = code
			}
		}
	}
	switch s.act {
	case "prepare":
		st.word = "prepared"
		codes("on_hold_by_requester")
		return []news{{kind: "signature_request_prepared", tells: tells}}
	case "hold": // no event is known for this
		st.word = "held"
		codes("on_hold")
	case "accept": // the files are still being converted
		st.word = "sent"
	case "send":
		st.word, st.sent = "sent", st.at
		st.due = x.expiry(t)
		codes("")
		return []news{{kind: "signature_request_sent", tells: tells}}
	case "cancel":
		st.word = "canceled"
		return []news{{kind: "signature_request_canceled", tells: tells}}
	case "expire":
		st.word = "expired"
		codes("expired")
		return []news{{kind: "signature_request_expired", tells: tells}}
	case "file_error", "invalid", "unknown_error":
		word := map[string][2]string{
			"file_error": {"error_file", "file_error"}, "invalid": {"error_text_tag", "signature_request_invalid"}, "unknown_error": {"error_unknown", "unknown_error"},
		}[s.act]
		st.word, st.failed = "error", "The document could not be processed."
		codes(word[0])
		return []news{{kind: word[1], tells: tells, message: st.failed}}
	default:
		return x.playSigner(t, s)
	}
	return nil
}

// expiry is when a request expires: at the step that says so, else seldom and far away.
func (x *dropboxSign) expiry(t *transaction) time.Time {
	var sum time.Duration
	for _, s := range t.steps[t.next:] {
		sum += s.after
		if s.act == "expire" {
			return t.state.at.Add(x.desk.world.span(sum, 0)).Truncate(time.Second)
		}
	}
	if t.rng.IntN(3) > 0 {
		return time.Time{}
	}
	return t.state.at.Add(x.desk.world.span(sum+30*24*time.Hour, time.Second)).Truncate(time.Second)
}

// playSigner is what signers do, and what is done about them.
func (x *dropboxSign) playSigner(t *transaction, s step) []news {
	st := &t.state
	p := &st.people[s.who]
	mine := []string{"signer"}
	switch s.act {
	case "view":
		p.viewedAt = st.at
		if p.status == "waiting" {
			p.status = "viewed"
		}
		return []news{{kind: "signature_request_viewed", tells: mine, who: p.id}}
	case "sign":
		return x.sign(t, p)
	case "decline":
		st.word, p.status, p.reason = "declined", "declined", "Wrong address in section 2."
		st.reason = p.reason
		return []news{{kind: "signature_request_declined", tells: []string{"status", "signer"}, who: p.id, message: p.reason}}
	case "bounce":
		p.code, p.errorText = "error_invalid_email", "The e-mail address bounced."
		return []news{{kind: "signature_request_email_bounce", who: p.id, message: p.errorText}}
	case "repair":
		p.code, p.errorText, p.email = "", "", "new."+p.email
	case "remind":
		p.remindedAt = st.at
		return []news{{kind: "signature_request_remind", who: p.id}}
	case "reassign":
		old := *p
		heir := someone(t.rng, old.order)
		heir.id, heir.replaced, heir.by, heir.reason = letters(t.rng, 32, hexDigits), old.email, old.email, "She signs for us."
		*p = heir
		old.status = "removed"
		st.people = append(st.people, old)
		return []news{{kind: "signature_request_reassigned", tells: []string{"signers"}, who: heir.id}}
	case "remove_signer":
		p.status = "removed"
		return []news{{kind: "signature_request_signer_removed", tells: mine, who: p.id}}
	}
	return nil
}

// sign is one signature. After the last one the request is complete, and its files follow later.
func (x *dropboxSign) sign(t *transaction, p *person) []news {
	st := &t.state
	p.status, p.doneAt = "signed", st.at
	if p.viewedAt.IsZero() {
		p.viewedAt = st.at
	}
	told := []news{{kind: "signature_request_signed", tells: []string{"signer"}, who: p.id}}
	if !st.last() {
		if t.nulls { // some accounts hear of each new version of the file
			told = append(told, news{kind: "signature_request_downloadable", after: 2 * time.Minute})
		}
		return told
	}
	wait := time.Minute + time.Duration(t.rng.Int64N(int64(9*time.Minute)))
	st.word, st.completed = "complete", st.at
	st.ready = st.at.Add(x.desk.world.span(wait, 0))
	return append(told, news{kind: "signature_request_all_signed", tells: []string{"status"}},
		news{kind: "signature_request_downloadable", after: wait})
}
