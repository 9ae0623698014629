package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"countersign/model/store/database"
	"countersign/model/store/terms"
)

const (
	filledAtOnce = 64  // rows in one commit, where others write as well
	filledAlone  = 256 // where nobody does
	fillGathers  = 100 * time.Millisecond
	fillLooks    = 5 * time.Second // for what other processes have written
	fillRests    = time.Minute     // after something went wrong
)

// fills keeps the search index up to date behind the one that writes, until ctx ends.
func (s *Store) fills(ctx context.Context) {
	for ctx.Err() == nil {
		wait := fillLooks
		if err := s.FillSearch(ctx); err != nil && ctx.Err() == nil {
			s.log.WithField("err", err).Warn("the search index could not be filled: searches look through the table")
			wait = fillRests
		}
		if s.filled != nil {
			s.filled()
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-s.searchable:
			t.Reset(fillGathers) // what follows at once goes with it
			select {
			case <-ctx.Done():
			case <-t.C:
			}
		}
		t.Stop()
	}
}

// FillSearch brings the search index up to date, in small commits, and makes it where there is none. A SQLite without
// FTS5 does nothing. What was forgotten is gone from its pages afterwards.
func (s *Store) FillSearch(ctx context.Context) error {
	if usable, err := s.makeSearch(ctx); err != nil || !usable {
		return err
	}
	most, commits := filledAtOnce, s.Commits.Load()
	for {
		began := s.now()
		more, err := s.fillStep(ctx, most)
		if err != nil {
			return err
		}
		if !more {
			return s.SweepSearch(ctx)
		}
		most = filledAtOnce
		if now := s.Commits.Load(); now == commits+1 {
			commits, most = now, filledAlone
			continue
		}
		if err := s.breathe(ctx, began); err != nil {
			return err
		}
		commits = s.Commits.Load()
	}
}

// makeSearch makes SQLite's index where there is none, or none that can be filled further. usable: there is one now.
func (s *Store) makeSearch(ctx context.Context) (usable bool, err error) {
	var there, begun bool
	err = s.View(ctx, func(q *database.Tx) error {
		if there, usable, err = searchIndex(q); err != nil {
			return err
		}
		return q.QueryRow(`SELECT upto > 0 FROM search_state`).Scan(&begun)
	})
	if err != nil || !usable || s.Postgres() || there && begun {
		return usable, err
	}
	return true, s.Write(ctx, func(q *database.Tx) error {
		if there {
			if err := q.Exec(`DROP TABLE search`); err != nil {
				return err
			}
		}
		for _, query := range strings.Split(makeIndex, ";") {
			if err := q.Exec(query); err != nil {
				return err
			}
		}
		return q.Exec(`UPDATE search_state SET upto = 0, unswept = ?`, false)
	})
}

// portion is what one commit takes into the index.
type portion struct {
	step    int64    // of the index, when it was read
	changed []queued // rows whose words have changed, or that are gone
	added   []int64  // rows that the index does not know
	rows    map[int64]*terms.Row
}

type queued struct{ n, ticket int64 }

// fillStep takes some rows into the index. What they say is read before the one that writes waits for it: a row that
// changes meanwhile is queued again. Of two processes that fill one gives way.
func (s *Store) fillStep(ctx context.Context, most int) (more bool, err error) {
	var p portion
	err = s.View(ctx, func(q *database.Tx) error {
		p, err = readPortion(q, most)
		return err
	})
	if err != nil || len(p.changed)+len(p.added) == 0 {
		return false, err
	}
	return true, s.Write(ctx, func(q *database.Tx) error {
		n, err := q.Affect(`UPDATE search_state SET step = step + 1 WHERE step = ?`, p.step)
		if err != nil || n == 0 {
			return err
		}
		return p.write(q)
	})
}

const unfilled = `SELECT n FROM transactions WHERE n > (SELECT upto FROM search_state) ORDER BY n LIMIT ?`

func readPortion(q *database.Tx, most int) (p portion, err error) {
	if err = q.QueryRow(`SELECT step FROM search_state`).Scan(&p.step); err != nil {
		return p, err
	}
	var all []int64
	err = q.Each(func(r *sql.Rows) error {
		var c queued
		err := r.Scan(&c.n, &c.ticket)
		p.changed, all = append(p.changed, c), append(all, c.n)
		return err
	}, `SELECT n, ticket FROM search_queue ORDER BY n LIMIT ?`, most)
	if err != nil {
		return p, err
	}
	if p.added, err = numbersOf(q, unfilled, max(0, most-len(p.changed))); err != nil {
		return p, err
	}
	p.rows, err = termsOf(q, append(all, p.added...))
	return p, err
}

func (p portion) write(q *database.Tx) error {
	for _, c := range p.changed {
		var err error
		if row, ok := p.rows[c.n]; ok {
			err = putWords(q, c.n, row.Words())
		} else {
			err = dropWords(q, c.n)
		}
		if err != nil {
			return err
		}
		if err := q.Exec(`DELETE FROM search_queue WHERE n = ? AND ticket = ?`, c.n, c.ticket); err != nil {
			return err
		}
	}
	for _, n := range p.added {
		if err := putWords(q, n, p.rows[n].Words()); err != nil {
			return err
		}
	}
	if n := len(p.added); n > 0 {
		if err := q.Exec(`UPDATE search_state SET upto = ?`, p.added[n-1]); err != nil {
			return err
		}
	}
	if q.Postgres {
		return nil
	}
	return q.Exec(`INSERT INTO search (search, rank) VALUES ('merge', ?)`, mergedAtOnce)
}

// SweepSearch rewrites the pages of SQLite's index, a few at a time, where they may hold words of a row that was
// forgotten.
func (s *Store) SweepSearch(ctx context.Context) error {
	var there, usable, unswept bool
	err := s.View(ctx, func(q *database.Tx) (err error) {
		if there, usable, err = searchIndex(q); err != nil {
			return err
		}
		return q.QueryRow(`SELECT unswept FROM search_state`).Scan(&unswept)
	})
	if err != nil || !unswept || !there || !usable || s.Postgres() {
		return err
	}
	for pages := -mergedAtOnce; ; pages = mergedAtOnce { // below nought: all of the index, from now on
		began := s.now()
		var done bool
		err := s.Write(ctx, func(q *database.Tx) error {
			var before, after int64
			if err := q.QueryRow(`SELECT total_changes()`).Scan(&before); err != nil {
				return err
			}
			if err := q.Exec(`INSERT INTO search (search, rank) VALUES ('merge', ?)`, pages); err != nil {
				return err
			}
			if err := q.QueryRow(`SELECT total_changes()`).Scan(&after); err != nil {
				return err
			}
			if done = after-before < 2; done {
				return q.Exec(`UPDATE search_state SET unswept = ?`, false)
			}
			return nil
		})
		if err != nil || done {
			return err
		}
		if err := s.breathe(ctx, began); err != nil {
			return err
		}
	}
}
