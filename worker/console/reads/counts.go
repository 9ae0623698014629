package reads

import (
	"context"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// OverdueAfter is how long a row may be due before it is overdue.
const OverdueAfter = 5 * time.Minute

// Counts is what was counted of the table.
type Counts struct {
	At                  time.Time
	Statuses, Documents map[string]int
	Attention, Checking int
	OldestWaiting       *time.Time // since when the oldest document waits; nil: none does
	Overdue             int
	Rows                int // that lists show
	CompletedToday      int // that are completed, and changed last since midnight, UTC
}

// Counts are what was counted last: it is counted anew at most every five seconds, and for a twentieth of the time.
func (r *Reads) Counts(ctx context.Context) (Counts, error) { return r.counts.get(ctx, r.Now, r.count) }

// count counts what takes a while to count.
func (r *Reads) count(ctx context.Context) (c Counts, err error) {
	c = Counts{At: r.Now(), Statuses: map[string]int{}, Documents: map[string]int{}}
	for _, s := range model.Statuses() {
		c.Statuses[string(s)] = 0
	}
	rows, err := r.Store.Counts(ctx)
	if err != nil {
		return c, err
	}
	for _, row := range rows {
		c.Statuses[string(row.Status)] += row.Rows
		c.Rows += row.Rows
	}
	documents, err := r.Store.CountDocuments(ctx)
	if err != nil {
		return c, err
	}
	for _, d := range documents {
		c.Documents[string(d.State)] += d.Documents
	}
	if c.OldestWaiting, err = r.Store.OldestWaitingDocument(ctx); err != nil {
		return c, err
	}
	yes := true
	if c.Attention, err = r.Store.Count(ctx, store.Filter{Attention: true}); err != nil {
		return c, err
	}
	if c.Checking, err = r.Store.Count(ctx, store.Filter{Checking: &yes}); err != nil {
		return c, err
	}
	midnight := r.Now().UTC().Truncate(day)
	c.CompletedToday, err = r.Store.Count(ctx, store.Filter{Statuses: []model.Status{model.Completed},
		ChangedSince: &midnight})
	if err != nil {
		return c, err
	}
	due, err := r.Store.DueCount(ctx, r.Now().Add(-OverdueAfter))
	for _, n := range due {
		c.Overdue += n
	}
	return c, err
}

// Days is what was counted of the last 30 days, today among them, by account and day, UTC. What is nought is not
// there.
type Days struct {
	At, Since time.Time // when it was counted; midnight of the first day
	Shares    []store.DayShare
	Callbacks []store.CallbackCount
}

const day = 24 * time.Hour

// Days are what was counted last of the last 30 days, as often as Counts.
func (r *Reads) Days(ctx context.Context) (Days, error) {
	return r.days.get(ctx, r.Now, func(ctx context.Context) (d Days, err error) {
		d.At = r.Now().UTC()
		d.Since = d.At.Truncate(day).Add(-29 * day)
		if d.Shares, err = r.Store.SharesByDay(ctx, d.Since); err != nil {
			return d, err
		}
		d.Callbacks, err = r.Store.CallbacksByDay(ctx, d.Since)
		return d, err
	})
}

// Ledger is what callbacks told of an account's changes since a time, counted anew as often as Counts.
func (r *Reads) Ledger(ctx context.Context, account string, since time.Time) (objects.Ledger, error) {
	key := ledgerKey{account, since.UTC().Truncate(day)}
	kept := r.ledgers.of(key)
	return kept.get(ctx, r.Now, func(ctx context.Context) (objects.Ledger, error) {
		return r.Acts.Ledger(ctx, account, since)
	})
}

// ledgerKey names a ledger: the shares in it are counted by whole days.
type ledgerKey struct {
	account string
	since   time.Time
}

// mostLedgers is how many ledgers are kept: of a few spans of many accounts.
const mostLedgers = 500

// ledgers are those that were read. Beyond so many all are forgotten.
type ledgers struct {
	mu  sync.Mutex
	all map[ledgerKey]*cached[objects.Ledger]
}

func (l *ledgers) of(key ledgerKey) *cached[objects.Ledger] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all[key] == nil {
		if len(l.all) >= mostLedgers || l.all == nil {
			l.all = map[ledgerKey]*cached[objects.Ledger]{}
		}
		l.all[key] = &cached[objects.Ledger]{}
	}
	return l.all[key]
}
