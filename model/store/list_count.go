package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// Count counts the rows of a filter; Limit and Cursor do not matter. With a Search it reads all pages.
func (s *Store) Count(ctx context.Context, f Filter) (n int, err error) {
	if f.Search != "" {
		err = s.eachFound(ctx, f, func(rows []model.Transaction) bool { n += len(rows); return true })
		return n, err
	}
	err = s.View(ctx, func(q *database.Tx) error {
		from, w := f.counted(q)
		return q.QueryRow(`SELECT COUNT(*) FROM `+from+w.SQL(), w.Args...).Scan(&n)
	})
	return n, err
}

// counted is where the rows of a filter are counted: by an index of rare ones where they have no other condition.
func (f Filter) counted(q *database.Tx) (from string, w database.Where) {
	w = f.where()
	flag := len(f.Flags) == 1 && len(f.chosen()) == 0 && len(f.Statuses) == 0 && slices.Contains(Flags(), f.Flags[0])
	switch {
	case f.Checking != nil && *f.Checking:
		return "transactions t" + hint(q, "transactions_checking"), w
	case flag:
		return "transactions t" + hint(q, "transactions_"+f.Flags[0]), w
	}
	return "transactions t", w
}

// countsFor is how long CountSome may count.
const countsFor = 50 * time.Millisecond

// CountSome counts the rows of a filter up to most and one more. known is false where that takes too long, and with a
// Search.
func (s *Store) CountSome(ctx context.Context, f Filter, most int) (n int, known bool, err error) {
	if f.Search != "" {
		return 0, false, nil
	}
	soon, cancel := context.WithTimeout(ctx, countsFor)
	defer cancel()
	err = s.View(soon, func(q *database.Tx) error {
		from, w := f.counted(q)
		return q.QueryRow(`SELECT COUNT(*) FROM (SELECT 1 FROM `+from+w.SQL()+` LIMIT ?) k`,
			append(w.Args, most+1)...).Scan(&n)
	})
	if err != nil && soon.Err() != nil && ctx.Err() == nil {
		return 0, false, nil
	}
	return n, err == nil, err
}

// allRows is how many rows lists show, counted now and then.
type allRows struct {
	mu    sync.Mutex
	n     int
	until time.Time
}

// rowsFor is how long a count of all rows is good enough to say how far a search has come.
const rowsFor = 30 * time.Second

// countOf is how many rows a search looks through; 0 where that is not known soon.
func (s *Store) countOf(ctx context.Context, f Filter) (n int, err error) {
	if w := f.where(); len(w.Parts) > 1 {
		n, _, err = s.CountSome(ctx, f, 1<<40)
		return n, err
	}
	a := &s.rows
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := s.clock(); !now.Before(a.until) {
		if a.n, err = s.Count(ctx, f); err != nil {
			return 0, err
		}
		a.until = now.Add(rowsFor)
	}
	return a.n, nil
}

// Keys names the rows of a filter, in no order that is promised, and at most so many. With a Search it reads its pages.
func (s *Store) Keys(ctx context.Context, f Filter, most int) (out []model.Key, err error) {
	if f.Search != "" {
		err = s.eachFound(ctx, f, func(rows []model.Transaction) bool {
			for _, r := range rows {
				out = append(out, r.Key())
			}
			return len(out) < most
		})
		return out[:min(len(out), most)], err
	}
	w := f.where()
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var k model.Key
			err := r.Scan(&k.Account, &k.Ref)
			out = append(out, k)
			return err
		}, `SELECT account, ref FROM transactions t`+w.SQL()+` LIMIT ?`, append(w.Args, most)...)
	})
	return out, err
}

// eachFound reads the pages of a search, until more is false.
func (s *Store) eachFound(ctx context.Context, f Filter, do func([]model.Transaction) (more bool)) error {
	f.Limit, f.Cursor = 1000, ""
	for {
		found, err := s.Search(ctx, f)
		if err != nil || !do(found.Rows) || found.Next == "" {
			return err
		}
		f.Cursor = found.Next
	}
}
