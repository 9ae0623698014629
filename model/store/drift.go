package store

import (
	"context"
	"database/sql"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

type verifiedRef struct{ run, ref string }

// PutDrift writes down what a run found. A line that the run has written before stays repaired if it was.
func (b *Batch) PutDrift(lines ...model.DriftLine) {
	b.drift = append(b.drift, lines...)
}

// MarkVerified notes rows that a run has dealt with out of their turn: RowsAfter leaves them out.
func (b *Batch) MarkVerified(run string, refs ...string) {
	for _, ref := range refs {
		b.verified = append(b.verified, verifiedRef{run, ref})
	}
}

func (b *Batch) writeDrift() error {
	for _, l := range b.drift {
		err := b.q.Exec(`INSERT INTO drift (run, ref, field, about, account, ours, theirs, repaired, found_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, ref, field, about) DO UPDATE SET ours = excluded.ours, theirs = excluded.theirs, repaired = drift.repaired OR excluded.repaired`,
			l.Run, l.Ref, l.Field, l.About, l.Account, l.Ours, l.Theirs, l.Repaired, l.FoundAt.UTC().Truncate(time.Millisecond))
		if err != nil {
			return err
		}
	}
	for _, v := range b.verified {
		if err := b.q.Exec(`INSERT INTO verified (run, ref) VALUES (?, ?) ON CONFLICT (run, ref) DO NOTHING`, v.run,
			v.ref); err != nil {
			return err
		}
	}
	return nil
}

// ForgetVerified drops what MarkVerified noted for a run.
func (s *Store) ForgetVerified(ctx context.Context, run string) error {
	return s.Change(ctx, func(q *database.Tx) error { return q.Exec(`DELETE FROM verified WHERE run = ?`, run) })
}

// ForgetDrift removes what a run has found.
func (s *Store) ForgetDrift(ctx context.Context, run string) error {
	return s.Change(ctx, func(q *database.Tx) error { return q.Exec(`DELETE FROM drift WHERE run = ?`, run) })
}

// Verified returns those of refs that a run has dealt with already.
func (s *Store) Verified(ctx context.Context, run string, refs []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(refs) == 0 {
		return out, nil
	}
	w := database.Where{}
	w.Add("run = ?", run)
	w.In("ref", refs)
	err := s.View(ctx, func(q *database.Tx) error {
		found, err := q.Words(`SELECT ref FROM verified`+w.SQL(), w.Args...)
		for _, ref := range found {
			out[ref] = true
		}
		return err
	})
	return out, err
}

// DriftSum counts what a run has found.
func (s *Store) DriftSum(ctx context.Context, run string) (drift, repaired int, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT COUNT(*), COUNT(CASE WHEN repaired THEN 1 END) FROM drift WHERE run = ?`,
			run).Scan(&drift, &repaired)
	})
	return drift, repaired, err
}

// Drift lists what a run has found, a page at a time, in order of ref, field and what it is about; after is the last
// line of the page before, the zero value for the first.
func (s *Store) Drift(ctx context.Context, run string, after model.DriftLine, limit int) (
	out []model.DriftLine, err error,
) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM drift WHERE run = ? AND (ref, field, about) > (?, ?, ?) ORDER BY ref, field, about LIMIT ?`,
			run, after.Ref, after.Field, after.About, positive(limit, 1000))
	})
	return out, err
}

// RowsAfter returns an account's rows with their signers, in order of ref, a page at a time, without those that are
// hidden or that a verify has marked.
func (s *Store) RowsAfter(ctx context.Context, run string, after model.Key, limit int) (
	out []model.Transaction, err error,
) {
	err = s.View(ctx, func(q *database.Tx) error {
		numbers, err := numbersOf(q, `SELECT n FROM transactions t WHERE account = ? AND ref > ? AND NOT hidden
  AND NOT EXISTS (SELECT 1 FROM verified v WHERE v.run = ? AND v.ref = t.ref) ORDER BY ref LIMIT ?`, after.Account, after.Ref, run, positive(limit, 200))
		if err != nil {
			return err
		}
		out, err = s.inOrder(q, numbers, true)
		return err
	})
	return out, err
}

// Refs returns an account's refs in order, a page at a time, without those that are hidden.
func (s *Store) Refs(ctx context.Context, after model.Key, limit int) (out []string, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		out, err = q.Words(`SELECT ref FROM transactions WHERE account = ? AND ref > ? AND NOT hidden ORDER BY ref LIMIT ?`,
			after.Account, after.Ref, positive(limit, 1000))
		return err
	})
	return out, err
}

// OldestCreated is when the oldest of an account's rows was made, going by the provider; nil where none is known.
func (s *Store) OldestCreated(ctx context.Context, account string) (at *time.Time, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error { return r.Scan(database.When(&at)) },
			`SELECT created_at FROM transactions WHERE account = ? AND created_at IS NOT NULL ORDER BY created_at LIMIT 1`,
			account)
	})
	return at, err
}
