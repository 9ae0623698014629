// Package allsign plays AllSign, generation v3: its accounts, its callbacks and its API.
package allsign

import (
	"crypto/hmac"
	"net/http"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// AccountID is the id of the account that is played.
const AccountID = "sim-allsign"

// service plays AllSign, generation v3.
type service struct {
	desk       *world.Desk
	tenant     string
	owner      string   // the user whose key it is
	colleagues []string // whose documents a list shows under a wider scope only
	endpoints  []*endpoint
	secrets    []string // of the account's own endpoint: the first one and, where it rotates, the next
	// how long after the evidence the NOM-151 certificate comes, by document; absent: never
	certify map[string]time.Duration
	proof   []byte // signs links
}

// endpoint is one registration.
type endpoint struct {
	id, url, description string
	secret               string // "" for the account's own, whose secrets rotate
	events               []string
	disabled             bool
	failures             int // in a row
	made                 time.Time
}

// Open adds an account of AllSign to a world.
func Open(w *world.World) *world.Desk {
	r := chance.Source(w.Options.Seed, "allsign account")
	d := world.NewDesk(w, world.Account{ID: AccountID, Provider: "allsign", BasePath: "/allsign",
		AccountID: chance.UUID(r), Email: "owner@sim-allsign.example"})
	x := &service{
		desk: d, tenant: d.Account.AccountID, owner: chance.UUID(r), colleagues: []string{chance.UUID(r), chance.UUID(r)},
		certify: map[string]time.Duration{}, proof: chance.Bytes(r, 32), secrets: []string{standardSecret(r)},
	}
	if w.Options.RotateSecretsAfter > 0 {
		x.secrets = append(x.secrets, standardSecret(r))
	}
	d.Account.Settings = map[string]any{
		"profile": "v3", "api_key": "allsign_live_sk_" + chance.Letters(r, 40, chance.Alphanum),
		"webhook_secrets": append([]string{}, x.secrets...),
	}
	if d.URL != "" {
		x.endpoints = append(x.endpoints, &endpoint{
			id: "whe_" + chance.Letters(r, 32, chance.HexDigits), url: d.URL, description: "signature mirror",
			events: activeEvents(), made: w.Epoch,
		})
	}
	d.Deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "direct", "collected", "collected", "draft",
		"collecting",
		"open", "partly", "expired", "expired_partly", "voided", "voided_partly", "corrected", "corrected", "correcting",
		"slow", "test", "test_open",
	}
	// how often and when is not published
	d.Retries = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}
	d.Limits = map[string]int{"read": 10}
	d.Actor, d.Caller, d.Server = x, x, api{x}
	return d
}

// Truth maps what happened to a document to countersign's words, by a table of the simulator's own.
func (x *service) Truth(s *life.State) world.Standing {
	words := map[string]string{
		"draft": "draft", "collecting_data": "draft", "processing": "in_progress", "awaiting_signatures": "in_progress",
		"correcting": "in_progress", "completed": "completed", "expired": "expired", "voided": "cancelled",
	}
	status, known := words[s.Word]
	if !known {
		status = "unknown"
	}
	return world.Standing{Status: status, Provider: s.Word}
}

// Listable is every document: the widest scope shows them all.
func (x *service) Listable(*life.State) bool { return true }

func (x *service) Admits(r *http.Request, _ time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key, _ := x.desk.Account.Settings["api_key"].(string)
	return strings.EqualFold(scheme, "Bearer") && hmac.Equal([]byte(proof), []byte(key))
}

// Conceive makes up a document and the life that its kind names.
func (x *service) Conceive(t *world.Transaction) {
	r := t.Rand
	t.Ref, t.Name, t.Fraction = "doc_"+chance.Letters(r, 32, chance.HexDigits), life.Title(r), true
	t.Nulls = r.IntN(2) == 0
	t.Test = t.Kind == "test" || t.Kind == "test_open"
	t.Sender = life.Person{ID: x.owner}
	if r.IntN(5) == 0 {
		t.Sender.ID = chance.Pick(r, x.colleagues...)
	}
	t.Docs = []life.Document{{ID: signedFile, Name: t.Name + ".pdf", Pages: 2 + r.IntN(4), Sealed: r.IntN(2) == 0}}
	count := 1 + r.IntN(3)
	switch t.Kind {
	case "partly", "voided_partly", "expired_partly", "corrected":
		count = 2 + r.IntN(2)
	}
	for i := range count {
		p := life.Someone(r, i)
		p.ID = "sgr_" + chance.Letters(r, 32, chance.HexDigits)
		t.State.People = append(t.State.People, p)
	}
	switch late := r.IntN(3); {
	case t.Test || late == 0: // a test document gets none, nor do documents of some accounts
	case late == 1:
		x.certify[t.Ref] = 0
	default:
		x.certify[t.Ref] = 5*time.Minute + time.Duration(r.Int64N(int64(25*time.Minute)))
	}
	t.Steps = x.life(t)
}

// life is what happens to a document of each kind, and how long after one another.
func (x *service) life(t *world.Transaction) []life.Step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.Rand.Int64N(int64(to-from))) }
	soon := func(act string) life.Step { return life.Then(gap(20*time.Minute, 3*time.Hour), act, 0) }
	process := life.Then(gap(time.Minute, 10*time.Minute), "process", 0)
	send := life.Then(gap(10*time.Second, 5*time.Minute), "send", 0)
	sent := []life.Step{life.Then(0, "create", 0), process, send}
	collected := []life.Step{life.Then(0, "create", 0), soon("collect"), soon("process"), send}
	var signing []life.Step
	for i := range t.State.People {
		signing = append(signing, life.Then(gap(20*time.Minute, 4*time.Hour), "sign", i))
	}
	finish := []life.Step{life.Then(gap(30*time.Second, 10*time.Minute), "complete", 0)}
	late := gap(16*time.Hour, 24*time.Hour)
	join := func(parts ...[]life.Step) (all []life.Step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.Kind {
	case "direct", "test":
		return join([]life.Step{life.Then(0, "send", 0)}, signing, finish)
	case "collected":
		return join(collected, signing, finish)
	case "draft":
		return sent[:1]
	case "collecting":
		return collected[:2]
	case "open":
		return sent
	case "test_open":
		return []life.Step{life.Then(0, "send", 0)}
	case "partly":
		return join(sent, signing[:1])
	case "expired":
		return join(sent, []life.Step{life.Then(late, "expire", 0)})
	case "expired_partly":
		return join(sent, signing[:1], []life.Step{life.Then(late, "expire", 0)})
	case "voided":
		return join(sent, []life.Step{soon("void")})
	case "voided_partly":
		return join(sent, signing[:1], []life.Step{soon("void")})
	case "corrected":
		return join(sent, signing[:1], []life.Step{soon("correct"), soon("resume")}, signing[1:], finish)
	case "correcting":
		return join(sent, []life.Step{soon("correct")})
	default: // completed, slow
		return join(sent, signing, finish)
	}
}

// Play does one thing to a document and says which callbacks that causes. Nothing is told of a
// birth, of a file that is being prepared, nor of a correction.
func (x *service) Play(t *world.Transaction, s life.Step) []life.News {
	st := &t.State
	tells := []string{"status"}
	if st.Word == "" {
		t.Born, tells = st.At, []string{"created"}
	}
	switch s.Act {
	case "create":
		st.Word = "draft"
	case "collect":
		st.Word = "collecting_data"
	case "process":
		st.Word = "processing"
	case "send":
		st.Word, st.Sent, st.Due = "awaiting_signatures", st.At, x.expiry(t)
		return []life.News{{Kind: "document.sent", Tells: tells}}
	case "sign":
		p := &st.People[s.Who]
		p.Status, p.DoneAt = "signed", st.At
		if st.Last() {
			st.Word = "processing" // the file is in the making
		}
		return []life.News{{Kind: "signer.signed", Tells: []string{"signer"}, Who: p.ID}}
	case "complete":
		wait := time.Minute + time.Duration(t.Rand.Int64N(int64(9*time.Minute)))
		if t.Kind == "slow" {
			wait += 2 * time.Hour
		}
		st.Word, st.Completed = "completed", st.Updated
		st.Ready = st.At.Add(x.desk.World.Span(wait, 0))
		return []life.News{{Kind: "document.completed", Tells: tells}}
	case "correct":
		st.Word = "correcting"
	case "resume":
		st.Word = "awaiting_signatures"
		x.swap(t)
	case "expire":
		st.Word = "expired"
		return []life.News{{Kind: "document.expired", Tells: tells}}
	case "void":
		st.Word = "voided"
		return []life.News{{Kind: "document.voided", Tells: tells}}
	}
	return nil
}

// swap is what a correction does: another person signs in the place of the last one.
func (x *service) swap(t *world.Transaction) {
	people := t.State.People
	old := people[len(people)-1]
	heir := life.Someone(t.Rand, old.Order)
	heir.ID = "sgr_" + chance.Letters(t.Rand, 32, chance.HexDigits)
	people[len(people)-1] = heir
	old.Status = "removed"
	t.State.People = append(people, old)
}

// expiry is when a document expires: at the step that says so, else seldom and far away.
func (x *service) expiry(t *world.Transaction) time.Time {
	var sum time.Duration
	for _, s := range t.Steps[t.Next:] {
		sum += s.After
		if s.Act == "expire" {
			return t.Stamp(t.State.At.Add(x.desk.World.Span(sum, 0)))
		}
	}
	if !t.Nulls {
		return time.Time{}
	}
	return t.Stamp(t.State.At.Add(x.desk.World.Span(sum+30*24*time.Hour, time.Second)))
}
