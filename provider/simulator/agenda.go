package simulator

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// parallel is how many callbacks may be under way at once.
const parallel = 32

// entry is something that is due at a time: the next step of a life, or a delivery.
type entry struct {
	at  time.Time
	seq int
	t   *transaction
	d   *delivery
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

// span is a duration of reality as long as this world's speed makes it, but never under the floor.
func (w *World) span(d, floor time.Duration) time.Duration {
	return max(time.Duration(float64(d)/w.opts.Speed), floor)
}

// unlock releases the world and then tells what happened meanwhile.
func (w *World) unlock() {
	events := w.pending
	w.pending = nil
	w.mu.Unlock()
	for _, e := range events {
		if w.opts.Logf != nil {
			w.opts.Logf("%s %s %s %s %s %d", e.Kind, e.Account, e.Ref, e.Type, e.Detail, e.Answer)
		}
		if w.opts.Observe != nil {
			w.opts.Observe(e)
		}
	}
}

func (w *World) note(e Event) {
	e.At = time.Now()
	w.pending = append(w.pending, e)
}

// begin sets the clock to nought, so that what passed between New and Run costs no life a day,
// and has each service send what it sends to a new listener.
func (w *World) begin() {
	w.mu.Lock()
	defer w.unlock()
	if w.ran {
		return
	}
	w.ran = true
	lag := time.Since(w.epoch)
	w.epoch = w.epoch.Add(lag)
	for _, e := range w.lives {
		e.at = e.at.Add(lag)
	}
	for _, d := range w.desks {
		d.greet(time.Now())
	}
}

// turn plays what is due, sends what is due, and says when something is due again.
func (w *World) turn(ctx context.Context, flights *sync.WaitGroup) (time.Time, bool) {
	w.mu.Lock()
	defer w.unlock()
	now := time.Now()
	for !w.stopped && w.lives.due(now) {
		e := w.lives.take()
		w.advance(e.t, now)
	}
	for w.flying < parallel && w.mail.due(now) {
		d := w.mail.take().d
		if t := d.lane; t != nil && t.busy {
			t.queue = append(t.queue, d)
			w.waiting++
			continue
		}
		if d.shut() {
			if d.lane != nil {
				w.release(d.lane, d.number)
			}
			continue
		}
		w.launch(ctx, flights, d)
	}
	var next time.Time
	if !w.stopped && len(w.lives) > 0 {
		next = w.lives[0].at
	}
	if w.flying < parallel && len(w.mail) > 0 && (next.IsZero() || w.mail[0].at.Before(next)) {
		next = w.mail[0].at
	}
	return next, !next.IsZero()
}
