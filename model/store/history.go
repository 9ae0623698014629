package store

import (
	"context"

	"countersign/model"
	"countersign/model/store/database"
)

// AddChange writes an entry of the change feed with the next seq, and an outbox row if it is to be
// announced. The row that it is about gets the seq.
func (b *Batch) AddChange(c model.Change) (seq int64) {
	b.counters.seq++
	c.Seq = b.counters.seq
	if c.At.IsZero() {
		c.At = b.now
	}
	b.changes = append(b.changes, c)
	if c.Ref != "" {
		if r := b.touchRow(model.Key{Account: c.Account, Ref: c.Ref}); r != nil {
			r.now.Seq = c.Seq
		}
	}
	return c.Seq
}

func (b *Batch) writeChanges() error {
	err := b.s.sql.addHistory.Insert(b.q, len(b.changes), func(args []any, i int) []any {
		c := &b.changes[i]
		return append(args, c.Seq, b.number(model.Key{Account: c.Account, Ref: c.Ref}), c.Account, c.Ref, string(c.Kind),
			c.From, c.To, string(c.Status), c.Confirmed, c.Source, c.At, c.Signer, c.Document)
	})
	if err != nil {
		return err
	}
	var announced []*model.Change
	for i := range b.changes {
		if b.changes[i].Announce {
			announced = append(announced, &b.changes[i])
		}
	}
	return b.s.sql.addOutbox.Insert(b.q, len(announced), func(args []any, i int) []any {
		return append(args, announced[i].Seq, announced[i].At)
	})
}

// Changes returns the entries after a seq, in order: every change once. No entry with a smaller seq
// ever appears later.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (out []model.Change, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM history WHERE seq > ? ORDER BY seq LIMIT ?`, after, positive(limit, 1000))
	})
	return out, err
}

// ChangesOf returns the history of a row, the oldest first.
func (s *Store) ChangesOf(ctx context.Context, k model.Key) (out []model.Change, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM history WHERE txn = (SELECT n FROM transactions WHERE account = ? AND ref = ?) ORDER BY seq`, k.Account, k.Ref)
	})
	return out, err
}

// Feed says where the change feed begins and ends: the oldest seq that retention has left and the newest one
// given out. An empty feed has first = last + 1. What was forgotten leaves holes.
func (s *Store) Feed(ctx context.Context) (first, last int64, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT pruned + 1, seq FROM counters`).Scan(&first, &last)
	})
	return first, last, err
}
