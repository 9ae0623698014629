package world

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// Actor lives the lives: what a service does with its transactions.
type Actor interface {
	Conceive(t *Transaction)                      // fills in who and what; kind, desk and rng are set
	Play(t *Transaction, s life.Step) []life.News // changes t.state and says what is called back
	Truth(s *life.State) Standing                 // countersign's words for a state
	Listable(s *life.State) bool                  // whether the key's list may show a transaction in this state
	Admits(r *http.Request, now time.Time) bool
}

// Standing is the truth about a state, in countersign's words.
type Standing struct {
	Status   string
	Provider string
	Archived bool
}

// Refiner is the further half of an actor whose truth depends on what callbacks arrived.
type Refiner interface {
	// Refine says which further statuses are right, and whether the files cannot be had.
	Refine(t *Transaction) (alsoRight []string, unobtainable bool)
}

// Caller speaks to the listener.
type Caller interface {
	Compose(t *Transaction, n life.News) []Letter
	Forge(d *Delivery) (Letter, bool)
	Acknowledged(status int, body []byte) bool
	Greet(now time.Time) // what is sent when a world starts to run
}

// Exchange is the further half of a caller that calls several endpoints, each of which may be shut,
// or that proves each attempt anew.
type Exchange interface {
	Open(l Letter) bool
	Stamp(l Letter, now time.Time) Letter
	Landed(l Letter, taken bool)
}

// Rotator is the further half of a caller whose secret may become another.
type Rotator interface{ Rotate() }

// Server answers requests.
type Server interface {
	Routes(mux *http.ServeMux)
	Files(t *Transaction) []TruthDocument
	File(t *Transaction, s *life.State, id string) []byte
	Refuse(status int, name, message string) wire.Answer
	Decorate(h http.Header, class string, left int)
}

// Desk is one service with one account: the common part, and the service itself.
type Desk struct {
	Actor
	Caller
	Server
	World     *World
	Rand      *rand.Rand
	Account   Account
	Deck      []string        // kinds of lives, each as often as its share
	Extras    []string        // kinds of objects that are no transactions
	Retries   []time.Duration // the waits before further attempts to deliver
	Exact     bool            // the waits, and the time limit of an attempt, are wall time at any speed
	Patience  time.Duration   // how long an attempt may take, where exact
	Forgetful bool            // may forget its callback URL after failures
	Minutes   bool            // requests are counted by minutes of the clock
	Limits    map[string]int  // documented requests a minute by class; a class that is absent is unlimited
	asked     map[string][]time.Time
	Failures  int
	URL       string // where callbacks go; "" nowhere
	Key       string // what goes with them
	Events    map[string]bool
	ByRef     map[string]*Transaction
}

// NewDesk makes the common part of a service.
func NewDesk(w *World, a Account) *Desk {
	d := &Desk{
		World: w, Account: a, Rand: chance.Source(w.Options.Seed, "desk "+a.ID), Limits: map[string]int{},
		asked: map[string][]time.Time{}, ByRef: map[string]*Transaction{},
	}
	if w.Options.Callbacks != "" {
		d.URL = strings.TrimRight(w.Options.Callbacks, "/") + "/callbacks/" + a.ID
	}
	return d
}

// Living are the service's transactions that were born, in the order in which they were conceived.
func (d *Desk) Living() iter.Seq[*Transaction] {
	return func(yield func(*Transaction) bool) {
		for _, t := range d.World.Transactions {
			if t.Desk == d && t.Alive() && !yield(t) {
				return
			}
		}
	}
}

// Render makes a PDF file, sealed with the world's keys where its paper says so.
func (d *Desk) Render(p pdf.File) []byte { return p.Render(d.World.keys) }

// Post sends a callback about a transaction that tells of no change.
func (d *Desk) Post(t *Transaction, n life.News) { d.World.mail.post(t, n, nil) }

// Aside sends a callback that is about no transaction.
func (d *Desk) Aside(kind string, at time.Time, l Letter) {
	d.World.mail.enqueue(&entry{at: at, d: &Delivery{Letter: l, desk: d, Kind: kind, record: &TruthCallback{Type: kind}}})
}

// populate makes all transactions and lives the history of those that were born before.
func (w *World) populate() {
	if len(w.desks) == 0 {
		return
	}
	decks := map[*Desk][]string{}
	for _, d := range w.desks {
		decks[d] = chance.Shuffled(d.Deck, d.Rand)
		w.addExtras(d)
	}
	for i := range w.Options.Transactions {
		d, turn := w.desks[i%len(w.desks)], i/len(w.desks)
		t := w.Conceive(d, decks[d][turn%len(decks[d])], i)
		w.start(t, w.birth(t, i))
	}
}

// Conceive makes a transaction that is not yet born.
func (w *World) Conceive(d *Desk, kind string, i int) *Transaction {
	t := &Transaction{
		Desk: d, Kind: kind, Rand: chance.Source(w.Options.Seed, fmt.Sprintf("%s %d %s", d.Account.ID, i, kind)),
		Served: map[string]int{}, Sums: map[string]pdf.Sum{},
	}
	d.Conceive(t)
	d.ByRef[t.Ref] = t
	w.Transactions = append(w.Transactions, t)
	return t
}

// birth chooses when the i-th transaction is born.
func (w *World) birth(t *Transaction, i int) time.Time {
	luck := t.Rand.Float64()
	if i < w.Options.BornBefore {
		return w.Epoch.Add(-w.Span(time.Duration(luck*float64(60*24*time.Hour)), time.Millisecond))
	}
	rest := max(w.Options.Transactions-w.Options.BornBefore, 1)
	part := (float64(i-w.Options.BornBefore) + luck) / float64(rest)
	return w.Epoch.Add(w.Span(time.Duration(part*float64(w.Options.Births)), 0))
}

// start plays what of a life lies in the past, silently, and plans the rest.
func (w *World) start(t *Transaction, at time.Time) {
	for {
		if at.After(w.Epoch) {
			w.seq++
			w.lives.add(&entry{at: at, seq: w.seq, t: t})
			return
		}
		w.perform(t, at, false)
		if t.Next >= len(t.Steps) {
			return
		}
		at = at.Add(w.Span(t.Steps[t.Next].After, 0))
	}
}

// addExtras makes the objects of a service that are no transactions of anybody.
func (w *World) addExtras(d *Desk) {
	for i, kind := range d.Extras {
		t := w.Conceive(d, kind, -1-i)
		w.start(t, w.Epoch.Add(-w.Span(time.Duration(24+i)*time.Hour, time.Millisecond)))
	}
}

// Someone makes up a person.
func Someone(r *rand.Rand, order int) life.Person {
	first := chance.Pick(r, "Ada", "Bela", "Chloé", "Dario", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jörg", "Kemi", "Lena", "Mihai", "Nadia", "Olek", "Pilar")
	last := chance.Pick(r, "Abara", "Brandt", "Cruz", "Dumont", "Eriksen", "Fischer", "Grigorescu", "Hansen", "Ito", "Jansen", "Kowalski", "López", "Meyer", "Novak", "O'Neil", "Petrov")
	plain := strings.NewReplacer("é", "e", "ö", "o", "ó", "o", "'", "").Replace(strings.ToLower(first + "." + last))
	return life.Person{
		Name: first + " " + last, Order: order, Status: "waiting",
		Email: fmt.Sprintf("%s%d@%s.example", plain, r.IntN(900)+100, chance.Pick(r, "north", "south", "east", "west")),
	}
}

// Title makes up what a transaction is called.
func Title(r *rand.Rand) string {
	return chance.Pick(r, "Lease", "Offer", "Framework agreement", "Non-disclosure agreement", "Kündigung & Übergabe", "Purchase order", "Employment contract", "<b>Bold</b> terms", "Loan", "Consent \"A\"") +
		" " + fmt.Sprint(r.IntN(9000)+1000)
}
