package store

import (
	"context"
	"database/sql"
	"time"
)

// PruneBefore says what retention takes; nil keeps.
type PruneBefore struct {
	Bodies  *time.Time // of callbacks; hash and outcome stay
	Refused *time.Time // bodies of refused callbacks
	// RefusedBytes is how much of their bodies is kept in all: the oldest go first. 0 is no bound.
	RefusedBytes int64
	Links        *time.Time // links of documents that were not fetched
	Outbox       *time.Time // outbox rows and finished deliveries
	History      *time.Time
	HiddenRows   *time.Time // rows that only hints have named
}

// pruneAtOnce bounds how many rows one commit takes, so that callbacks do not wait behind it.
const pruneAtOnce = 1000

// Prune lets retention take what is old enough, in small commits.
func (s *Store) Prune(ctx context.Context, p PruneBefore) error {
	for _, step := range []struct {
		before *time.Time
		query  string
	}{
		{p.Bodies, `UPDATE callbacks SET body = NULL WHERE n IN (SELECT n FROM callbacks WHERE body IS NOT NULL AND verdict <> 'refused' AND at < ? ORDER BY n LIMIT ?)`},
		{p.Refused, `UPDATE callbacks SET body = NULL WHERE n IN (SELECT n FROM callbacks WHERE body IS NOT NULL AND verdict = 'refused' AND at < ? ORDER BY n LIMIT ?)`},
		{p.Links, `UPDATE documents SET link = NULL WHERE id IN (SELECT id FROM documents WHERE link IS NOT NULL AND COALESCE(link_at, created_at) < ? LIMIT ?)`},
		{p.Outbox, `DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE at < ? ORDER BY seq LIMIT ?)`},
		{p.Outbox, `DELETE FROM deliveries WHERE (hook, seq) IN (SELECT hook, seq FROM deliveries WHERE done_at < ? LIMIT ?)`},
		{p.History, `DELETE FROM history WHERE seq IN (SELECT seq FROM history WHERE at < ? ORDER BY seq LIMIT ?)`},
		{p.Bodies, `DELETE FROM drift WHERE (run, ref, field, about) IN (SELECT run, ref, field, about FROM drift WHERE found_at < ? LIMIT ?)`},
	} {
		if step.before == nil {
			continue
		}
		if err := s.pruneStep(ctx, step.query, *step.before); err != nil {
			return err
		}
	}
	if err := s.pruneRefused(ctx, p.RefusedBytes); err != nil {
		return err
	}
	if p.HiddenRows == nil {
		return nil
	}
	return s.pruneHidden(ctx, *p.HiddenRows)
}

// pruneRefused takes the oldest bodies of refused callbacks until those that are left are within most bytes.
func (s *Store) pruneRefused(ctx context.Context, most int64) error {
	if most <= 0 {
		return nil
	}
	var last int64
	err := s.view(ctx, func(q *sqlConn) error {
		return q.each(func(r *sql.Rows) error { return r.Scan(&last) }, `SELECT n FROM (
	SELECT n, SUM(LENGTH(body)) OVER (ORDER BY n DESC) AS held FROM callbacks WHERE body IS NOT NULL AND verdict = 'refused'
) newest WHERE held > ? ORDER BY n DESC LIMIT 1`, most)
	})
	for n := int64(pruneAtOnce); err == nil && last > 0 && n == pruneAtOnce; {
		err = s.change(ctx, func(q *sqlConn) error {
			done := q.db.Exec(`UPDATE callbacks SET body = NULL WHERE n IN (
	SELECT n FROM callbacks WHERE body IS NOT NULL AND verdict = 'refused' AND n <= ? ORDER BY n LIMIT ?)`, last, pruneAtOnce)
			n = done.RowsAffected
			return done.Error
		})
	}
	return err
}

// pruneHidden removes rows that only hints have named.
func (s *Store) pruneHidden(ctx context.Context, before time.Time) error {
	for n := pruneAtOnce; n == pruneAtOnce; {
		err := s.change(ctx, func(q *sqlConn) error {
			n = 0
			if _, err := lockCounters(q); err != nil {
				return err
			}
			var gone []*cached
			err := q.each(func(r *sql.Rows) error {
				n++
				c := &cached{gone: true}
				gone = append(gone, c)
				return r.Scan(&c.was.n, &c.was.Account, &c.was.Ref)
			}, `SELECT n, account, ref FROM transactions WHERE hidden AND first_seen_at < ? LIMIT ?`, before, pruneAtOnce)
			if err != nil {
				return err
			}
			return deleteRows(q, gone)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) pruneStep(ctx context.Context, query string, before time.Time) error {
	for {
		var n int64
		err := s.change(ctx, func(q *sqlConn) error {
			done := q.db.Exec(query, before, pruneAtOnce)
			n = done.RowsAffected
			return done.Error
		})
		if err != nil || n < pruneAtOnce {
			return err
		}
	}
}
