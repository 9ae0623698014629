package world

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// entry is something that is due at a time: the next step of a life, or a delivery.
type entry struct {
	at  time.Time
	seq int
	t   *Transaction
	d   *Delivery
}

// agenda is a heap of entries, the earliest first.
type agenda []*entry

// Len is for container/heap.
func (a agenda) Len() int { return len(a) }

// Less is for container/heap.
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}

// Swap is for container/heap.
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is for container/heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(*entry)) }

// Pop is for container/heap.
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return last
}

func (a *agenda) add(e *entry) { heap.Push(a, e) }
func (a *agenda) take() *entry { return heap.Pop(a).(*entry) }
func (a *agenda) restore()     { heap.Init(a) }
func (a agenda) due(t time.Time) bool {
	return len(a) > 0 && !a[0].at.After(t)
}

// nudge tells the loop that something is due earlier than it thinks.
func (w *World) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Span is a duration of reality as long as this world's speed makes it, but never under the floor.
func (w *World) Span(d, floor time.Duration) time.Duration {
	return max(time.Duration(float64(d)/w.Options.Speed), floor)
}

// unlock releases the world and then tells what happened meanwhile.
func (w *World) unlock() {
	events := w.pending
	w.pending = nil
	w.mu.Unlock()
	for _, e := range events {
		if w.Options.Logf != nil {
			w.Options.Logf("%s %s %s %s %s %d", e.Kind, e.Account, e.Ref, e.Type, e.Detail, e.Answer)
		}
		if w.Options.Observe != nil {
			w.Options.Observe(e)
		}
	}
}

func (w *World) note(e Event) {
	e.At = time.Now()
	w.pending = append(w.pending, e)
}

// begin starts the world's clock: every life is moved by what passed between New and Run, so that none is cut short.
// Each service then sends what it sends to a new listener.
func (w *World) begin() {
	w.mu.Lock()
	defer w.unlock()
	if w.ran {
		return
	}
	w.ran = true
	lag := time.Since(w.Epoch)
	w.Epoch = w.Epoch.Add(lag)
	for _, e := range w.lives {
		e.at = e.at.Add(lag)
	}
	for _, d := range w.desks {
		d.Greet(time.Now())
	}
}

// turn plays what is due, sends what is due, and says when something is due again.
func (w *World) turn(ctx context.Context, flights *sync.WaitGroup) (time.Time, bool) {
	w.mu.Lock()
	defer w.unlock()
	now := time.Now()
	for !w.stopped && w.lives.due(now) {
		e := w.lives.take()
		w.advance(e.t, e.at)
	}
	w.mail.send(ctx, flights, now)
	var next time.Time
	if !w.stopped && len(w.lives) > 0 {
		next = w.lives[0].at
	}
	if at, some := w.mail.next(); some && (next.IsZero() || at.Before(next)) {
		next = at
	}
	return next, !next.IsZero()
}
