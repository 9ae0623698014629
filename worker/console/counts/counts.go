// Package counts is what pages and API say of the whole table. It is counted at most every five seconds and a
// twentieth of the time, as the metrics are: who asks meanwhile gets what was counted last, with its time.
package counts

import (
	"context"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
)

// Cached is something that is counted now and then. It is safe for concurrent use.
type Cached[T any] struct {
	mu    sync.Mutex
	value T
	until time.Time
	had   bool
}

const (
	countsFor = 5 * time.Second
	share     = 20 // one part in so many of the time may be spent
)

// Get returns what was counted last, or counts it. A caller who goes away does not end the counting.
func (c *Cached[T]) Get(ctx context.Context, now func() time.Time, count func(context.Context) (T, error)) (T, error) {
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
	c.until = ended.Add(max(countsFor, (share-1)*ended.Sub(began)))
	return value, nil
}

// Table is what was counted of the table.
type Table struct {
	At             time.Time // when
	Statuses       map[model.Status]int
	Documents      map[model.DocumentState]int // that are not stored
	Attention      int                         // somebody must act
	Checking       int                         // a callback says what no answer has confirmed yet
	CompletedToday int                         // that are completed, and changed last since midnight, UTC
	Overdue        int                         // rows that have been due for longer than OverdueAfter
	Rows           int
}

// OverdueAfter is how long a row may be due.
const OverdueAfter = 5 * time.Minute

// Days is what was counted of the last 30 days, today among them, by account and day, UTC. What was nought is not
// there.
type Days struct {
	At        time.Time
	Since     time.Time // midnight of the first day
	Shares    []store.DayShare
	Callbacks []store.CallbackCount
}

// Counts counts. It is safe for concurrent use.
type Counts struct {
	store *store.Store
	now   func() time.Time
	table Cached[Table]
	days  Cached[Days]
}

// New returns counts of a store's tables.
func New(s *store.Store, now func() time.Time) *Counts { return &Counts{store: s, now: now} }

// Table counts the table.
func (c *Counts) Table(ctx context.Context) (Table, error) {
	return c.table.Get(ctx, c.now, c.countTable)
}

// Days counts the last 30 days.
func (c *Counts) Days(ctx context.Context) (Days, error) { return c.days.Get(ctx, c.now, c.countDays) }

// days30 reaches back to the first of 30 days, the last of which is today.
const days30 = 29 * 24 * time.Hour

func (c *Counts) countDays(ctx context.Context) (d Days, err error) {
	d.At = c.now().UTC()
	d.Since = d.At.Truncate(24 * time.Hour).Add(-days30)
	if d.Shares, err = c.store.SharesByDay(ctx, d.Since); err != nil {
		return d, err
	}
	d.Callbacks, err = c.store.CallbacksByDay(ctx, d.Since)
	return d, err
}

func (c *Counts) countTable(ctx context.Context) (t Table, err error) {
	t = Table{At: c.now().UTC(), Statuses: map[model.Status]int{}, Documents: map[model.DocumentState]int{}}
	for _, s := range model.Statuses() {
		t.Statuses[s] = 0
	}
	rows, err := c.store.Counts(ctx)
	if err != nil {
		return t, err
	}
	for _, r := range rows {
		t.Statuses[r.Status] += r.Rows
		t.Rows += r.Rows
	}
	documents, err := c.store.CountDocuments(ctx)
	if err != nil {
		return t, err
	}
	for _, d := range documents {
		t.Documents[d.State] += d.Documents
	}
	yes, midnight := true, t.At.Truncate(24*time.Hour)
	for _, of := range []struct {
		filter store.Filter
		to     *int
	}{
		{store.Filter{Attention: true}, &t.Attention},
		{store.Filter{Checking: &yes}, &t.Checking},
		{store.Filter{Statuses: []model.Status{model.Completed}, ChangedSince: &midnight}, &t.CompletedToday},
	} {
		if *of.to, err = c.store.Count(ctx, of.filter); err != nil {
			return t, err
		}
	}
	due, err := c.store.DueCount(ctx, t.At.Add(-OverdueAfter))
	for _, n := range due {
		t.Overdue += n
	}
	return t, err
}
