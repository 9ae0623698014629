package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/announced"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// SyncHooks notes which hooks there are. One that is new is told what changes from now on. Of one that is gone from the
// config what still waits is dead, so that it can be seen; those that keep says stay as they are.
func (s *Store) SyncHooks(ctx context.Context, ids []string, keep func(id string) bool) error {
	now := s.now()
	return s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		known, err := b.q.Words(`SELECT hook FROM hooks`)
		if err != nil {
			return b.fail(err)
		}
		have := map[string]bool{}
		for _, id := range ids {
			have[id] = true
		}
		for _, id := range known {
			if !have[id] && !keep(id) {
				err = b.q.Exec(`UPDATE deliveries SET state = 'dead', note = 'the hook was taken out of the config', done_at = ?,
next_try_at = NULL, lease_until = NULL WHERE hook = ? AND state = 'waiting'`, now, id)
				if err == nil {
					err = b.q.Exec(`DELETE FROM hooks WHERE hook = ?`, id)
				}
			}
			if err != nil {
				return b.fail(err)
			}
			have[id] = false
		}
		for _, id := range ids {
			if !have[id] {
				continue
			}
			if err := b.q.Exec(`INSERT INTO hooks (hook, reached, since) SELECT CAST(? AS TEXT), seq, ? FROM counters WHERE TRUE
ON CONFLICT (hook) DO NOTHING`, id, now); err != nil {
				return b.fail(err)
			}
		}
		return nil
	}})
}

// Hooks lists how far each hook has come, by id.
func (s *Store) Hooks(ctx context.Context) (out []Hook, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.Find(&out, `SELECT * FROM hooks ORDER BY hook`) })
	return out, err
}

// Hook returns how far one hook has come; ErrNoRow if it is not known.
func (s *Store) Hook(ctx context.Context, id string) (h Hook, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.Take(&h, `SELECT * FROM hooks WHERE hook = ?`, id) })
	return h, err
}

const announcedRows = `SELECT h.*, COALESCE(t.provider, a.provider, '') AS provider, COALESCE(t.external_id, '') AS external_id,
COALESCE(t.test, FALSE) AS test, o.seq IS NOT NULL AS marked FROM history h LEFT JOIN transactions t ON t.n = h.txn
LEFT JOIN accounts a ON a.id = h.account LEFT JOIN outbox o ON o.seq = h.seq `

// Announced returns the changes after a seq, in order, with what hooks choose by.
func (s *Store) Announced(ctx context.Context, after int64, limit int) (out []announced.Change, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, announcedRows+`WHERE h.seq > ? ORDER BY h.seq LIMIT ?`, after, limit)
	})
	return out, err
}

// SeqSince is the seq before the first change at or after a moment.
func (s *Store) SeqSince(ctx context.Context, at time.Time) (seq int64, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT COALESCE((SELECT MIN(seq) FROM history WHERE at >= ?), seq + 1) - 1 FROM counters`,
			at).Scan(&seq)
	})
	return seq, err
}

// Queueing is a part of the feed that a hook has looked at.
type Queueing struct {
	Hook     string
	From, To int64               // the hook had reached From and has reached To then
	Chosen   []*announced.Change // those of them that it announces, in order
	Lease    time.Duration       // how long those that Take leases are nobody else's
	Owner    string
	Take     int // at most so many of those that are due at once are leased to Owner
}

// QueueDeliveries writes the announcements of a part of the feed and returns the seqs of those that are leased. Where
// another process has looked at the part meanwhile, nothing is written: not ok.
func (s *Store) QueueDeliveries(ctx context.Context, p Queueing) (taken map[int64]bool, ok bool, err error) {
	err = s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		taken, ok = map[int64]bool{}, false
		reached, err := lockHook(b.q, p.Hook)
		if err != nil || reached != p.From {
			return err
		}
		ok = true
		if err := s.queueDeliveries(b, p, taken); err != nil {
			return b.fail(err)
		}
		return b.q.Exec(`UPDATE hooks SET reached = ? WHERE hook = ?`, p.To, p.Hook)
	}})
	return taken, ok, err
}

// lockHook reads how far a hook has come, and on PostgreSQL has other processes wait.
func lockHook(q *database.Tx, id string) (reached int64, err error) {
	query := `SELECT reached FROM hooks WHERE hook = ?`
	if q.Postgres {
		query += ` FOR UPDATE`
	}
	err = q.QueryRow(query, id).Scan(&reached)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoRow
	}
	return reached, err
}

func (s *Store) queueDeliveries(b *Batch, p Queueing, taken map[int64]bool) error {
	behind := map[model.Key]bool{} // an earlier one of the transaction waits
	err := s.sql.waiting.Find(b.q, len(p.Chosen), func(args []any, i int) []any {
		return append(args, p.Hook, p.Chosen[i].Account, p.Chosen[i].Ref)
	}, func(r *sql.Rows) error {
		var k model.Key
		err := r.Scan(&k.Account, &k.Ref)
		behind[k] = true
		return err
	})
	if err != nil {
		return err
	}
	return s.sql.addDeliveries.Insert(b.q, len(p.Chosen), func(args []any, i int) []any {
		c := p.Chosen[i]
		k := model.Key{Account: c.Account, Ref: c.Ref}
		var due, lease any
		owner := ""
		if !behind[k] {
			if due = b.now; len(taken) < p.Take {
				taken[c.Seq], lease, owner = true, b.now.Add(p.Lease), p.Owner
			}
		}
		behind[k] = true
		return append(args, p.Hook, c.Seq, c.Account, c.Ref, "waiting", b.now, due, lease, owner)
	})
}

// Claimed is an announcement that is leased. One whose change is no longer kept has only its seq.
type Claimed struct {
	announced.Change
	Attempts int       // before
	QueuedAt time.Time // since when it waits
}

// ClaimDeliveries leases announcements of a hook that are due, the oldest first, to one owner.
func (s *Store) ClaimDeliveries(ctx context.Context, hook, owner string, limit int, lease time.Duration) (
	out []Claimed, err error,
) {
	const due = `SELECT seq FROM deliveries WHERE hook = ? AND next_try_at <= ? AND (lease_until IS NULL OR lease_until <= ?)`
	now := s.now()
	var found bool
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT EXISTS (`+due+`)`, hook, now, now).Scan(&found)
	})
	if err != nil || !found {
		return nil, err
	}
	skip := ""
	if s.Postgres() {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	claim := `UPDATE deliveries SET lease_until = ?, lease_owner = ? WHERE hook = ? AND seq IN (` + due +
		` ORDER BY next_try_at, seq LIMIT ?` + skip + `) RETURNING seq, attempts, created_at`
	err = s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		out = nil
		return b.q.Each(func(r *sql.Rows) error {
			var c Claimed
			err := r.Scan(&c.Seq, &c.Attempts, database.Moment(&c.QueuedAt))
			out = append(out, c)
			return err
		}, claim, now.Add(lease), owner, hook, hook, now, now, limit)
	}})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	durable.CrashPoint("announcements claimed")
	return out, s.fillClaimed(ctx, out)
}

// fillClaimed reads the changes of claimed announcements.
func (s *Store) fillClaimed(ctx context.Context, out []Claimed) error {
	seqs := make([]int64, len(out))
	for i := range out {
		seqs[i] = out[i].Seq
	}
	var found []announced.Change
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Find(&found, announcedRows+`WHERE h.seq IN `+seqList(seqs))
	})
	at := map[int64]*announced.Change{}
	for i := range found {
		at[found[i].Seq] = &found[i]
	}
	for i := range out {
		if a := at[out[i].Seq]; a != nil {
			out[i].Change = *a
		}
	}
	slices.SortFunc(out, func(a, b Claimed) int { return cmp.Compare(a.Seq, b.Seq) }) // RETURNING keeps no order
	return err
}
