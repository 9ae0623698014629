// Package reads is what pages and API read alike: lists with their filters, single rows, and counts that take a while.
package reads

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
)

// Options is what a Reads needs; all of it is required.
type Options struct {
	Store *store.Store
	Acts  acts.Acts
	Now   func() time.Time
}

// Reads reads the table. It is safe for concurrent use.
type Reads struct {
	Options
	accounts  cached[[]objects.Account]
	open      cached[[]model.Incident]
	summaries cached[[]objects.Summary]
	counts    cached[Counts]
	stored    cached[int]
	days      cached[Days]
	ledgers   ledgers
}

// New returns a Reads.
func New(o Options) *Reads { return &Reads{Options: o} }

// Filters reads filters, with the accounts that there are. in is where they stand: query or body.filter.
func (r *Reads) Filters(ctx context.Context, in string) (*filter.Reader, error) {
	known, err := r.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	f := &filter.Reader{Now: r.Now().UTC(), Span: r.Acts.Span, In: in}
	for _, k := range known {
		f.Accounts = append(f.Accounts, k.ID)
	}
	return f, nil
}

// Transaction reads a row; one that is hidden is not there, one that was forgotten is gone.
func (r *Reads) Transaction(ctx context.Context, k model.Key) (model.Transaction, error) {
	if !filter.IsText(k.Ref) || !filter.IsText(k.Account) {
		return model.Transaction{}, store.ErrNoRow
	}
	t, err := r.Store.Transaction(ctx, k)
	if err == nil && t.Hidden {
		err = store.ErrNoRow
	}
	if !errors.Is(err, store.ErrNoRow) {
		return t, err
	}
	if _, ferr := r.Store.ForgottenOf(ctx, k); ferr == nil {
		return t, problem.New(problem.Forgotten, "")
	} else if !errors.Is(ferr, store.ErrNoRow) {
		return t, ferr
	}
	return t, err
}

// Accounts says how the accounts do.
func (r *Reads) Accounts(ctx context.Context) ([]objects.Account, error) {
	if r.Acts.Accounts == nil {
		return nil, nil // whoever serves gives no functions
	}
	return r.accounts.get(ctx, r.Now, r.Acts.Accounts)
}

// OpenIncidents are the incidents that are open, as they were read last.
func (r *Reads) OpenIncidents(ctx context.Context) ([]model.Incident, error) {
	return r.open.get(ctx, r.Now, func(ctx context.Context) ([]model.Incident, error) { return r.Store.Incidents(ctx, true) })
}

// Summaries are what callbacks told of the last 30 days of each account that is in the config, as they were read last.
func (r *Reads) Summaries(ctx context.Context) ([]objects.Summary, error) {
	return r.summaries.get(ctx, r.Now, func(ctx context.Context) (out []objects.Summary, err error) {
		accounts, err := r.Accounts(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			if !a.Configured {
				continue
			}
			l, err := r.Acts.Ledger(ctx, a.ID, r.Now().UTC().Add(-30*day))
			if err != nil {
				return nil, err
			}
			out = append(out, objects.OfLedger(l))
		}
		return out, nil
	})
}

// Account says how one account does.
func (r *Reads) Account(ctx context.Context, id string) (objects.Account, error) {
	list, err := r.Accounts(ctx)
	if err != nil {
		return objects.Account{}, err
	}
	i := slices.IndexFunc(list, func(o objects.Account) bool { return o.ID == id })
	if i < 0 {
		return objects.Account{}, store.ErrNoRow
	}
	return list[i], nil
}

// cached is something that is counted, at most every five seconds and a twentieth of the time: who asks meanwhile gets
// what was counted last.
type cached[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
	had   bool
}

const countsFor = 5 * time.Second

// get returns what was counted, or counts it.
func (c *cached[T]) get(ctx context.Context, now func() time.Time, count func(context.Context) (T, error)) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	began := now()
	if c.had && began.Before(c.until) {
		return c.value, nil
	}
	value, err := count(context.WithoutCancel(ctx))
	if err != nil {
		return c.value, err
	}
	ended := now()
	c.value, c.had = value, true
	c.until = ended.Add(max(countsFor, 19*ended.Sub(began)))
	return value, nil
}
