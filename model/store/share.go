package store

import (
	"context"
	"database/sql"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

type reportedKey struct {
	account, day string
	change       model.GapChange
}

const dayLayout = "2006-01-02"

// AddReported counts a change that a callback reported in time, on the day that it did.
func (b *Batch) AddReported(account string, change model.GapChange, at time.Time) {
	k := reportedKey{account, at.UTC().Format(dayLayout), change}
	if b.reported == nil {
		b.reported = map[reportedKey]int{}
	}
	b.reported[k]++
}

func (b *Batch) writeReported() error {
	for k, n := range b.reported {
		err := b.q.Exec(`INSERT INTO reported (account, day, change, count) VALUES (?, ?, ?, ?)
ON CONFLICT (account, day, change) DO UPDATE SET count = reported.count + excluded.count`, k.account, k.day, string(k.change), n)
		if err != nil {
			return err
		}
	}
	return nil
}

// Share counts an account's changes since a time; of all accounts if account is "", from the beginning if since is
// nil. Reported changes are counted by day, so both sides of the share include all of since's day.
func (s *Store) Share(ctx context.Context, account string, since *time.Time) (t model.Share, err error) {
	w, g := database.Where{}, gapsSince(account, since)
	w.Text("account = ?", account)
	if since != nil {
		w.Add("day >= ?", since.UTC().Format(dayLayout))
	}
	err = s.View(ctx, func(q *database.Tx) error {
		if err := q.QueryRow(`SELECT COALESCE(SUM(count), 0) FROM reported`+w.SQL(),
			w.Args...).Scan(&t.Reported); err != nil {
			return err
		}
		return q.Each(func(r *sql.Rows) error { return addGaps(&t, r) },
			`SELECT kind, COUNT(*) FROM gaps`+g.SQL()+` GROUP BY kind`, g.Args...)
	})
	return t, err
}

// SharesByChange counts an account's changes since a time as Share does, each kind of change by itself. Kinds of which there
// was none are not there.
func (s *Store) SharesByChange(ctx context.Context, account string, since time.Time) (map[model.GapChange]model.Share, error) {
	out, g := map[model.GapChange]model.Share{}, gapsSince(account, &since)
	g.Add("kind <> ?", string(model.GapPending))
	err := s.View(ctx, func(q *database.Tx) error {
		err := q.Each(func(r *sql.Rows) error {
			var change model.GapChange
			var n int
			err := r.Scan(&change, &n)
			out[change] = model.Share{Reported: n}
			return err
		}, `SELECT change, SUM(count) FROM reported WHERE account = ? AND day >= ? GROUP BY change`, account,
			since.UTC().Format(dayLayout))
		if err != nil {
			return err
		}
		return q.Each(func(r *sql.Rows) error {
			var change model.GapChange
			var kind model.GapKind
			var n int
			err := r.Scan(&change, &kind, &n)
			t := out[change]
			addGap(&t, kind, n)
			out[change] = t
			return err
		}, `SELECT change, kind, COUNT(*) FROM gaps`+g.SQL()+` GROUP BY change, kind`, g.Args...)
	})
	return out, err
}

// addGaps adds a row of gaps counted by their kind.
func addGaps(t *model.Share, r *sql.Rows) error {
	var kind model.GapKind
	var n int
	if err := r.Scan(&kind, &n); err != nil {
		return err
	}
	addGap(t, kind, n)
	return nil
}

func addGap(t *model.Share, kind model.GapKind, n int) {
	switch kind {
	case model.GapMissed:
		t.Missed = n
	case model.GapLate:
		t.Late = n
	case model.GapRefused:
		t.Refused = n
	case model.GapUnsubscribed:
		t.Unsubscribed = n
	case model.GapNoEvent:
		t.NoEvent = n
	}
}
