package simulator

import (
	"crypto/hmac"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// allSign plays AllSign, generation v3.
type allSign struct {
	desk       *desk
	tenant     string
	owner      string   // the user whose key it is
	colleagues []string // whose documents a list shows under a wider scope only
	endpoints  []*allSignEndpoint
	secrets    []string                 // of the account's own endpoint: the first one and, where it rotates, the next
	certify    map[string]time.Duration // how long after the evidence the NOM-151 certificate comes, by document; absent: never
	proof      []byte                   // signs links
}

// allSignEndpoint is one registration.
type allSignEndpoint struct {
	id, url, description string
	secret               string // "" for the account's own, whose secrets rotate
	events               []string
	disabled             bool
	failures             int // in a row
	made                 time.Time
}

func openAllSign(w *World) *desk {
	r := w.source("allsign account")
	d := newDesk(w, Account{ID: AccountAllSign, Provider: "allsign", BasePath: "/allsign", AccountID: uuid(r), Email: "owner@sim-allsign.example"})
	x := &allSign{
		desk: d, tenant: d.account.AccountID, owner: uuid(r), colleagues: []string{uuid(r), uuid(r)},
		certify: map[string]time.Duration{}, proof: chance(r, 32), secrets: []string{standardSecret(r)},
	}
	if w.opts.RotateSecretsAfter > 0 {
		x.secrets = append(x.secrets, standardSecret(r))
	}
	d.account.Settings = map[string]any{
		"profile": "v3", "api_key": "allsign_live_sk_" + letters(r, 40, alphanum), "webhook_secrets": append([]string{}, x.secrets...),
	}
	if d.url != "" {
		x.endpoints = append(x.endpoints, &allSignEndpoint{
			id: "whe_" + letters(r, 32, hexDigits), url: d.url, description: "signature mirror", events: allSignActive(), made: w.epoch,
		})
	}
	d.deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "direct", "collected", "collected", "draft", "collecting",
		"open", "partly", "expired", "expired_partly", "voided", "voided_partly", "corrected", "corrected", "correcting", "slow", "test", "test_open",
	}
	// how often and when is not published
	d.retries = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}
	d.limits = map[string]int{"read": 10}
	d.actor, d.caller, d.keeper = x, x, x
	return d
}

// chance is n bytes of chance.
func chance(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// truth maps what happened to a document to countersign's words, by a table of the simulator's own.
func (x *allSign) truth(s *state) standing {
	words := map[string]string{
		"draft": "draft", "collecting_data": "draft", "processing": "in_progress", "awaiting_signatures": "in_progress",
		"correcting": "in_progress", "completed": "completed", "expired": "expired", "voided": "cancelled",
	}
	status, known := words[s.word]
	if !known {
		status = "unknown"
	}
	return standing{status: status, provider: s.word}
}

// listable is every document: the widest scope shows them all.
func (x *allSign) listable(*state) bool { return true }

func (x *allSign) admits(r *http.Request, _ time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key, _ := x.desk.account.Settings["api_key"].(string)
	return strings.EqualFold(scheme, "Bearer") && hmac.Equal([]byte(proof), []byte(key))
}

// conceive makes up a document and the life that its kind names.
func (x *allSign) conceive(t *transaction) {
	r := t.rng
	t.ref, t.name, t.fraction = "doc_"+letters(r, 32, hexDigits), title(r), true
	t.nulls = r.IntN(2) == 0
	t.test = t.kind == "test" || t.kind == "test_open"
	t.sender = person{id: x.owner}
	if r.IntN(5) == 0 {
		t.sender.id = pick(r, x.colleagues...)
	}
	t.docs = []document{{id: evidenceFile, name: t.name + ".pdf", pages: 2 + r.IntN(4), sealed: r.IntN(2) == 0}}
	count := 1 + r.IntN(3)
	switch t.kind {
	case "partly", "voided_partly", "expired_partly", "corrected":
		count = 2 + r.IntN(2)
	}
	for i := range count {
		p := someone(r, i)
		p.id = "sgr_" + letters(r, 32, hexDigits)
		t.state.people = append(t.state.people, p)
	}
	switch late := r.IntN(3); {
	case t.test || late == 0: // a test document gets none, nor do documents of some accounts
	case late == 1:
		x.certify[t.ref] = 0
	default:
		x.certify[t.ref] = 5*time.Minute + time.Duration(r.Int64N(int64(25*time.Minute)))
	}
	t.steps = x.life(t)
}

// life is what happens to a document of each kind, and how long after one another.
func (x *allSign) life(t *transaction) []step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.rng.Int64N(int64(to-from))) }
	soon := func(act string) step { return then(gap(20*time.Minute, 3*time.Hour), act, 0) }
	process := then(gap(time.Minute, 10*time.Minute), "process", 0)
	send := then(gap(10*time.Second, 5*time.Minute), "send", 0)
	sent := []step{then(0, "create", 0), process, send}
	collected := []step{then(0, "create", 0), soon("collect"), soon("process"), send}
	var signing []step
	for i := range t.state.people {
		signing = append(signing, then(gap(20*time.Minute, 4*time.Hour), "sign", i))
	}
	finish := []step{then(gap(30*time.Second, 10*time.Minute), "complete", 0)}
	late := gap(16*time.Hour, 24*time.Hour)
	join := func(parts ...[]step) (all []step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.kind {
	case "direct", "test":
		return join([]step{then(0, "send", 0)}, signing, finish)
	case "collected":
		return join(collected, signing, finish)
	case "draft":
		return sent[:1]
	case "collecting":
		return collected[:2]
	case "open":
		return sent
	case "test_open":
		return []step{then(0, "send", 0)}
	case "partly":
		return join(sent, signing[:1])
	case "expired":
		return join(sent, []step{then(late, "expire", 0)})
	case "expired_partly":
		return join(sent, signing[:1], []step{then(late, "expire", 0)})
	case "voided":
		return join(sent, []step{soon("void")})
	case "voided_partly":
		return join(sent, signing[:1], []step{soon("void")})
	case "corrected":
		return join(sent, signing[:1], []step{soon("correct"), soon("resume")}, signing[1:], finish)
	case "correcting":
		return join(sent, []step{soon("correct")})
	default: // completed, slow
		return join(sent, signing, finish)
	}
}

// play does one thing to a document and says which callbacks that causes. Nothing is told of a
// birth, of a file that is being prepared, nor of a correction.
func (x *allSign) play(t *transaction, s step) []news {
	st := &t.state
	tells := []string{"status"}
	if st.word == "" {
		t.born, tells = st.at, []string{"created"}
	}
	switch s.act {
	case "create":
		st.word = "draft"
	case "collect":
		st.word = "collecting_data"
	case "process":
		st.word = "processing"
	case "send":
		st.word, st.sent, st.due = "awaiting_signatures", st.at, x.expiry(t)
		return []news{{kind: "document.sent", tells: tells}}
	case "sign":
		p := &st.people[s.who]
		p.status, p.doneAt = "signed", st.at
		if st.last() {
			st.word = "processing" // the file is in the making
		}
		return []news{{kind: "signer.signed", tells: []string{"signer"}, who: p.id}}
	case "complete":
		wait := time.Minute + time.Duration(t.rng.Int64N(int64(9*time.Minute)))
		if t.kind == "slow" {
			wait += 2 * time.Hour
		}
		st.word, st.completed = "completed", st.updated
		st.ready = st.at.Add(x.desk.world.span(wait, 0))
		return []news{{kind: "document.completed", tells: tells}}
	case "correct":
		st.word = "correcting"
	case "resume":
		st.word = "awaiting_signatures"
		x.swap(t)
	case "expire":
		st.word = "expired"
		return []news{{kind: "document.expired", tells: tells}}
	case "void":
		st.word = "voided"
		return []news{{kind: "document.voided", tells: tells}}
	}
	return nil
}

// swap is what a correction does: another person signs in the place of the last one.
func (x *allSign) swap(t *transaction) {
	people := t.state.people
	old := people[len(people)-1]
	heir := someone(t.rng, old.order)
	heir.id = "sgr_" + letters(t.rng, 32, hexDigits)
	people[len(people)-1] = heir
	old.status = "removed"
	t.state.people = append(people, old)
}

// expiry is when a document expires: at the step that says so, else seldom and far away.
func (x *allSign) expiry(t *transaction) time.Time {
	var sum time.Duration
	for _, s := range t.steps[t.next:] {
		sum += s.after
		if s.act == "expire" {
			return t.stamp(t.state.at.Add(x.desk.world.span(sum, 0)))
		}
	}
	if !t.nulls {
		return time.Time{}
	}
	return t.stamp(t.state.at.Add(x.desk.world.span(sum+30*24*time.Hour, time.Second)))
}
