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
	"countersign/worker/incidents"
)

// Retention is how long stored data stays before it is pruned; zero: for ever.
type Retention struct {
	Bodies, Refused, Outbox, History time.Duration
	RefusedBytes                     int64 // of the bodies of refused callbacks, in all
}

// WatchOptions is what a Watch needs. All of it is required.
type WatchOptions struct {
	Store     *store.Store
	Incidents *incidents.Table
	Accounts  func() []*apply.Account // the current ones; a reload swaps them
	Now       func() time.Time
	Log       *logrus.Entry
	Retention Retention
	// Standing learns what is written down of how an account does, and writes down what has changed.
	Standing func(ctx context.Context, a *apply.Account, acc model.Account) error
}

// Watch opens the incidents about things that did not happen, and prunes what is past its retention.
type Watch struct {
	o     WatchOptions
	mu    sync.Mutex
	began time.Time // when the first round took place
}

// NewWatch returns a watch.
func NewWatch(o WatchOptions) *Watch { return &Watch{o: o} }

// Round opens and closes the incidents that depend on the time that has passed.
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
		if err := w.o.Standing(ctx, a, acc); err != nil {
			return err
		}
		if err := w.o.Incidents.Set(ctx, a.ID, model.PollOverdue, "no poll of the active tier has ended well for two slots",
			w.pollOverdue(a, acc, now)); err != nil {
			return err
		}
		late, err := w.o.Store.OverdueDocuments(ctx, a.ID, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		const waiting = "documents of completed transactions have been waiting for a day"
		if err := w.o.Incidents.Set(ctx, a.ID, model.DocumentsOverdue, waiting, late > 0); err != nil {
			return err
		}
	}
	hooks, err := w.o.Store.Hooks(ctx)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		known[model.HookAccount(h.ID)] = true
	}
	return w.o.Incidents.CloseOthers(ctx, known)
}

// pollOverdue says whether an account's polls are overdue, as model.PollsOverdue has it.
func (w *Watch) pollOverdue(a *apply.Account, acc model.Account, now time.Time) bool {
	w.mu.Lock()
	if w.began.IsZero() {
		w.began = now
	}
	began := w.began
	w.mu.Unlock()
	next := func(after time.Time) time.Time { return a.Polling.Next(apply.Active, after) }
	return model.PollsOverdue(acc, next, w.o.Incidents.IsOpen(a.ID, model.PollOverdue), began, now)
}

// Prune deletes what is past its retention.
func (w *Watch) Prune(ctx context.Context) error {
	r := w.o.Retention
	now := w.o.Now()
	took, err := w.o.Store.Prune(ctx, store.PruneBefore{
		Bodies: ago(now, r.Bodies), Refused: ago(now, r.Refused),
		Outbox: ago(now, r.Outbox), History: ago(now, r.History),
		RefusedBytes: r.RefusedBytes, Links: ago(now, model.LinkLife), HiddenRows: ago(now, 30*24*time.Hour),
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
