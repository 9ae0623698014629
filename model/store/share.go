package store

import (
	"context"
	"database/sql"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

type toldKey struct {
	account, day string
	change       model.GapChange
}

const dayLayout = "2006-01-02"

// AddTold counts a change that a callback told in time, on the day that it did.
func (b *Batch) AddTold(account string, change model.GapChange, at time.Time) {
	k := toldKey{account, at.UTC().Format(dayLayout), change}
	if b.told == nil {
		b.told = map[toldKey]int{}
	}
	b.told[k]++
	b.undo = append(b.undo, func() { b.told[k]-- })
}

func (b *Batch) writeTold() error {
	for k, n := range b.told {
		if n == 0 {
			continue
		}
		err := b.q.Exec(`INSERT INTO told (account, day, change, count) VALUES (?, ?, ?, ?)
ON CONFLICT (account, day, change) DO UPDATE SET count = told.count + excluded.count`, k.account, k.day, string(k.change), n)
		if err != nil {
			return err
		}
	}
	return nil
}

// ShareTold says how many changes callbacks told, and how the others came to be known.
type ShareTold struct {
	Told, Missed, Late, Refused int
	Unsubscribed, NoEvent       int           // not the callbacks' fault: not in the share
	Latency                     time.Duration // of the late ones, at the median
	LongestLatency              time.Duration
}

// All is how many changes callbacks should have told.
func (t ShareTold) All() int { return t.Told + t.Missed + t.Late + t.Refused }

// Share is told / (told + missed + late + refused); 1 where nothing changed.
func (t ShareTold) Share() float64 {
	if t.All() == 0 {
		return 1
	}
	return float64(t.Told) / float64(t.All())
}

// Share counts an account's changes since a time; of all accounts if account is "", from the
// beginning if since is nil. What callbacks told is kept by day: all of since's day counts, on both sides of the share.
func (s *Store) Share(ctx context.Context, account string, since *time.Time) (t ShareTold, err error) {
	w, g := database.Where{}, gapsSince(account, since)
	w.Text("account = ?", account)
	if since != nil {
		w.Add("day >= ?", since.UTC().Format(dayLayout))
	}
	late := g
	late.Parts = append(append([]string(nil), g.Parts...), "kind = 'late'")
	err = s.View(ctx, func(q *database.Tx) error {
		if err := q.QueryRow(`SELECT COALESCE(SUM(count), 0) FROM told`+w.SQL(), w.Args...).Scan(&t.Told); err != nil {
			return err
		}
		err := q.Each(func(r *sql.Rows) error { return t.add(r) }, `SELECT kind, COUNT(*) FROM gaps`+g.SQL()+` GROUP BY kind`, g.Args...)
		if err != nil || t.Late == 0 {
			return err
		}
		at := func(n int, to *time.Duration) error {
			return q.QueryRow(`SELECT COALESCE(latency_ns, 0) FROM gaps`+late.SQL()+` ORDER BY latency_ns LIMIT 1 OFFSET ?`, append(late.Args, n)...).Scan(to)
		}
		if err := at((t.Late-1)/2, &t.Latency); err != nil {
			return err
		}
		return at(t.Late-1, &t.LongestLatency)
	})
	return t, err
}

func (t *ShareTold) add(r *sql.Rows) error {
	var kind model.GapKind
	var n int
	if err := r.Scan(&kind, &n); err != nil {
		return err
	}
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
	return nil
}
