// Package budget lets the calls of an account leave at the pace that its service bears, and says whose turn it is.
package budget

import (
	"context"
	"errors"
	"sync"
	"time"

	"countersign/provider"
	"countersign/provider/transport/memory"
)

const (
	minute = time.Minute
	// slack is what two calls may draw together on their way to the service.
	slack = 500 * time.Millisecond
	// window is how long a departure is held against the budget.
	window = minute + slack
	// grace is how far behind its even pace a kind of work may catch up at once, at the least.
	grace = 250 * time.Millisecond
)

// errPaused is the cause of a *RetryAfter that no call was made for.
var errPaused = errors.New("the service asked for a pause")

// Budget holds the calls of one class to so many a minute, in any sixty seconds. It is a log of
// departures. Who may leave next is settled in this order: a kind of work that had less than a
// tenth of the budget lately, then the kinds in their order. Below half of the budget, and for
// confirmations always, calls leave at once; beyond it the rest leaves at an even pace, so that
// places come free evenly too and no confirmation waits for a burst to age.
type Budget struct {
	limit int // 0: no bound
	most  time.Duration
	now   func() time.Time

	record *memory.Record // nil: what is spent is forgotten with the process

	mu      sync.Mutex
	seen    time.Time   // the newest reading of the clock
	log     []time.Time // departures within the window, oldest first
	out     int         // places given to calls that have not departed yet
	pace    time.Time   // when the next call is due at an even pace
	kinds   [allKinds]kind
	timer   *time.Timer
	until   time.Time // no call before
	since   time.Time // when until was set by a refusal
	refused int       // refusals in a row

	credit    int       // calls of the newest reservation that have not been given away
	size      int       // of that reservation
	wanted    bool      // a call waits for the next one
	suspended time.Time // what left later is in no state that was saved

	shared *shared // nil: one process at a time spends the budget
}

// The kinds of work, in the order in which they take what is left of the budget.
const (
	confirms = iota
	downloads
	actives
	idles
	audits
	backfills
	unknowns
	allKinds
)

type kind struct {
	queue []*waiter
	took  []time.Time // its newest grants, as many as a tenth
}

type waiter struct {
	ready chan struct{}
	err   error // set before ready is closed
	place *Place
}

// Place is the right to make one call now.
type Place struct {
	b       *Budget
	kind    int
	counted bool // against the budget
	drawn   bool // from a reservation
	gone    bool
}

func kindOf(w provider.Work) int {
	switch w {
	case provider.WorkConfirm:
		return confirms
	case provider.WorkDownload:
		return downloads
	case provider.WorkActive:
		return actives
	case provider.WorkIdle:
		return idles
	case provider.WorkAudit:
		return audits
	case provider.WorkUnknown:
		return unknowns
	}
	return backfills
}

// New returns a budget of so many calls a minute, 0 for no bound; most is the longest that a call waits for a pause
// that the service asked for.
func New(limit int, most time.Duration, now func() time.Time) *Budget {
	return &Budget{limit: max(limit, 0), most: most, now: now}
}

// Take waits for a place. While the service has asked for a pause longer than a call may block, it
// is a *RetryAfter.
func (b *Budget) Take(ctx context.Context, work provider.Work) (*Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &waiter{ready: make(chan struct{})}
	k := kindOf(work)
	b.mu.Lock()
	b.kinds[k].queue = append(b.kinds[k].queue, w)
	b.dispatch()
	b.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.place != nil {
			b.takeBack(w.place)
		}
		b.leave(k, w)
		b.dispatch()
		return nil, ctx.Err()
	}
	return w.place, w.err
}

// leave takes a waiter out of its queue.
func (b *Budget) leave(k int, w *waiter) {
	q := b.kinds[k].queue
	for i := range q {
		if q[i] == w {
			b.kinds[k].queue = append(q[:i:i], q[i+1:]...)
			return
		}
	}
}

// Depart notes that the call is on its way: from now on the place ages.
func (p *Place) Depart() {
	if p == nil {
		return
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if p.gone {
		return
	}
	p.gone = true
	if !p.counted {
		return
	}
	p.b.out--
	p.b.log = append(p.b.log, p.b.clock())
	p.b.shared.departed(p.b.seen)
	p.b.dispatch()
}

// GiveBack returns a place that was not used.
func (p *Place) GiveBack() {
	if p == nil {
		return
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.b.takeBack(p)
	p.b.dispatch()
}

func (b *Budget) takeBack(p *Place) {
	if p.gone {
		return
	}
	p.gone = true
	if !p.counted {
		return
	}
	b.out--
	switch {
	case !p.drawn || !b.record.IsOpen():
	case b.shared != nil:
		b.shared.credits[p.kind]++
	default:
		b.credit++
	}
	if took := b.kinds[p.kind].took; len(took) > 0 {
		b.kinds[p.kind].took = took[:len(took)-1]
	}
}

// clock reads the time, which never goes back: where the wall clock was set back, what is noted
// moves along.
func (b *Budget) clock() time.Time {
	now := b.now()
	if back := b.seen.Sub(now); !b.seen.IsZero() && back > 0 {
		for i := range b.log {
			b.log[i] = b.log[i].Add(-back)
		}
		for k := range b.kinds {
			for i := range b.kinds[k].took {
				b.kinds[k].took[i] = b.kinds[k].took[i].Add(-back)
			}
		}
		b.pace, b.until, b.since = b.pace.Add(-back), b.until.Add(-back), b.since.Add(-back)
		b.shared.back(back)
	}
	b.seen = now
	return now
}

// used counts the places that are taken now.
func (b *Budget) used(now time.Time) int {
	old := 0
	for old < len(b.log) && !now.Before(b.log[old].Add(window)) {
		old++
	}
	b.log = b.log[old:]
	return len(b.log) + b.out
}

// dispatch gives places to waiters, and wakes up again when the next one may leave.
func (b *Budget) dispatch() {
	now := b.clock()
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	if wait := b.until.Sub(now); wait > b.most {
		b.refuse(wait)
		return
	} else if wait > 0 {
		b.wake(now, b.until)
		return
	}
	if b.sharing() {
		b.give(now)
		return
	}
	for {
		k, next := b.choose(now)
		if k < 0 {
			b.wake(now, next)
			return
		}
		if !b.reserved() {
			return
		}
		b.grant(k, now)
	}
}

// refuse sends everybody away who waits.
func (b *Budget) refuse(wait time.Duration) {
	for k := range b.kinds {
		for _, w := range b.kinds[k].queue {
			w.err = &provider.RetryAfter{Wait: wait, Err: errPaused}
			close(w.ready)
		}
		b.kinds[k].queue = nil
	}
}

// wake calls dispatch at a time, if there is one and somebody waits for it.
func (b *Budget) wake(now, at time.Time) {
	if at.IsZero() {
		return
	}
	for k := range b.kinds {
		if len(b.kinds[k].queue) == 0 {
			continue
		}
		b.timer = time.AfterFunc(max(at.Sub(now), time.Millisecond), func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dispatch()
		})
		return
	}
}

func (b *Budget) grant(k int, now time.Time) {
	w := b.kinds[k].queue[0]
	b.kinds[k].queue = b.kinds[k].queue[1:]
	w.place = &Place{b: b, kind: k}
	if b.limit > 0 {
		b.spend(k, now)
		w.place.counted = true
		if b.credit > 0 {
			w.place.drawn = true
			b.credit--
		}
	}
	close(w.ready)
}

// spend takes a place for a kind of work.
func (b *Budget) spend(k int, now time.Time) {
	if b.used(now) < b.limit/2 {
		b.pace = now
	}
	b.pace = later(b.pace, now).Add(b.step())
	b.out++
	n, _ := b.share()
	took := append(b.kinds[k].took, now)
	b.kinds[k].took = took[max(len(took)-n, 0):]
}
