package simulator

import (
	"crypto/hmac"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// autosign plays Autosign.
type autosign struct {
	desk      *desk
	secret    string // the signature of the account's webhooks, as the dashboard shows it
	user      person // who makes and sends transactions
	endpoints []autosignEndpoint
	tokens    map[string]time.Time // access tokens and until when
	refresh   map[string]bool
	spent     bool // the authorization code was used
	proof     []byte
	seen      string // where requests came to, in the form of a base URL
	loot      string // the newest genuine signature
}

// autosignEndpoint is one webhook.
type autosignEndpoint struct {
	id, name, url string
	events        []string
}

func openAutosign(w *World) *desk {
	r := w.source("autosign account")
	d := newDesk(w, Account{
		ID: AccountAutosign, Provider: "autosign", BasePath: "/autosign", AccountID: cuid(r), Email: "owner@sim-autosign.example",
		OAuthClientID: cuid(r), OAuthClientSecret: letters(r, 40, alphanum), AuthorizationCode: letters(r, 32, alphanum), RefreshToken: letters(r, 48, alphanum),
		TokenPath: "/autosign/v1/oauth/refresh", ExchangePath: "/autosign/v1/oauth/token",
	})
	x := &autosign{
		desk: d, secret: letters(r, 40, alphanum), user: person{id: cuid(r), email: d.account.Email, name: "Owner"},
		tokens: map[string]time.Time{}, refresh: map[string]bool{d.account.RefreshToken: true}, proof: chance(r, 32),
	}
	d.account.Settings = map[string]any{
		"access_token": letters(r, 64, alphanum), "webhook_secrets": []string{x.secret}, "signature_hash": "sha256", "signature_encoding": "hex",
	}
	if d.url != "" {
		x.endpoints = append(x.endpoints, autosignEndpoint{id: cuid(r), name: "signature mirror", url: d.url, events: autosignEvents()})
	}
	d.deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "unsealed", "draft", "open", "partly",
		"rejected", "rejected", "expired", "expired_undated", "cancelled", "cancelled_twice", "cancelled_twice", "all_but_done",
	}
	d.actor, d.caller, d.keeper = x, x, x // no repeats and no limits are documented, so there are none
	return d
}

// autosignEvents are the seven types.
func autosignEvents() []string {
	return []string{
		"transaction_created", "transaction_started", "recipient_submitted", "transaction_completed", "transaction_rejected",
		"transaction_expired", "transaction_cancelled",
	}
}

// cuid is an id as Autosign makes them.
func cuid(r *rand.Rand) string { return "cl" + letters(r, 23, "abcdefghijklmnopqrstuvwxyz0123456789") }

// autosignWord is the status that every answer and every body shows. A cancelled transaction is
// shown as expired: only the type of its event tells.
func autosignWord(s *state) string {
	if s.word == "cancelled" {
		return "expired"
	}
	return s.word
}

// truth maps what happened to a transaction to countersign's words, by a table of the simulator's own.
func (x *autosign) truth(s *state) standing {
	words := map[string]string{
		"draft": "draft", "started": "in_progress", "completed": "completed", "rejected": "declined", "expired": "expired", "cancelled": "cancelled",
	}
	status, known := words[s.word]
	if !known {
		status = "unknown"
	}
	return standing{status: status, provider: autosignWord(s)}
}

// listable is no transaction: nothing lists them. One that no acknowledged callback told of, and that
// nobody tracks, cannot be known.
func (x *autosign) listable(*state) bool { return false }

// refine adds what depends on the callbacks that arrived. A poll sees a cancelled transaction as
// expired, so that is right too until the cancelled event was acknowledged: from then on its type
// decides, whatever answers say. And the links to the files stand in the completed event alone: whoever
// did not acknowledge it while they lived has no way to the files.
func (x *autosign) refine(t *transaction, row *TruthTransaction) {
	if row.Status == "cancelled" && !x.toldInTime(t, "transaction_cancelled", time.Time{}) {
		row.AlsoRight = []string{"expired"}
	}
	if row.Status == "completed" && !x.toldInTime(t, "transaction_completed", x.linksUntil(t)) {
		for i := range row.Documents {
			row.Documents[i].Unobtainable = true
		}
	}
}

// toldInTime says whether an event of a type was acknowledged, and sent no later than until, if that is not zero.
func (x *autosign) toldInTime(t *transaction, kind string, until time.Time) bool {
	for _, c := range t.changes {
		for _, told := range c.told {
			for _, a := range told.Attempts {
				if told.Type == kind && x.acknowledged(a.Answer, nil) && (until.IsZero() || !a.At.After(until)) {
					return true
				}
			}
		}
	}
	return false
}

// admits takes the static token, and access tokens while they live.
func (x *autosign) admits(r *http.Request, now time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	static, _ := x.desk.account.Settings["access_token"].(string)
	until, known := x.tokens[proof]
	return strings.EqualFold(scheme, "Bearer") && (hmac.Equal([]byte(proof), []byte(static)) || (known && now.Before(until)))
}

// conceive makes up a transaction and the life that its kind names. The sender is the first recipient.
func (x *autosign) conceive(t *transaction) {
	r := t.rng
	t.ref, t.name, t.fraction, t.sender = cuid(r), title(r), true, x.user
	t.text = cuid(r) // the template's id
	for i := range 1 + r.IntN(3) {
		t.docs = append(t.docs, document{
			id: cuid(r), name: fmt.Sprintf("%s-%d.pdf", pick(r, "contrato", "anexo", "términos"), i+1), pages: 2 + r.IntN(3), sealed: r.IntN(2) == 0,
		})
	}
	for i := range 2 + r.IntN(3) {
		p := someone(r, i)
		p.role = "signer"
		switch {
		case i == 0:
			p.role, p.name, p.email = "sender", x.user.name, x.user.email
		case i > 1 && r.IntN(4) == 0:
			p.role = "proxy"
		}
		if t.kind == "draft" { // made from a template: nobody is named yet
			p.name, p.email = "", ""
		}
		p.id = cuid(r)
		t.state.people = append(t.state.people, p)
	}
	t.steps = x.life(t)
}

// life is what happens to a transaction of each kind, and how long after one another.
func (x *autosign) life(t *transaction) []step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.rng.Int64N(int64(to-from))) }
	soon := func(act string) step { return then(gap(20*time.Minute, 3*time.Hour), act, 1) }
	opening := []step{then(0, "create", 0), then(gap(2*time.Minute, time.Hour), "start", 0)}
	var signing []step
	for i := range t.state.people {
		signing = append(signing, then(gap(10*time.Minute, 4*time.Hour), "submit", i))
	}
	signing[0].after = gap(10*time.Second, 3*time.Minute)
	finish := []step{then(gap(2*time.Second, 8*time.Second), "complete", 0)}
	join := func(parts ...[]step) (all []step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.kind {
	case "direct":
		return join([]step{then(0, "create", 0), then(50 * time.Millisecond, "start", 0)}, signing, finish)
	case "draft":
		return opening[:1]
	case "open":
		return opening
	case "partly":
		return join(opening, signing[:len(signing)-1])
	case "all_but_done": // every recipient has submitted, and it is still not completed
		return join(opening, signing)
	case "rejected":
		return join(opening, signing[:1], []step{soon("reject")})
	case "expired", "expired_undated":
		return join(opening, signing[:1], []step{then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "cancelled", "cancelled_twice":
		return join(opening, signing[:1], []step{soon("cancel")})
	default: // completed, unsealed
		return join(opening, signing, finish)
	}
}

// play does one thing to a transaction and says which callbacks that causes.
func (x *autosign) play(t *transaction, s step) []news {
	st, status := &t.state, []string{"status"}
	switch s.act {
	case "create":
		st.word, t.born = "draft", st.at
		return []news{{kind: "transaction_created", tells: []string{"created"}}}
	case "start":
		st.word, st.sent = "started", st.at
		if t.kind == "expired" {
			st.due = t.stamp(st.at.Add(x.desk.world.span(24*time.Hour, time.Second)))
		}
		return []news{{kind: "transaction_started", tells: status}}
	case "submit":
		p := &st.people[s.who]
		p.status, p.doneAt = "signed", st.updated
		return []news{{kind: "recipient_submitted", tells: []string{"signer"}, who: p.id}}
	case "complete":
		var wait time.Duration
		if t.kind == "unsealed" {
			wait = 5*time.Minute + time.Duration(t.rng.Int64N(int64(15*time.Minute)))
		}
		st.word, st.completed = "completed", st.updated
		st.ready = st.at.Add(x.desk.world.span(wait, 0))
		return []news{{kind: "transaction_completed", tells: status, after: wait}}
	case "reject":
		p := &st.people[s.who]
		st.word, p.status, p.reason = "rejected", "declined", "El precio no es el acordado."
		st.reason, p.doneAt = p.reason, st.updated
		return []news{{kind: "transaction_rejected", tells: []string{"status", "signer"}, who: p.id}}
	case "expire":
		st.word, st.due = "expired", st.updated
		return []news{{kind: "transaction_expired", tells: status}}
	case "cancel":
		st.word, st.due = "cancelled", st.updated
		st.reason = "Campos incorrectos en el documento"
		told := []news{{kind: "transaction_cancelled", tells: status, message: st.reason}}
		if t.kind == "cancelled_twice" { // both events carry one id, as in the published samples
			told[0].event = cuid(t.rng)
			told = append([]news{{kind: "transaction_expired", tells: status, event: told[0].event}}, told...)
		}
		return told
	}
	return nil
}
