package poll

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// Retention says how long what is stored stays; zero: for ever.
type Retention struct {
	Bodies, Refused, Outbox, History time.Duration
	RefusedBytes                     int64 // of the bodies of refused callbacks, in all
}

// WatchOptions is what a Watch needs. All of it is required.
type WatchOptions struct {
	Store     *store.Store
	Incidents *apply.Incidents
	Accounts  func() []*apply.Account // the current ones; a reload swaps them
	Now       func() time.Time
	Log       *logrus.Entry
	Retention Retention
}

// Watch does what time alone brings: incidents that open because nothing happened, and retention.
type Watch struct {
	o     WatchOptions
	mu    sync.Mutex
	began time.Time // when the first round was
}

// NewWatch returns a watch.
func NewWatch(o WatchOptions) *Watch { return &Watch{o: o} }

// Round opens and closes the incidents that time brings.
func (w *Watch) Round(ctx context.Context) error {
	if err := w.o.Incidents.Load(ctx); err != nil {
		return err
	}
	now := w.o.Now()
	known := map[string]bool{}
	for _, a := range w.o.Accounts() {
		known[a.ID] = true
		acc, err := w.o.Store.Account(ctx, a.ID)
		if errors.Is(err, store.ErrNoRow) {
			continue // its first run has not begun
		}
		if err != nil {
			return err
		}
		if err := w.o.Incidents.Set(ctx, a.ID, model.PollOverdue, "no poll of the active tier has ended well for two slots", w.pollOverdue(a, acc, now)); err != nil {
			return err
		}
		late, err := w.o.Store.OverdueDocuments(ctx, a.ID, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if err := w.o.Incidents.Set(ctx, a.ID, model.DocumentsOverdue, "documents of completed transactions have been waiting for a day", late > 0); err != nil {
			return err
		}
	}
	return w.o.Incidents.CloseOthers(ctx, known)
}

// settling is how long a process that has just begun to work may take until what was missed while nobody worked
// counts as overdue: catching up begins at once.
const settling = 10 * time.Minute

// pollOverdue says whether no poll of the active tier has ended well for two slots, and for half a slot more in which
// the second one may still end. An account that was never polled well counts from its first start.
func (w *Watch) pollOverdue(a *apply.Account, acc model.Account, now time.Time) bool {
	last := acc.FirstStartAt
	if acc.LastPollAt != nil {
		last = *acc.LastPollAt
	}
	first := a.Polling.Next(apply.Active, last)
	second := a.Polling.Next(apply.Active, first)
	if first.IsZero() || second.IsZero() {
		return false
	}
	slot := second.Sub(first)
	if w.o.Incidents.IsOpen(a.ID, model.PollOverdue) {
		return now.After(second)
	}
	w.mu.Lock()
	if w.began.IsZero() {
		w.began = now
	}
	began := w.began
	w.mu.Unlock()
	return now.After(second.Add(min(slot/2, time.Hour))) && now.Sub(began) >= min(slot, settling)
}

// Prune lets retention take what is old enough.
func (w *Watch) Prune(ctx context.Context) error {
	r := w.o.Retention
	took, err := w.o.Store.Prune(ctx, store.PruneBefore{
		Bodies: ago(w.o.Now(), r.Bodies), Refused: ago(w.o.Now(), r.Refused), Outbox: ago(w.o.Now(), r.Outbox), History: ago(w.o.Now(), r.History),
		RefusedBytes: r.RefusedBytes, Links: ago(w.o.Now(), model.LinkLife), HiddenRows: ago(w.o.Now(), 30*24*time.Hour),
	})
	if what := took.String(); what != "" {
		w.o.Log.WithField("reason", what).Info("retention took what was old enough")
	}
	return err
}

// ago returns the time before now, or nil where nothing is to be pruned.
func ago(now time.Time, stays time.Duration) *time.Time {
	if stays <= 0 {
		return nil
	}
	t := now.Add(-stays)
	return &t
}
