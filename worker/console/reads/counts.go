package reads

import (
	"context"
	"time"

	"countersign/model"
	"countersign/model/store"
)

// OverdueAfter is how long a row may be due before it is overdue.
const OverdueAfter = 5 * time.Minute

// Counts is what was counted of the table.
type Counts struct {
	At                  time.Time
	Statuses, Documents map[string]int
	Attention, Checking int
	Overdue             int
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
	}
	documents, err := r.Store.CountDocuments(ctx)
	if err != nil {
		return c, err
	}
	for _, d := range documents {
		c.Documents[string(d.State)] += d.Documents
	}
	yes := true
	if c.Attention, err = r.Store.Count(ctx, store.Filter{Attention: true}); err != nil {
		return c, err
	}
	if c.Checking, err = r.Store.Count(ctx, store.Filter{Checking: &yes}); err != nil {
		return c, err
	}
	due, err := r.Store.DueCount(ctx, r.Now().Add(-OverdueAfter))
	for _, n := range due {
		c.Overdue += n
	}
	return c, err
}
