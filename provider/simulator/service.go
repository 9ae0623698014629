package simulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// actor lives the lives: what a service does with its transactions.
type actor interface {
	conceive(t *transaction)            // fills in who and what; kind, desk and rng are set
	play(t *transaction, s step) []news // changes t.state and says what is called back
	truth(s *state) standing            // countersign's words for a state
	listable(s *state) bool             // whether the key's list may show a transaction in this state
	admits(r *http.Request, now time.Time) bool
}

// caller speaks to the listener.
type caller interface {
	compose(t *transaction, n news) []letter
	forge(d *delivery) (letter, bool)
	acknowledged(status int, body []byte) bool
	greet(now time.Time) // what is sent when a world starts to run
}

// exchange is the further half of a caller that calls several endpoints, each of which may be shut,
// or that proves each attempt anew.
type exchange interface {
	open(l letter) bool
	stamp(l letter, now time.Time) letter
	landed(l letter, taken bool)
}

// rotator is the further half of a caller whose secret may become another.
type rotator interface{ rotate() }

// keeper answers requests.
type keeper interface {
	routes(mux *http.ServeMux)
	files(t *transaction) []TruthDocument
	file(t *transaction, s *state, id string) []byte
	refuse(status int, name, message string) answer
	decorate(h http.Header, class string, left int)
}

// desk is one service with one account: the common part, and the service itself.
type desk struct {
	actor
	caller
	keeper
	world     *World
	rng       *rand.Rand
	account   Account
	deck      []string        // kinds of lives, each as often as its share
	extras    []string        // kinds of objects that are no transactions
	retries   []time.Duration // the waits before further attempts to deliver
	exact     bool            // the waits, and the time limit of an attempt, are wall time at any speed
	patience  time.Duration   // how long an attempt may take, where exact
	forgetful bool            // may forget its callback URL after failures
	minutes   bool            // requests are counted by minutes of the clock
	limits    map[string]int  // documented requests a minute by class; a class that is absent is unlimited
	asked     map[string][]time.Time
	failures  int
	url       string // where callbacks go; "" nowhere
	key       string // what goes with them
	events    map[string]bool
	byRef     map[string]*transaction
}

// services are those that can be played. A further one is a further line.
func services() map[string]func(*World) *desk {
	return map[string]func(*World) *desk{
		"onespan":     openOneSpan,
		"dropboxsign": openDropboxSign,
		"allsign":     openAllSign,
		"autosign":    openAutosign,
		"documenso":   openDocumenso,
	}
}

// Services are the names of all services that can be played, in the order in which they get transactions.
func Services() []string {
	return []string{"onespan", "dropboxsign", "allsign", "autosign", "documenso"}
}

// newDesk makes the common part of a service.
func newDesk(w *World, a Account) *desk {
	d := &desk{
		world: w, account: a, rng: w.source("desk " + a.ID), limits: map[string]int{},
		asked: map[string][]time.Time{}, byRef: map[string]*transaction{},
	}
	if w.opts.Callbacks != "" {
		d.url = strings.TrimRight(w.opts.Callbacks, "/") + "/callbacks/" + a.ID
	}
	return d
}

// source is a stream of chance of its own, by the seed and a name.
func (w *World) source(name string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.opts.Seed, h))
}

// populate makes all transactions and lives the history of those that were born before.
func (w *World) populate() {
	if len(w.desks) == 0 {
		return
	}
	decks := map[*desk][]string{}
	for _, d := range w.desks {
		decks[d] = shuffled(d.deck, d.rng)
		w.addExtras(d)
	}
	for i := range w.opts.Transactions {
		d, turn := w.desks[i%len(w.desks)], i/len(w.desks)
		t := w.conceive(d, decks[d][turn%len(decks[d])], i)
		w.start(t, w.birth(t, i))
	}
}

// conceive makes a transaction that is not yet born.
func (w *World) conceive(d *desk, kind string, i int) *transaction {
	t := &transaction{
		desk: d, kind: kind, rng: w.source(fmt.Sprintf("%s %d %s", d.account.ID, i, kind)),
		served: map[string]int{}, sums: map[string]fileSum{},
	}
	d.conceive(t)
	d.byRef[t.ref] = t
	w.txs = append(w.txs, t)
	return t
}

// birth chooses when the i-th transaction is born.
func (w *World) birth(t *transaction, i int) time.Time {
	chance := t.rng.Float64()
	if i < w.opts.BornBefore {
		return w.epoch.Add(-w.span(time.Duration(chance*float64(60*24*time.Hour)), time.Millisecond))
	}
	rest := max(w.opts.Transactions-w.opts.BornBefore, 1)
	part := (float64(i-w.opts.BornBefore) + chance) / float64(rest)
	return w.epoch.Add(w.span(time.Duration(part*float64(w.opts.Births)), 0))
}

// start plays what of a life lies in the past, silently, and plans the rest.
func (w *World) start(t *transaction, at time.Time) {
	for {
		if at.After(w.epoch) {
			w.seq++
			w.lives.add(&entry{at: at, seq: w.seq, t: t})
			return
		}
		w.perform(t, at, false)
		if t.next >= len(t.steps) {
			return
		}
		at = at.Add(w.span(t.steps[t.next].after, 0))
	}
}

// addExtras makes the objects of a service that are no transactions of anybody.
func (w *World) addExtras(d *desk) {
	for i, kind := range d.extras {
		t := w.conceive(d, kind, -1-i)
		w.start(t, w.epoch.Add(-w.span(time.Duration(24+i)*time.Hour, time.Millisecond)))
	}
}

func shuffled(deck []string, r *rand.Rand) []string {
	out := append([]string{}, deck...)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// pick takes one of several.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// letters makes n characters of an alphabet.
func letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	hexDigits = "0123456789abcdef"
	base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	alphanum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

func uuid(r *rand.Rand) string {
	h := letters(r, 32, hexDigits)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// someone makes up a person.
func someone(r *rand.Rand, order int) person {
	first := pick(r, "Ada", "Bela", "Chloé", "Dario", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jörg", "Kemi", "Lena", "Mihai", "Nadia", "Olek", "Pilar")
	last := pick(r, "Abara", "Brandt", "Cruz", "Dumont", "Eriksen", "Fischer", "Grigorescu", "Hansen", "Ito", "Jansen", "Kowalski", "López", "Meyer", "Novak", "O'Neil", "Petrov")
	plain := strings.NewReplacer("é", "e", "ö", "o", "ó", "o", "'", "").Replace(strings.ToLower(first + "." + last))
	return person{
		name: first + " " + last, order: order, status: "waiting",
		email: fmt.Sprintf("%s%d@%s.example", plain, r.IntN(900)+100, pick(r, "north", "south", "east", "west")),
	}
}

// title makes up what a transaction is called.
func title(r *rand.Rand) string {
	return pick(r, "Lease", "Offer", "Framework agreement", "Non-disclosure agreement", "Kündigung & Übergabe", "Purchase order", "Employment contract", "<b>Bold</b> terms", "Loan", "Consent \"A\"") +
		" " + fmt.Sprint(r.IntN(9000)+1000)
}
