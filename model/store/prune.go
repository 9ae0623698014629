package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"countersign/model/store/database"
)

// PruneBefore says up to when each kind of data is pruned; nil prunes nothing of it.
type PruneBefore struct {
	Bodies  *time.Time // of callbacks; hash and outcome stay
	Refused *time.Time // bodies of refused callbacks
	// RefusedBytes is how much of their bodies is kept in all: the oldest go first. 0 is no bound.
	RefusedBytes int64
	Links        *time.Time // links of documents that were not fetched
	Outbox       *time.Time // outbox rows and finished deliveries; what still waits to be delivered stays
	History      *time.Time // changes, from the oldest on, up to one that still waits to be delivered
	HiddenRows   *time.Time // rows that only hints have named
}

// Pruned counts what Prune removed.
type Pruned struct {
	Bodies, Refused, Links, Outbox, Deliveries, Changes, HiddenRows, Drift int64
}

// String lists what was removed, and only that; "" if nothing was.
func (p Pruned) String() string {
	var parts []string
	for _, c := range []struct {
		n    int64
		what string
	}{
		{p.Bodies, "bodies"}, {p.Refused, "refused bodies"}, {p.Links, "links"}, {p.Outbox, "outbox rows"}, {p.Deliveries,
			"deliveries"}, {p.Changes, "changes"}, {p.HiddenRows, "hidden rows"}, {p.Drift, "lines of drift"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ")
}

// pruneAtOnce bounds how many rows one commit takes, so that callbacks do not wait behind it for longer than a commit
// of theirs takes.
const pruneAtOnce = 100

// Prune removes what is old enough, in small commits, and returns what it removed, even where it failed part of the
// way.
func (s *Store) Prune(ctx context.Context, p PruneBefore) (out Pruned, err error) {
	for _, part := range []struct {
		before *time.Time
		taken  *int64
		prune  func(context.Context, time.Time, *int64) error
	}{
		{p.Bodies, &out.Bodies, s.pruneBodies("bodies_pruned", "verdict <> 'refused'")},
		{p.Refused, &out.Refused, s.pruneBodies("refused_pruned", "verdict = 'refused'")},
		{p.Links, &out.Links, s.pruneLinks},
		{p.Outbox, &out.Outbox, s.pruneOutbox},
		{p.Outbox, &out.Deliveries, s.pruneDeliveries},
		{p.History, &out.Changes, s.pruneHistory},
		{p.HiddenRows, &out.HiddenRows, s.pruneHidden},
		{p.Bodies, &out.Drift, s.pruneDrift},
	} {
		if part.before == nil {
			continue
		}
		if err := part.prune(ctx, *part.before, part.taken); err != nil {
			return out, err
		}
	}
	if err := s.pruneRefused(ctx, p.RefusedBytes, &out.Refused); err != nil {
		return out, err
	}
	return out, s.giveBack(ctx)
}

const (
	freeShare   = 4    // one page in so many may be free, for what comes next
	freeAtLeast = 2560 // pages, or else nothing is given back
	givenAtOnce = 64   // pages in one commit
)

// giveBack makes a SQLite file smaller in which retention has freed much, a few pages in each commit.
func (s *Store) giveBack(ctx context.Context) error {
	if s.Postgres() {
		return nil
	}
	for {
		var free, pages int64
		err := s.View(ctx, func(q *database.Tx) error {
			return q.QueryRow(`SELECT (SELECT freelist_count FROM pragma_freelist_count), (SELECT page_count FROM pragma_page_count)`).Scan(&free, &pages)
		})
		if err != nil || free < freeAtLeast || free < pages/freeShare {
			return err
		}
		began := s.now()
		err = s.Change(ctx, func(q *database.Tx) error {
			return q.Exec(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, givenAtOnce))
		})
		if err == nil {
			var now int64
			err = s.View(ctx, func(q *database.Tx) error { return q.QueryRow(`PRAGMA page_count`).Scan(&now) })
			if now >= pages { // a file that was made otherwise, or that grows as fast
				return err
			}
		}
		if err == nil {
			err = s.breathe(ctx, began)
		}
		if err != nil {
			return err
		}
	}
}

// breathe waits for as long as a step took, so that retention takes no more than half of the writing.
func (s *Store) breathe(ctx context.Context, began time.Time) error {
	t := time.NewTimer(min(max(s.now().Sub(began), time.Millisecond), time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// pruneBodies empties callbacks from where it stopped last time up to the first that is too new, so that the hourly
// round reads neither the older nor the newer ones again.
func (s *Store) pruneBodies(mark, which string) func(context.Context, time.Time, *int64) error {
	return func(ctx context.Context, before time.Time, taken *int64) error {
		end, err := s.firstCallback(ctx, before)
		if err != nil {
			return err
		}
		return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
			if _, err := lockCounters(q); err != nil {
				return 0, err
			}
			var from int64
			if err := q.QueryRow(`SELECT ` + mark + ` FROM counters`).Scan(&from); err != nil {
				return 0, err
			}
			var n int64
			last := from
			err := q.Each(func(r *sql.Rows) error {
				n++
				return r.Scan(&last)
			}, `SELECT n FROM callbacks WHERE n > ? AND n < ? AND body IS NOT NULL AND `+which+` ORDER BY n LIMIT ?`, from,
				end, pruneAtOnce)
			if err != nil {
				return 0, err
			}
			if err := q.Exec(`UPDATE callbacks SET body = NULL WHERE n > ? AND n <= ? AND body IS NOT NULL AND `+which, from,
				last); err != nil {
				return 0, err
			}
			if n < pruneAtOnce {
				last = max(from, end-1)
			}
			return n, q.Exec(`UPDATE counters SET `+mark+` = ? WHERE id = 1`, last)
		})
	}
}

// firstCallback returns the number of the first callback that came at a time or later. Numbers grow with time, unless
// a clock was set back.
func (s *Store) firstCallback(ctx context.Context, at time.Time) (n int64, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		var low, high int64
		if err := q.QueryRow(`SELECT COALESCE(MIN(n), 0), COALESCE(MAX(n), -1) + 1 FROM callbacks`).Scan(&low,
			&high); err != nil {
			return err
		}
		for low < high {
			middle := low + (high-low)/2
			var came time.Time
			var which int64
			if err := q.QueryRow(`SELECT n, at FROM callbacks WHERE n >= ? ORDER BY n LIMIT 1`, middle).Scan(&which,
				database.Moment(&came)); err != nil {
				return err
			}
			if came.Before(at) {
				low = which + 1
			} else {
				high = middle
			}
		}
		n = low
		return nil
	})
	return n, err
}

func (s *Store) pruneOutbox(ctx context.Context, before time.Time, taken *int64) error {
	var end int64
	err := s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT COALESCE((SELECT seq FROM outbox WHERE at >= ? ORDER BY seq LIMIT 1), seq + 1) FROM counters`, before).Scan(&end)
	})
	if err != nil {
		return err
	}
	return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
		return q.Affect(`DELETE FROM outbox WHERE seq IN (SELECT o.seq FROM outbox o WHERE o.seq < ? AND NOT EXISTS
(SELECT 1 FROM deliveries d WHERE d.seq = o.seq AND d.state = 'waiting') AND NOT EXISTS
(SELECT 1 FROM hooks h WHERE h.reached < o.seq) ORDER BY o.seq LIMIT ?)`, end, pruneAtOnce)
	})
}

func (s *Store) pruneDeliveries(ctx context.Context, before time.Time, taken *int64) error {
	return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
		return q.Affect(`DELETE FROM deliveries WHERE (hook, seq) IN (SELECT hook, seq FROM deliveries WHERE done_at < ? AND state <> 'waiting' LIMIT ?)`, before, pruneAtOnce)
	})
}

// pruneHistory removes the oldest part of the feed and nothing from its middle: a reader that goes by seq must be able
// to tell whether something is missing.
func (s *Store) pruneHistory(ctx context.Context, before time.Time, taken *int64) error {
	var end int64
	err := s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT COALESCE((SELECT seq FROM history WHERE at >= ? ORDER BY seq LIMIT 1), seq + 1) FROM counters`, before).Scan(&end)
	})
	if err != nil {
		return err
	}
	return s.pruneStep(ctx, taken, func(q *database.Tx) (n int64, err error) {
		if _, err := lockCounters(q); err != nil {
			return 0, err
		}
		var waits sql.NullInt64
		if err := q.QueryRow(`SELECT MIN(seq) FROM (
SELECT MIN(seq) AS seq FROM deliveries WHERE state = 'waiting' UNION ALL SELECT MIN(reached) + 1 FROM hooks) w`).Scan(&waits); err != nil {
			return 0, err
		}
		if waits.Valid {
			end = min(end, waits.Int64)
		}
		var last sql.NullInt64
		err = q.QueryRow(`SELECT MAX(seq) FROM (SELECT seq FROM history WHERE seq < ? ORDER BY seq LIMIT ?) h`, end,
			pruneAtOnce).Scan(&last)
		if err != nil || !last.Valid {
			return 0, err
		}
		n, err = q.Affect(`DELETE FROM history WHERE seq <= ?`, last.Int64)
		if err != nil {
			return 0, err
		}
		return n, q.Exec(`UPDATE counters SET pruned = ? WHERE id = 1`, last.Int64)
	})
}

// pruneRefused takes the oldest bodies of refused callbacks until those that are left are within most bytes.
func (s *Store) pruneRefused(ctx context.Context, most int64, taken *int64) error {
	if most <= 0 {
		return nil
	}
	var last int64
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error { return r.Scan(&last) }, `SELECT n FROM (
	SELECT n, SUM(LENGTH(body)) OVER (ORDER BY n DESC) AS total FROM callbacks WHERE body IS NOT NULL AND verdict = 'refused'
) newest WHERE total > ? ORDER BY n DESC LIMIT 1`, most)
	})
	if err != nil || last == 0 {
		return err
	}
	return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
		return q.Affect(`UPDATE callbacks SET body = NULL WHERE n IN (
	SELECT n FROM callbacks WHERE body IS NOT NULL AND verdict = 'refused' AND n <= ? ORDER BY n LIMIT ?)`, last, pruneAtOnce)
	})
}

func (s *Store) pruneLinks(ctx context.Context, before time.Time, taken *int64) error {
	return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
		return q.Affect(`UPDATE documents SET link = NULL WHERE id IN (
	SELECT id FROM documents WHERE link IS NOT NULL AND COALESCE(link_at, created_at) < ? LIMIT ?)`, before, pruneAtOnce)
	})
}

func (s *Store) pruneDrift(ctx context.Context, before time.Time, taken *int64) error {
	return s.pruneStep(ctx, taken, func(q *database.Tx) (int64, error) {
		return q.Affect(`DELETE FROM drift WHERE (run, ref, field, about) IN (SELECT run, ref, field, about FROM drift WHERE found_at < ? LIMIT ?)`, before, pruneAtOnce)
	})
}

// pruneHidden removes rows that only hints have named.
func (s *Store) pruneHidden(ctx context.Context, before time.Time, taken *int64) error {
	return s.pruneStep(ctx, taken, func(q *database.Tx) (n int64, err error) {
		if _, err := lockCounters(q); err != nil {
			return 0, err
		}
		var gone []*cached
		err = q.Each(func(r *sql.Rows) error {
			c := &cached{gone: true}
			gone = append(gone, c)
			return r.Scan(&c.was.n, &c.was.Account, &c.was.Ref)
		}, `SELECT n, account, ref FROM transactions WHERE hidden AND first_seen_at < ? LIMIT ?`, before, pruneAtOnce)
		if err != nil {
			return 0, err
		}
		return int64(len(gone)), deleteRows(q, gone)
	})
}

// pruneStep repeats one part, a commit each time, until less than a full commit's worth is left.
func (s *Store) pruneStep(ctx context.Context, taken *int64, part func(*database.Tx) (int64, error)) error {
	for {
		var n int64
		began := s.now()
		err := s.Change(ctx, func(q *database.Tx) (err error) {
			if n, err = part(q); err == nil && n > pruneAtOnce {
				err = fmt.Errorf("retention took %d rows at once, %d is the most", n, pruneAtOnce)
			}
			return err
		})
		if err != nil {
			return err
		}
		*taken += n
		if n < pruneAtOnce {
			return nil
		}
		if err := s.breathe(ctx, began); err != nil {
			return err
		}
	}
}
