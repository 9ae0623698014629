package tables

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/model/store"
)

const (
	tries    = 500 // of each
	searches = 30
)

// List measures reading a large table: a page of a list at any depth, one row, search, changes and gaps, the first two
// beside plain SQL.
func List(ctx context.Context, env *engine.Env, o Options) (Figures, error) {
	rows := large(&o)
	return measured(ctx, env, "list", o, func(ctx context.Context, s *stage.Stage) ([]Figure, error) {
		if err := fillLarge(ctx, s, rows); err != nil {
			return nil, err
		}
		c, err := s.Env.Config()
		if err != nil {
			return nil, err
		}
		st, err := s.Env.OpenStore(ctx, c, true)
		if err != nil {
			return nil, err
		}
		defer st.Close() //nolint:errcheck // only read
		r := &reader{st: st}
		if err := r.walk(ctx); err != nil {
			return nil, err
		}
		out, err := r.read(ctx)
		if err != nil {
			return nil, err
		}
		beside, err := r.plain(ctx, s.File())
		return append(out, beside...), err
	})
}

// openAtFirst is how many transactions a large table has that came as callbacks. The others are copies.
const openAtFirst = 1000

// large sets up a table for copies, and says how many there will be.
func large(o *Options) (rows int) {
	rows = max(o.Rows-openAtFirst, 1000)
	o.Idle, o.Rows, o.Open = true, 0, openAtFirst
	return rows
}

// fillLarge fills a table, with its search index.
func fillLarge(ctx context.Context, s *stage.Stage, rows int) error {
	if err := multiply(ctx, s.File(), []string{"onespan", stage.Loaded("onespan")}, rows, s.Env.UTC()); err != nil {
		return fmt.Errorf("copies: %w", err)
	}
	c, err := s.Env.Config()
	if err != nil {
		return err
	}
	st, err := s.Env.OpenStore(ctx, c, false)
	if err != nil {
		return err
	}
	return errors.Join(st.FillSearch(ctx), st.Close())
}

// reader reads the daemon's table.
type reader struct {
	st      *store.Store
	cursors []string // of each page
	keys    []model.Key
}

// walk goes through the whole list once, for cursors of every depth.
func (r *reader) walk(ctx context.Context) error {
	for next := ""; ; {
		rows, after, err := r.st.Transactions(ctx, store.Filter{Limit: 500, Cursor: next})
		if err != nil {
			return err
		}
		for i, t := range rows {
			if i%100 == 0 {
				r.keys = append(r.keys, model.Key{Account: t.Account, Ref: t.Ref})
			}
		}
		if after == "" {
			return nil
		}
		next = after
		r.cursors = append(r.cursors, next)
	}
}

func oneOf(words []string) string { return words[rand.IntN(len(words))] } //nolint:gosec // any will do

// search searches for texts, the first page of what is found.
func (r *reader) search(ctx context.Context, text func() string) func() error {
	return func() error {
		_, err := r.st.Search(ctx, store.Filter{Search: text()})
		return err
	}
}

// reading is one way of reading, how often it is tried, and how long it may take.
type reading struct {
	what string
	n    int
	most float64
	do   func() error
}

// searches are the ways of searching.
func (r *reader) searches(ctx context.Context) []reading {
	return []reading{
		{"search for a ref", tries, 50, r.search(ctx, func() string {
			return r.keys[rand.IntN(len(r.keys))].Ref //nolint:gosec // any will do
		})},
		{"search for the beginning of a ref", tries, 50, r.search(ctx, func() string {
			return r.keys[rand.IntN(len(r.keys))].Ref[:5] //nolint:gosec // any will do
		})},
		{"search for a name", tries, 50, r.search(ctx, func() string { return oneOf(given) + " " + oneOf(family) })},
		{"search for three letters", tries, 50, r.search(ctx, func() string { return oneOf(family)[:3] })},
		{"search for what every row has", tries, 50, r.search(ctx, func() string { return "agreement"[:3+rand.IntN(7)] })}, //nolint:gosec // any
		{"search for that and a number", tries, 50, r.search(ctx, func() string {
			return fmt.Sprint("agreement ", rand.IntN(len(r.keys)*100)) //nolint:gosec // any will do
		})},
		{"search for what no row has", tries, 50, r.search(ctx, func() string { return "nowhere to be found" })},
		{"search for two letters, by looking through", searches, 150, r.search(ctx, func() string { return "zq" })},
	}
}

// read times each way of reading.
func (r *reader) read(ctx context.Context) (out []Figure, err error) {
	_, last, err := r.st.Feed(ctx)
	if err != nil {
		return nil, err
	}
	deep, gaps := append(r.cursors, ""), []string{""}
	for next := ""; len(gaps) < 4000; {
		_, after, err := r.st.GapPage(ctx, store.PageFilter{Limit: 500, Cursor: next})
		if err != nil {
			return nil, err
		}
		if next = after; next == "" {
			break
		}
		gaps = append(gaps, next)
	}
	for _, one := range append([]reading{
		{"first page of 50", tries, 1, func() error {
			_, _, err := r.st.Transactions(ctx, store.Filter{})
			return err
		}},
		{"page of 50 at any depth", tries, 1, func() error {
			_, _, err := r.st.Transactions(ctx, store.Filter{Cursor: deep[rand.IntN(len(deep))]}) //nolint:gosec // any will do
			return err
		}},
		{"page of 50 of one status at any depth", tries, 1, func() error {
			_, _, err := r.st.Transactions(ctx, store.Filter{Statuses: []model.Status{model.InProgress},
				Cursor: deep[rand.IntN(len(deep))]}) //nolint:gosec // any will do
			return err
		}},
		{"one row", tries, 1, func() error {
			_, err := r.st.Transaction(ctx, r.keys[rand.IntN(len(r.keys))]) //nolint:gosec // any will do
			return err
		}},
		{"100 changes from anywhere", tries, 1, func() error {
			_, err := r.st.Changes(ctx, rand.Int64N(max(last, 1)), 100) //nolint:gosec // any will do
			return err
		}},
		{"50 gaps at any depth", tries, 1, func() error {
			_, _, err := r.st.GapPage(ctx, store.PageFilter{Cursor: gaps[rand.IntN(len(gaps))]}) //nolint:gosec // any will do
			return err
		}},
	}, r.searches(ctx)...) {
		f, err := timed(one.what, one.n, one.most, one.do)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func timed(what string, n int, most float64, do func() error) (Figure, error) {
	var times []float64
	for range n {
		at := time.Now()
		if err := do(); err != nil {
			return Figure{}, fmt.Errorf("%s: %w", what, err)
		}
		times = append(times, since(at))
	}
	return spread(what, "ms", times, most), nil
}

// plain reads the same with database/sql alone.
func (r *reader) plain(ctx context.Context, file string) (out []Figure, err error) {
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_stmt_cache_size=16"}).String())
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // only read
	read := func(query string, args ...any) error {
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range into {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	page, err := timed("plain SQL: first page of 50", tries, 0, func() error {
		return read("SELECT * FROM transactions WHERE NOT hidden ORDER BY changed_at DESC, account DESC, ref DESC LIMIT 50")
	})
	if err != nil {
		return nil, err
	}
	row, err := timed("plain SQL: one row", tries, 0, func() error {
		k := r.keys[rand.IntN(len(r.keys))] //nolint:gosec // any will do
		return read("SELECT * FROM transactions WHERE account = ? AND ref = ?", k.Account, k.Ref)
	})
	return []Figure{page, row}, err
}
