package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"countersign/model/store"
)

// agenda is what is due when, as far as is known: the store tells what each group has made due, and the table is read
// now and then for what others have written, and for what a restart or a rest has left.
type agenda struct {
	mu   sync.Mutex
	next store.Agenda
}

// note brings moments forward.
func (g *agenda) note(a store.Agenda) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == nil {
		g.next = store.Agenda{}
	}
	for w, at := range a {
		g.next.Note(w, at)
	}
}

// take removes and returns the work that is due.
func (g *agenda) take(now time.Time, some func(store.WorkKind) bool) map[store.Work]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	due := map[store.Work]bool{}
	for w, at := range g.next {
		if some(w.Kind) && !at.After(now) {
			due[w] = true
			delete(g.next, w)
		}
	}
	return due
}

// noted learns what a group has made due, and wakes the loop whose work is due already. The one that writes calls it.
func (w *Worker) noted(a store.Agenda) {
	if changes := (store.Work{Kind: store.WorkChanges}); !a[changes].IsZero() {
		delete(a, changes)
		w.wake("announce")
	}
	for work := range a {
		if work.Kind == store.WorkRuns { // whoever queued it has woken the loop, and the loop looks at all of them
			delete(a, work)
		}
	}
	w.agenda.note(a)
	now := w.now()
	for work, at := range a {
		switch {
		case at.After(now):
		case work.Kind == store.WorkDocuments:
			w.wake("download")
		default:
			w.wake("confirm")
		}
	}
}

// readAgenda reads from the table what is due.
func (w *Worker) readAgenda(ctx context.Context) error {
	var accounts []string
	for _, a := range w.served() {
		accounts = append(accounts, a.ID)
	}
	a, err := w.store.Next(ctx, accounts, w.now())
	w.noted(a)
	return err
}

// startDue makes a round that starts those of a loop's lanes whose work is due. Work whose lanes are all busy stays due.
func (w *Worker) startDue(loop string, lanes func() []lane, some func(store.WorkKind) bool) func(context.Context) error {
	return func(ctx context.Context) error {
		now := w.now()
		due := w.agenda.take(now, some)
		if len(due) == 0 {
			return nil
		}
		list := slices.DeleteFunc(lanes(), func(l lane) bool { return !due[l.work] })
		started := w.startLanes(ctx, loop, list)
		left := store.Agenda{}
		for _, l := range list {
			if !started[l.work] {
				left[l.work] = now
			}
		}
		w.agenda.note(left)
		return nil
	}
}

func isDocuments(k store.WorkKind) bool { return k == store.WorkDocuments }
func isRows(k store.WorkKind) bool      { return k != store.WorkDocuments }
