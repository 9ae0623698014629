package store

import (
	"context"
	"slices"
	"strconv"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// Backlog is what a hook has before it, and what it has given up.
type Backlog struct {
	Waiting, Dead int
	Oldest        *time.Time // since when the oldest of those that wait does
	Untold        int64      // changes that the hook has not looked at yet
}

// Backlog counts what a hook has before it.
func (s *Store) Backlog(ctx context.Context, hook string) (b Backlog, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT (SELECT COUNT(*) FROM deliveries WHERE hook = ? AND state = 'waiting'),
(SELECT COUNT(*) FROM deliveries WHERE hook = ? AND state = 'dead'),
(SELECT MIN(created_at) FROM deliveries WHERE hook = ? AND state = 'waiting'),
COALESCE((SELECT c.seq - h.reached FROM hooks h WHERE h.hook = ?), 0) FROM counters c`,
			hook, hook, hook, hook).Scan(&b.Waiting, &b.Dead, database.When(&b.Oldest), &b.Untold)
	})
	return b, err
}

// OldestWaiting is since when the oldest announcement of a hook waits; nil where none does.
func (s *Store) OldestWaiting(ctx context.Context, hook string) (at *time.Time, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT MIN(created_at) FROM deliveries WHERE hook = ? AND state = 'waiting'`,
			hook).Scan(database.When(&at))
	})
	return at, err
}

// ListedDelivery is an announcement with the change that it tells; of one that retention has taken only the seq.
type ListedDelivery struct {
	Delivery
	Change model.Change
}

// DeliveryFilter chooses announcements of a hook.
type DeliveryFilter struct {
	Hook   string
	States []string
	Since  *time.Time // of changes
	Oldest bool       // the oldest first
	Limit  int        // 50 if zero
	Cursor string
}

// Deliveries lists announcements of a hook, the newest first.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) (out []ListedDelivery, next string, err error) {
	w := database.Where{}
	w.Add("d.hook = ?", f.Hook)
	w.In("d.state", f.States)
	if f.Since != nil {
		w.Add("h.at >= ?", *f.Since)
	}
	order, past := "DESC", "d.seq < ?"
	if f.Oldest {
		order, past = "", "d.seq > ?"
	}
	if f.Cursor != "" {
		seq, err := strconv.ParseInt(f.Cursor, 10, 64)
		if err != nil {
			return nil, "", ErrCursor
		}
		w.Add(past, seq)
	}
	limit := positive(f.Limit, 50)
	var found []Delivery
	var changes []model.Change
	err = s.View(ctx, func(q *database.Tx) error {
		err := q.Find(&found, `SELECT d.* FROM deliveries d LEFT JOIN history h ON h.seq = d.seq`+
			w.SQL()+` ORDER BY d.seq `+order+` LIMIT ?`, append(w.Args, limit+1)...)
		if err != nil || len(found) == 0 {
			return err
		}
		seqs := make([]int64, len(found))
		for i := range found {
			seqs[i] = found[i].Seq
		}
		return q.Find(&changes, `SELECT * FROM history WHERE seq IN `+seqList(seqs))
	})
	if len(found) > limit {
		found = found[:limit]
		next = strconv.FormatInt(found[limit-1].Seq, 10)
	}
	for _, d := range found {
		one := ListedDelivery{Delivery: d, Change: model.Change{Seq: d.Seq, Account: d.Account, Ref: d.Ref}}
		if i := slices.IndexFunc(changes, func(c model.Change) bool { return c.Seq == d.Seq }); i >= 0 {
			one.Change = changes[i]
		}
		out = append(out, one)
	}
	return out, next, err
}
