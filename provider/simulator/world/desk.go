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

// Actor plays the lives of a service's transactions.
type Actor interface {
	Conceive(t *Transaction)                      // fills in names, signers and steps; Kind, Desk and Rand are set
	Play(t *Transaction, s life.Step) []life.News // plays a step on t.State and returns the callbacks that it causes
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

// Refiner is what an Actor also implements if its truth depends on which callbacks arrived.
type Refiner interface {
	// Refine says which further statuses are right, and whether the files cannot be had.
	Refine(t *Transaction) (alsoRight []string, unobtainable bool)
}

// Caller makes a service's callbacks.
type Caller interface {
	Compose(t *Transaction, n life.News) []Letter
	Forge(d *Delivery) (Letter, bool)
	Acknowledged(status int, body []byte) bool
	Greet(now time.Time) // sends what a service sends to a new listener
}

// Exchange is what a Caller also implements if it calls several endpoints, each of which may be disabled, or if it
// signs each attempt anew.
type Exchange interface {
	Open(l Letter) bool
	Stamp(l Letter, now time.Time) Letter
	Landed(l Letter, taken bool)
}

// Rotator is what a Caller also implements if its secret can be replaced while the world runs.
type Rotator interface{ Rotate() }

// Server answers a service's requests and makes its files.
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
	Forgetful bool            // loses its callback URL after many failures, see Options.ClearCallbackAfter
	Minutes   bool            // requests are counted by minutes of the clock
	Limits    map[string]int  // documented requests a minute by class; a class that is absent is unlimited
	asked     map[string][]time.Time
	came      map[string]int // requests by method and path
	Failures  int
	URL       string // where callbacks go; empty: none are sent
	Key       string // what proves them
	Events    map[string]bool
	ByRef     map[string]*Transaction
}

// NewDesk makes the common part of a service.
func NewDesk(w *World, a Account) *Desk {
	d := &Desk{
		World: w, Account: a, Rand: chance.Source(w.Options.Seed, "desk "+a.ID), Limits: map[string]int{},
		asked: map[string][]time.Time{}, came: map[string]int{}, ByRef: map[string]*Transaction{},
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
func (d *Desk) Render(p pdf.File) []byte {
	p.Altered = p.Sealed && p.Share() < d.World.Options.Altered
	return p.Render(d.World.keys)
}

// Post sends a callback about a transaction that tells of no change.
func (d *Desk) Post(t *Transaction, n life.News) { d.World.mail.post(t, n, nil) }

// Aside sends a callback that is about no transaction.
func (d *Desk) Aside(kind string, at time.Time, l Letter) {
	d.World.mail.enqueue(&entry{at: at, d: &Delivery{Letter: l, desk: d, Kind: kind, record: &TruthCallback{Type: kind}}})
}

// populate makes all transactions and plays the past of those that were born before the world starts.
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
		t := w.conceive(d, decks[d][turn%len(decks[d])], i)
		w.start(t, w.birth(t, i))
	}
}

// conceive makes a transaction that is not yet born.
func (w *World) conceive(d *Desk, kind string, i int) *Transaction {
	name := fmt.Sprintf("%s %d %s", d.Account.ID, i, kind)
	t := &Transaction{
		Desk: d, Kind: kind, Rand: chance.Source(w.Options.Seed, name), luck: chance.Source(w.Options.Seed, "luck of "+name),
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

// start plays the steps of a life that lie in the past, without callbacks, and plans the rest.
func (w *World) start(t *Transaction, at time.Time) {
	for {
		if at.After(w.Epoch) {
			w.schedule(t, at)
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
		t := w.conceive(d, kind, -1-i)
		w.start(t, w.Epoch.Add(-w.Span(time.Duration(24+i)*time.Hour, time.Millisecond)))
	}
}
