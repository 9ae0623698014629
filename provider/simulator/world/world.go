// Package world is the core of the simulator: a seeded set of transactions that live their lives, the mail that takes
// their callbacks to the listener, and the front that requests come to. What is a service's own stands in a folder of
// its name beside this one.
package world

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"countersign/provider/simulator/world/pdf"
)

// World is a set of simulated services. One mutex guards it all, and is never held during a callback.
type World struct {
	Options Options
	desks   []*Desk
	keys    *pdf.Keys
	wake    chan struct{}

	mu           sync.Mutex
	Rand         *rand.Rand // chooses what befalls the request that is being answered
	faults       Faults
	Epoch        time.Time // when the world's clock was last set to nought
	ran          bool
	stopped      bool
	Transactions []*Transaction
	lives        agenda
	mail         mail
	seq          int
	Counts       Counts
	pending      []Event
}

// New makes a world of some services. Its history is in place at once; the rest happens in Run.
func New(o Options, open ...func(*World) *Desk) *World {
	o = o.withDefaults()
	w := &World{
		Options: o, faults: o.Faults, Epoch: time.Now(), keys: o.Keys, wake: make(chan struct{}, 1),
	}
	if w.keys == nil {
		w.keys = pdf.NewKeys()
	}
	w.mail = mail{world: w, client: o.Client}
	if o.Client == nil {
		w.mail.client = &http.Transport{MaxIdleConnsPerHost: parallel, IdleConnTimeout: 30 * time.Second}
	}
	for _, one := range open {
		w.desks = append(w.desks, one(w))
	}
	w.populate()
	w.pending = nil // the observer is told of no history
	return w
}

// Keys are those that files are sealed with.
func (w *World) Keys() *pdf.Keys { return w.keys }

// Locked calls f while nothing happens in the world.
func (w *World) Locked(f func()) {
	w.mu.Lock()
	defer w.unlock()
	f()
}

// Desks are the services, each with its account. What they hold is looked at and changed within Locked only.
func (w *World) Desks() []*Desk { return w.desks }

// Run plays the lives and delivers the callbacks until ctx ends. When all lives have ended it
// keeps delivering. It returns nil, after everything that it started has ended.
func (w *World) Run(ctx context.Context) error {
	var flights sync.WaitGroup
	defer w.mail.hangUp()
	defer flights.Wait()
	w.begin()
	for {
		next, some := w.turn(ctx, &flights)
		var alarm <-chan time.Time
		var timer *time.Timer
		if some {
			timer = time.NewTimer(time.Until(next))
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-alarm:
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// Accounts says what a client's configuration needs, one entry per service.
func (w *World) Accounts() []Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Account
	for _, d := range w.desks {
		all = append(all, d.Account)
	}
	return all
}

// SetFaults changes what goes wrong from now on. Deliveries that are queued still go out in their time.
func (w *World) SetFaults(f Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = f
}

// Faults says what goes wrong now.
func (w *World) Faults() Faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

// FlushDelayed makes every queued delivery due at once, repeats included.
func (w *World) FlushDelayed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mail.flush(time.Now())
	w.nudge()
}

// SetBase says where the world is served, for one that learns it after New. See Options.Base.
func (w *World) SetBase(base string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Options.Base = base
}

// Idle says that all lives have ended, or were stopped, and that no delivery is queued or under way.
func (w *World) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return (w.stopped || len(w.lives) == 0) && w.mail.idle()
}

// Ended says that no life goes on: all have ended or were stopped. Deliveries may still be queued or under way.
func (w *World) Ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped || len(w.lives) == 0
}

// Stop ends all lives where they are. Deliveries that are queued still go out.
func (w *World) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.nudge()
}
