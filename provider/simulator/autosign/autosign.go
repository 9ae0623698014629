// Package autosign plays Autosign: its accounts, its callbacks and its API.
package autosign

import (
	"crypto/hmac"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// AccountID is the id of the account that is played.
const AccountID = "sim-autosign"

// service plays Autosign.
type service struct {
	desk      *world.Desk
	secret    string      // the signature of the account's webhooks, as the dashboard shows it
	user      life.Person // who makes and sends transactions
	endpoints []endpoint
	tokens    map[string]time.Time // access tokens and until when
	refresh   map[string]bool
	spent     bool // the authorization code was used
	proof     []byte
	seen      string // where requests came to, in the form of a base URL
	loot      string // the newest genuine signature
}

// endpoint is one webhook.
type endpoint struct {
	id, name, url string
	events        []string
}

// Open adds an account of Autosign to a world.
func Open(w *world.World) *world.Desk {
	r := chance.Source(w.Options.Seed, "autosign account")
	d := world.NewDesk(w, world.Account{
		ID: AccountID, Provider: "autosign", BasePath: "/autosign", AccountID: cuid(r), Email: "owner@sim-autosign.example",
		OAuthClientID: cuid(r), OAuthClientSecret: chance.Letters(r, 40, chance.Alphanum),
		AuthorizationCode: chance.Letters(r, 32, chance.Alphanum), RefreshToken: chance.Letters(r, 48, chance.Alphanum),
		TokenPath: "/autosign/v1/oauth/refresh", ExchangePath: "/autosign/v1/oauth/token",
	})
	x := &service{
		desk: d, secret: chance.Letters(r, 40, chance.Alphanum), user: life.Person{ID: cuid(r), Email: d.Account.Email,
			Name: "Owner"},
		tokens: map[string]time.Time{}, refresh: map[string]bool{d.Account.RefreshToken: true}, proof: chance.Bytes(r, 32),
	}
	d.Account.Settings = map[string]any{
		"access_token": chance.Letters(r, 64, chance.Alphanum), "webhook_secrets": []string{x.secret},
		"signature_hash": "sha256", "signature_encoding": "hex",
	}
	if d.URL != "" {
		x.endpoints = append(x.endpoints, endpoint{id: cuid(r), name: "signature mirror", url: d.URL, events: eventNames()})
	}
	d.Deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "unsealed", "draft", "open", "partly",
		"rejected", "rejected", "expired", "expired_undated", "cancelled", "cancelled_twice", "cancelled_twice",
		"all_but_done",
	}
	d.Actor, d.Caller, d.Server = x, x, api{x} // no repeats and no limits are documented, so there are none
	return d
}

// eventNames are the seven types.
func eventNames() []string {
	return []string{
		"transaction_created", "transaction_started", "recipient_submitted", "transaction_completed", "transaction_rejected",
		"transaction_expired", "transaction_cancelled",
	}
}

// cuid is an id as Autosign makes them.
func cuid(r *rand.Rand) string {
	return "cl" + chance.Letters(r, 23, "abcdefghijklmnopqrstuvwxyz0123456789")
}

// shownWord is the status that every answer and every body shows. A cancelled transaction is
// shown as expired: only the type of its event tells.
func shownWord(s *life.State) string {
	if s.Word == "cancelled" {
		return "expired"
	}
	return s.Word
}

// Truth maps what happened to a transaction to countersign's words, by a table of the simulator's own.
func (x *service) Truth(s *life.State) world.Standing {
	words := map[string]string{
		"draft": "draft", "started": "in_progress", "completed": "completed", "rejected": "declined", "expired": "expired",
		"cancelled": "cancelled",
	}
	status, known := words[s.Word]
	if !known {
		status = "unknown"
	}
	return world.Standing{Status: status, Provider: shownWord(s)}
}

// Listable is no transaction: nothing lists them. One that no acknowledged callback told of, and that
// nobody tracks, cannot be known.
func (x *service) Listable(*life.State) bool { return false }

// Refine adds what depends on the callbacks that arrived. A poll sees a cancelled transaction as
// expired, so that is right too until the cancelled event was acknowledged: from then on its type
// decides, whatever answers say. And the links to the files stand in the completed event alone: whoever
// did not acknowledge it while they lived has no way to the files.
func (x *service) Refine(t *world.Transaction) (alsoRight []string, unobtainable bool) {
	if t.State.Word == "cancelled" && !x.acknowledgedInTime(t, "transaction_cancelled", time.Time{}) {
		alsoRight = []string{"expired"}
	}
	return alsoRight, t.State.Word == "completed" && !x.acknowledgedInTime(t, "transaction_completed", x.linksUntil(t))
}

// acknowledgedInTime says whether an event of a type was acknowledged, and sent no later than until, if that is not
// zero.
func (x *service) acknowledgedInTime(t *world.Transaction, kind string, until time.Time) bool {
	for _, c := range t.Changes {
		for _, callback := range c.Reports {
			for _, a := range callback.Attempts {
				if callback.Type == kind && x.Acknowledged(a.Answer, nil) && (until.IsZero() || !a.At.After(until)) {
					return true
				}
			}
		}
	}
	return false
}

// Admits takes the static token, and access tokens while they live.
func (x *service) Admits(r *http.Request, now time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	static, _ := x.desk.Account.Settings["access_token"].(string)
	until, known := x.tokens[proof]
	return strings.EqualFold(scheme, "Bearer") && (hmac.Equal([]byte(proof), []byte(static)) || (known &&
		now.Before(until)))
}

// Conceive makes up a transaction and the life that its kind names. The sender is the first recipient.
func (x *service) Conceive(t *world.Transaction) {
	r := t.Rand
	t.Ref, t.Name, t.Fraction, t.Sender = cuid(r), life.Title(r), true, x.user
	t.Text = cuid(r) // the template's id
	for i := range 1 + r.IntN(3) {
		t.Docs = append(t.Docs, life.Document{
			ID: cuid(r), Name: fmt.Sprintf("%s-%d.pdf", chance.Pick(r, "contrato", "anexo", "términos"), i+1), Pages: 2 +
				r.IntN(3), Sealed: r.IntN(2) == 0,
		})
	}
	for i := range 2 + r.IntN(3) {
		p := life.Someone(r, i)
		p.Role = "signer"
		switch {
		case i == 0:
			p.Role, p.Name, p.Email = "sender", x.user.Name, x.user.Email
		case i > 1 && r.IntN(4) == 0:
			p.Role = "proxy"
		}
		if t.Kind == "draft" { // made from a template: nobody is named yet
			p.Name, p.Email = "", ""
		}
		p.ID = cuid(r)
		t.State.People = append(t.State.People, p)
	}
	t.Steps = x.life(t)
}

// life is what happens to a transaction of each kind, and how long after one another.
func (x *service) life(t *world.Transaction) []life.Step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.Rand.Int64N(int64(to-from))) }
	soon := func(act string) life.Step { return life.Then(gap(20*time.Minute, 3*time.Hour), act, 1) }
	opening := []life.Step{life.Then(0, "create", 0), life.Then(gap(2*time.Minute, time.Hour), "start", 0)}
	var signing []life.Step
	for i := range t.State.People {
		signing = append(signing, life.Then(gap(10*time.Minute, 4*time.Hour), "submit", i))
	}
	signing[0].After = gap(10*time.Second, 3*time.Minute)
	finish := []life.Step{life.Then(gap(2*time.Second, 8*time.Second), "complete", 0)}
	join := func(parts ...[]life.Step) (all []life.Step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.Kind {
	case "direct":
		return join([]life.Step{life.Then(0, "create", 0), life.Then(50*time.Millisecond, "start", 0)}, signing, finish)
	case "draft":
		return opening[:1]
	case "open":
		return opening
	case "partly":
		return join(opening, signing[:len(signing)-1])
	case "all_but_done": // every recipient has submitted, and it is still not completed
		return join(opening, signing)
	case "rejected":
		return join(opening, signing[:1], []life.Step{soon("reject")})
	case "expired", "expired_undated":
		return join(opening, signing[:1], []life.Step{life.Then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "cancelled", "cancelled_twice":
		return join(opening, signing[:1], []life.Step{soon("cancel")})
	default: // completed, unsealed
		return join(opening, signing, finish)
	}
}

// Play does one thing to a transaction and says which callbacks that causes.
func (x *service) Play(t *world.Transaction, s life.Step) []life.News {
	st, status := &t.State, []string{"status"}
	switch s.Act {
	case "create":
		st.Word, t.Born = "draft", st.At
		return []life.News{{Kind: "transaction_created", Tells: []string{"created"}}}
	case "start":
		st.Word, st.Sent = "started", st.At
		if t.Kind == "expired" {
			st.Due = t.Stamp(st.At.Add(x.desk.World.Span(24*time.Hour, time.Second)))
		}
		return []life.News{{Kind: "transaction_started", Tells: status}}
	case "submit":
		p := &st.People[s.Who]
		p.Status, p.DoneAt = "signed", st.Updated
		return []life.News{{Kind: "recipient_submitted", Tells: []string{"signer"}, Who: p.ID}}
	case "complete":
		var wait time.Duration
		if t.Kind == "unsealed" {
			wait = 5*time.Minute + time.Duration(t.Rand.Int64N(int64(15*time.Minute)))
		}
		st.Word, st.Completed = "completed", st.Updated
		st.Ready = st.At.Add(x.desk.World.Span(wait, 0))
		return []life.News{{Kind: "transaction_completed", Tells: status, After: wait}}
	case "reject":
		p := &st.People[s.Who]
		st.Word, p.Status, p.Reason = "rejected", "declined", "El precio no es el acordado."
		st.Reason, p.DoneAt = p.Reason, st.Updated
		return []life.News{{Kind: "transaction_rejected", Tells: []string{"status", "signer"}, Who: p.ID}}
	case "expire":
		st.Word, st.Due = "expired", st.Updated
		return []life.News{{Kind: "transaction_expired", Tells: status}}
	case "cancel":
		st.Word, st.Due = "cancelled", st.Updated
		st.Reason = "Campos incorrectos en el documento"
		caused := []life.News{{Kind: "transaction_cancelled", Tells: status, Message: st.Reason}}
		if t.Kind == "cancelled_twice" { // both events carry one id, as in the published samples
			caused[0].Event = cuid(t.Rand)
			caused = append([]life.News{{Kind: "transaction_expired", Tells: status, Event: caused[0].Event}}, caused...)
		}
		return caused
	}
	return nil
}
