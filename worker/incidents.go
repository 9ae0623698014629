package worker

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model/store"
)

// refusedInARow callbacks in a row open an incident.
const refusedInARow = 3

// loadIncidents learns which incidents are open, so that the hot path need not ask.
func (w *Worker) loadIncidents(ctx context.Context) error {
	list, err := w.Store.Incidents(ctx, true)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
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

// noteIncidents keeps the memory of open incidents in step with what was committed.
func (w *Worker) noteIncidents(moved []incidentKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range moved {
		w.open[k] = !w.open[k]
		if !w.open[k] {
			delete(w.open, k)
		}
	}
}

// openIncident opens one of a kind, once, and logs it.
func (w *Worker) openIncident(b *store.Batch, moved *[]incidentKey, account, kind, message string) error {
	opened, err := b.OpenIncident(account, kind, message)
	if err == nil && opened {
		*moved = append(*moved, incidentKey{account, kind})
		w.Log.WithFields(logrus.Fields{"account": account, "reason": kind}).Warn("incident opened: " + message)
	}
	return err
}

// closeIncident closes one that is known to be open.
func (w *Worker) closeIncident(b *store.Batch, moved *[]incidentKey, account, kind string) error {
	if !w.isOpen(account, kind) {
		return nil
	}
	closed, err := b.CloseIncident(account, kind)
	if err == nil && closed {
		*moved = append(*moved, incidentKey{account, kind})
		w.Log.WithFields(logrus.Fields{"account": account, "reason": kind}).Info("incident closed")
	}
	return err
}

// incident opens or closes one outside of any other change.
func (w *Worker) incident(ctx context.Context, account, kind, message string, bad bool) error {
	if w.isOpen(account, kind) == bad {
		return nil
	}
	var moved []incidentKey
	err := w.doPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		moved = nil
		if bad {
			return w.openIncident(b, &moved, account, kind, message)
		}
		return w.closeIncident(b, &moved, account, kind)
	}})
	if err == nil {
		w.noteIncidents(moved)
	}
	return err
}

// countRefused notes a refused callback; the third in a row is an incident.
func (w *Worker) countRefused(b *store.Batch, cb store.Callback) ([]incidentKey, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	acc.RefusedInARow++
	b.PutAccount(acc)
	var moved []incidentKey
	if acc.RefusedInARow >= refusedInARow && !w.isOpen(cb.Account, store.CallbacksRefused) {
		err = w.openIncident(b, &moved, cb.Account, store.CallbacksRefused, "three callbacks in a row were refused: is the callback key still the right one?")
	}
	return moved, err
}

// countAccepted notes an accepted callback, which ends silence and refusals.
func (w *Worker) countAccepted(b *store.Batch, cb store.Callback) ([]incidentKey, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	at := cb.At
	if acc.LastCallbackAt == nil || at.After(*acc.LastCallbackAt) {
		acc.LastCallbackAt = &at
	}
	acc.RefusedInARow = 0
	b.PutAccount(acc)
	var moved []incidentKey
	for _, kind := range []string{store.CallbacksSilent, store.CallbacksRefused} {
		if err := w.closeIncident(b, &moved, cb.Account, kind); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// watchOnce opens and closes the incidents that time brings.
func (w *Worker) watchOnce(ctx context.Context) error {
	now := w.Now()
	for _, a := range w.Accounts() {
		overdue := a.Polling.overdue(ctx, w.Store, a.ID, now)
		if err := w.incident(ctx, a.ID, store.PollOverdue, "no poll of the active tier has ended well for two slots", overdue); err != nil {
			return err
		}
		late, err := w.Store.OverdueDocuments(ctx, a.ID, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if err := w.incident(ctx, a.ID, store.DocumentsOverdue, "documents of completed transactions have been waiting for a day", late > 0); err != nil {
			return err
		}
	}
	return nil
}

// pruneOnce lets retention take what is old enough.
func (w *Worker) pruneOnce(ctx context.Context) error {
	r := w.Retention
	took, err := w.Store.Prune(ctx, store.PruneBefore{
		Bodies: ago(w.Now(), r.Bodies), Refused: ago(w.Now(), r.Refused), Outbox: ago(w.Now(), r.Outbox), History: ago(w.Now(), r.History),
		HiddenRows: ago(w.Now(), 30*24*time.Hour),
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
