// Package incidents opens and closes what the operator must act on: within the change that brings it about, or alone.
package incidents

import (
	"context"
	"sync"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
)

// inARow callbacks in a row that were refused, or proved and not understood, open an incident.
const inARow = 3

// Move is an incident that a change opened or closed.
type Move struct {
	key
	open    bool
	message string
}

// Table opens and closes what the operator must act on, and remembers which are open. It is safe for concurrent
// use.
type Table struct {
	store *store.Store
	log   *logrus.Entry
	mu    sync.Mutex
	open  map[key]bool // as far as this process knows
}

type key struct{ account, kind string }

// New returns a table that remembers no open incident: see Load.
func New(s *store.Store, log *logrus.Entry) *Table {
	return &Table{store: s, log: log, open: map[key]bool{}}
}

// Load learns which incidents are open. Other processes open and close some too (a verb, while no daemon
// works): what is remembered only saves writes that would change nothing, the database decides.
func (in *Table) Load(ctx context.Context) error {
	list, err := in.store.Incidents(ctx, true)
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	clear(in.open)
	for _, i := range list {
		in.open[key{i.Account, i.Kind}] = true
	}
	return nil
}

// IsOpen reports whether an incident is open, as far as this process knows.
func (in *Table) IsOpen(account, kind string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.open[key{account, kind}]
}

// Note logs what was committed, once, and remembers it.
func (in *Table) Note(moved []Move) {
	for _, m := range moved {
		in.mu.Lock()
		if m.open {
			in.open[m.key] = true
		} else {
			delete(in.open, m.key)
		}
		in.mu.Unlock()
		entry := in.log.WithFields(logrus.Fields{"account": m.account, "reason": m.kind})
		if m.open {
			entry.Warn("incident opened: " + m.message)
		} else {
			entry.Info("incident closed")
		}
	}
}

// Open opens one of a kind, once.
func Open(b *store.Batch, moved *[]Move, account, kind, message string) error {
	opened, err := b.OpenIncident(account, kind, message)
	if err == nil && opened {
		*moved = append(*moved, Move{key{account, kind}, true, message})
	}
	return err
}

// Close closes the one that is open, if any.
func Close(b *store.Batch, moved *[]Move, account, kind string) error {
	closed, err := b.CloseIncident(account, kind)
	if err == nil && closed {
		*moved = append(*moved, Move{key{account, kind}, false, ""})
	}
	return err
}

// Set opens (bad) or closes an incident outside of any other change.
func (in *Table) Set(ctx context.Context, account, kind, message string, bad bool) error {
	if in.IsOpen(account, kind) == bad {
		return nil
	}
	var moved []Move
	err := in.store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		moved = nil
		if bad {
			return Open(b, &moved, account, kind, message)
		}
		return Close(b, &moved, account, kind)
	}})
	if err == nil {
		in.Note(moved)
	}
	return err
}

// CountRefused notes a refused callback; the third in a row is an incident.
func CountRefused(b *store.Batch, cb model.Callback) ([]Move, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	acc.RefusedInARow++
	b.PutAccount(acc)
	var moved []Move
	if acc.RefusedInARow >= inARow {
		err = Open(b, &moved, cb.Account, model.CallbacksRefused,
			"three callbacks in a row were refused: is the callback key still the right one?")
	}
	return moved, err
}

// CountNotUnderstood notes a proved callback that was not understood; the third in a row is an incident.
func CountNotUnderstood(b *store.Batch, cb model.Callback) ([]Move, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	acc.NotUnderstoodInARow++
	b.PutAccount(acc)
	var moved []Move
	if acc.NotUnderstoodInARow >= inARow {
		err = Open(b, &moved, cb.Account, model.CallbacksNotUnderstood,
			"three proved callbacks in a row were not understood: `callbacks list --verdict not_understood` says why")
	}
	return moved, err
}

// CountAccepted notes an accepted callback. It ends refusals, and silence if none that came later has been accepted
// before: a replayed one may be old.
func CountAccepted(b *store.Batch, cb model.Callback) ([]Move, error) {
	acc, err := b.Account(cb.Account)
	if err != nil {
		return nil, err
	}
	at, ended := cb.At, []string{model.CallbacksRefused, model.CallbacksNotUnderstood}
	if acc.LastCallbackAt == nil || !at.Before(*acc.LastCallbackAt) {
		acc.LastCallbackAt = &at
		ended = append(ended, model.CallbacksSilent)
	}
	acc.RefusedInARow, acc.NotUnderstoodInARow = 0, 0
	b.PutAccount(acc)
	var moved []Move
	for _, kind := range ended {
		if err := Close(b, &moved, cb.Account, kind); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// CountTest notes a test that proved itself: whoever sent it has a secret that we take, which ends refusals. It may be
// ourselves, with a secret that the provider does not have: the next callback that is refused opens the incident again.
func CountTest(b *store.Batch, cb model.Callback) (moved []Move, err error) {
	err = Close(b, &moved, cb.Account, model.CallbacksRefused)
	return moved, err
}

// CloseOthers closes the incidents of accounts and hooks that are no longer configured: nothing else ever would.
func (in *Table) CloseOthers(ctx context.Context, known map[string]bool) error {
	in.mu.Lock()
	var gone []key
	for k := range in.open {
		if !known[k.account] {
			gone = append(gone, k)
		}
	}
	in.mu.Unlock()
	for _, k := range gone {
		if err := in.Set(ctx, k.account, k.kind, "", false); err != nil {
			return err
		}
	}
	return nil
}
