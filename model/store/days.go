package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// DayShare is how callbacks told of an account's changes on one day, UTC.
type DayShare struct {
	Account, Day string // 2026-01-31
	model.Share
}

// SharesByDay counts as Share does, each account and day by itself, from since's day on. Days without changes are not
// there. They come in the order of accounts and days.
func (s *Store) SharesByDay(ctx context.Context, since time.Time) (out []DayShare, err error) {
	type key struct{ account, day string }
	at := map[key]int{}
	entry := func(k key) *model.Share {
		i, ok := at[k]
		if !ok {
			i, at[k] = len(out), len(out)
			out = append(out, DayShare{Account: k.account, Day: k.day})
		}
		return &out[i].Share
	}
	err = s.View(ctx, func(q *database.Tx) error {
		err := q.Each(func(r *sql.Rows) error {
			var k key
			var n int
			err := r.Scan(&k.account, &k.day, &n)
			entry(k).Reported = n
			return err
		}, `SELECT account, day, SUM(count) FROM reported WHERE day >= ? GROUP BY account, day`,
			since.UTC().Format(dayLayout))
		if err != nil {
			return err
		}
		w := gapsSince("", &since)
		return q.Each(func(r *sql.Rows) error {
			var k key
			var kind model.GapKind
			var n int
			if err := r.Scan(&k.account, &k.day, &kind, &n); err != nil {
				return err
			}
			if kind != model.GapPending {
				addGap(entry(k), kind, n)
			}
			return nil
		}, `SELECT account, `+dayOf(q, "found_at")+` AS day, kind, COUNT(*) FROM gaps`+w.SQL()+` GROUP BY 1, 2, 3`, w.Args...)
	})
	slices.SortFunc(out, func(a, b DayShare) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.Day, b.Day))
	})
	return out, err
}

// dayOf is the day, UTC, of a column of times.
func dayOf(q *database.Tx, column string) string {
	if q.Postgres {
		return `to_char(` + column + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD')`
	}
	return `strftime('%Y-%m-%d', ` + column + ` / 1000, 'unixepoch')`
}

// CallbackCount is how many callbacks of an account came on one day, UTC, and have one verdict.
type CallbackCount struct {
	Account, Day string // 2026-01-31
	Verdict      model.Verdict
	Callbacks    int
}

// CallbacksByDay counts callbacks from since's day on, by account, day and the verdict that they have now. It reads
// what is counted as they are stored: its price does not grow with their number.
func (s *Store) CallbacksByDay(ctx context.Context, since time.Time) (out []CallbackCount, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var c CallbackCount
			err := r.Scan(&c.Account, &c.Day, &c.Verdict, &c.Callbacks)
			out = append(out, c)
			return err
		}, `SELECT account, day, verdict, count FROM callback_days WHERE day >= ? AND count > 0 ORDER BY account, day, verdict`,
			since.UTC().Format(dayLayout))
	})
	return out, err
}

type callbackDay struct {
	account, day string
	verdict      model.Verdict
}

// writeCallbackDays counts the callbacks of a group. One that was amended counts under its new verdict.
func (b *Batch) writeCallbackDays() error {
	counts := map[callbackDay]int{}
	for _, c := range b.callbacks {
		counts[callbackDay{c.Account, c.At.UTC().Format(dayLayout), c.Verdict}]++
	}
	for k, n := range b.moved {
		counts[k] += n
	}
	for k, n := range counts {
		err := b.q.Exec(`INSERT INTO callback_days (account, day, verdict, count) VALUES (?, ?, ?, ?)
ON CONFLICT (account, day, verdict) DO UPDATE SET count = callback_days.count + excluded.count`, k.account, k.day, string(k.verdict), n)
		if err != nil {
			return err
		}
	}
	return nil
}

// moves notes that a stored callback is about to get another verdict.
func (b *Batch) moves(c *stored) error {
	var was callbackDay
	var at time.Time
	err := b.q.Each(func(r *sql.Rows) error { return r.Scan(&was.account, &was.verdict, database.Moment(&at)) },
		`SELECT account, verdict, at FROM callbacks WHERE n = ?`, c.n)
	if err != nil || was.verdict == "" || was.verdict == c.Verdict {
		return err
	}
	if b.moved == nil {
		b.moved = map[callbackDay]int{}
	}
	was.day = at.UTC().Format(dayLayout)
	b.moved[was]--
	b.moved[callbackDay{was.account, was.day, c.Verdict}]++
	return nil
}
