package worker

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// refusedInARow callbacks in a row open an incident.
const refusedInARow = 3

// incidentMove is an incident that a change opened or closed.
type incidentMove struct {
	incidentKey
	open    bool
	message string
}

// loadIncidents learns which incidents are open. Other processes open and close some too (a verb, while no daemon
// works): what is remembered only saves writes that would change nothing, the database decides.
func (w *Worker) loadIncidents(ctx context.Context) error {
	list, err := w.Store.Incidents(ctx, true)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.open)
	for _, i := range list {
		w.open[incidentKey{i.Account, i.Kind}] = true
	}
	return nil
}

func (w *Worker) isOpen(account, kind string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[incidentKey{account, kind}]
}

// noteIncidents logs what was committed, once, and remembers it.
func (w *Worker) noteIncidents(moved []incidentMove) {
	for _, m := range moved {
		w.mu.Lock()
		if m.open {
			w.open[m.incidentKey] = true
		} else {
			delete(w.open, m.incidentKey)
		}
		w.mu.Unlock()
		entry := w.Log.WithFields(logrus.Fields{"account": m.account, "reason": m.kind})
		if m.open {
			entry.Warn("incident opened: " + m.message)
		} else {
			entry.Info("incident closed")
		}
	}
}

// openIncident opens one of a kind, once.
func openIncident(b *store.Batch, moved *[]incidentMove, account, kind, message string) error {
	opened, err := b.OpenIncident(account, kind, message)
	if err == nil && opened {
		*moved = append(*moved, incidentMove{incidentKey{account, kind}, true, message})
	}
	return err
}

// closeIncident closes the one that is open, if any.
func closeIncident(b *store.Batch, moved *[]incidentMove, account, kind string) error {
	closed, err := b.CloseIncident(account, kind)
	if err == nil && closed {
		*moved = append(*moved, incidentMove{incidentKey{account, kind}, false, ""})
	}
	return err
}

// incident opens or closes one outside of any other change.
func (w *Worker) incident(ctx context.Context, account, kind, message string, bad bool) error {
	if w.isOpen(account, kind) == bad {
		return nil
	}
	var moved []incidentMove
	err := w.doPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		moved = nil
		if bad {
			return openIncident(b, &moved, account, kind, message)
		}
		return closeIncident(b, &moved, account, kind)
	}})
	if err == nil {
		w.noteIncidents(moved)
	}
	return err
}

// countRefused notes a refused callback; the third in a row is an incident.
func countRefused(b *store.Batch, cb model.Callback) ([]incidentMove, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	acc.RefusedInARow++
	b.PutAccount(acc)
	var moved []incidentMove
	if acc.RefusedInARow >= refusedInARow {
		err = openIncident(b, &moved, cb.Account, model.CallbacksRefused, "three callbacks in a row were refused: is the callback key still the right one?")
	}
	return moved, err
}

// countAccepted notes an accepted callback. It ends refusals, and silence if none that came later has been accepted
// before: a replayed one may be old.
func countAccepted(b *store.Batch, cb model.Callback) ([]incidentMove, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	at, ended := cb.At, []string{model.CallbacksRefused}
	if acc.LastCallbackAt == nil || !at.Before(*acc.LastCallbackAt) {
		acc.LastCallbackAt = &at
		ended = append(ended, model.CallbacksSilent)
	}
	acc.RefusedInARow = 0
	b.PutAccount(acc)
	var moved []incidentMove
	for _, kind := range ended {
		if err := closeIncident(b, &moved, cb.Account, kind); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// watchOnce opens and closes the incidents that time brings.
func (w *Worker) watchOnce(ctx context.Context) error {
	if err := w.loadIncidents(ctx); err != nil {
		return err
	}
	now := w.Now()
	known := map[string]bool{}
	for _, a := range w.Accounts() {
		known[a.ID] = true
		acc, err := w.Store.Account(ctx, a.ID)
		if errors.Is(err, store.ErrNoRow) {
			continue // its first run has not begun
		}
		if err != nil {
			return err
		}
		if err := w.incident(ctx, a.ID, model.PollOverdue, "no poll of the active tier has ended well for two slots", w.pollOverdue(a, acc, now)); err != nil {
			return err
		}
		late, err := w.Store.OverdueDocuments(ctx, a.ID, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if err := w.incident(ctx, a.ID, model.DocumentsOverdue, "documents of completed transactions have been waiting for a day", late > 0); err != nil {
			return err
		}
	}
	return w.closeOthers(ctx, known)
}

// closeOthers closes the incidents of accounts that are no longer configured: nothing else ever would.
func (w *Worker) closeOthers(ctx context.Context, known map[string]bool) error {
	w.mu.Lock()
	var gone []incidentKey
	for k := range w.open {
		if !known[k.account] {
			gone = append(gone, k)
		}
	}
	w.mu.Unlock()
	for _, k := range gone {
		if err := w.incident(ctx, k.account, k.kind, "", false); err != nil {
			return err
		}
	}
	return nil
}

// settling is how long a process that has just begun to work may take until what was missed while nobody worked
// counts as overdue: catching up begins at once.
const settling = 10 * time.Minute

// pollOverdue says whether no poll of the active tier has ended well for two slots, and for half a slot more in which
// the second one may still end. An account that was never polled well counts from its first start.
func (w *Worker) pollOverdue(a *apply.Account, acc model.Account, now time.Time) bool {
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
	if w.isOpen(a.ID, model.PollOverdue) {
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

// pruneOnce lets retention take what is old enough.
func (w *Worker) pruneOnce(ctx context.Context) error {
	r := w.Retention
	took, err := w.Store.Prune(ctx, store.PruneBefore{
		Bodies: ago(w.Now(), r.Bodies), Refused: ago(w.Now(), r.Refused), Outbox: ago(w.Now(), r.Outbox), History: ago(w.Now(), r.History),
		RefusedBytes: r.RefusedBytes, Links: ago(w.Now(), model.LinkLife), HiddenRows: ago(w.Now(), 30*24*time.Hour),
	})
	if what := took.String(); what != "" {
		w.Log.WithField("reason", what).Info("retention took what was old enough")
	}
	if err != nil {
		return err
	}
	return w.sweepForgotten(ctx)
}

// ago returns the time before now, or nil where nothing is to be pruned.
func ago(now time.Time, keep time.Duration) *time.Time {
	if keep <= 0 {
		return nil
	}
	t := now.Add(-keep)
	return &t
}
