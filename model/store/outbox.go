package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"countersign/model"
)

// Delivery is one announcement on its way to one hook.
type Delivery struct {
	Hook      string `gorm:"primaryKey"`
	Seq       int64  `gorm:"primaryKey;autoIncrement:false"`
	Account   string
	Ref       string
	State     DeliveryState
	Attempts  int
	Note      string     // why the last attempt failed
	CreatedAt time.Time  `gorm:"autoCreateTime:false"`
	NextTryAt *time.Time // nil: not due
	DoneAt    *time.Time
}

// DeliveryState is how far a delivery has come.
type DeliveryState string

// The delivery states.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliverySent    DeliveryState = "sent"
	DeliveryDead    DeliveryState = "dead" // given up; an operator may replay it
)

// deliveryRow is a delivery as it rests. The lease is the store's.
type deliveryRow struct {
	Delivery   `gorm:"embedded"`
	LeaseUntil *time.Time
	LeaseOwner string
}

// TableName is gorm's name for the table.
func (deliveryRow) TableName() string { return "deliveries" }

// Outbox returns the announcements that no one has yet turned into deliveries, in order.
func (s *Store) Outbox(ctx context.Context, limit int) (out []model.Change, err error) {
	err = s.view(ctx, func(q *sqlConn) error {
		return q.db.Where("seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT ?)", positive(limit, 200)).Order("seq").Find(&out).Error
	})
	for i := range out {
		out[i].Announce = true
	}
	return out, err
}

// Dispatch turns announcements into deliveries: those of seqs leave the outbox, deliveries is what
// hooks want of them. Done twice, it changes nothing.
func (s *Store) Dispatch(ctx context.Context, seqs []int64, deliveries []Delivery) error {
	return s.change(ctx, func(q *sqlConn) error {
		if len(deliveries) > 0 {
			rows := make([]deliveryRow, len(deliveries))
			for i, d := range deliveries {
				rows[i] = deliveryRow{Delivery: d}
			}
			if err := q.db.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, 100).Error; err != nil {
				return err
			}
		}
		for _, seq := range seqs {
			if err := q.exec(`DELETE FROM outbox WHERE seq = ?`, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClaimDeliveries leases deliveries whose time has come to one owner. For each hook and transaction
// only the oldest waiting one is given out, so that they arrive in order.
func (s *Store) ClaimDeliveries(ctx context.Context, owner string, now time.Time, lease time.Duration, limit int) (out []Delivery, err error) {
	skip := ""
	if s.pg {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err = s.change(ctx, func(q *sqlConn) error {
		return q.db.Raw(`UPDATE deliveries SET lease_until = ?, lease_owner = ? WHERE (hook, seq) IN (
  SELECT hook, seq FROM deliveries d WHERE next_try_at <= ? AND state = 'waiting' AND (lease_until IS NULL OR lease_until <= ?)
  AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.hook = d.hook AND e.account = d.account AND e.ref = d.ref AND e.state = 'waiting' AND e.seq < d.seq)
  ORDER BY next_try_at, seq LIMIT ?`+skip+`) RETURNING hook, seq, account, ref, state, attempts, note, created_at, next_try_at, done_at`,
			now.Add(lease), owner, now, now, positive(limit, 20)).Scan(&out).Error
	})
	return out, err
}

// PutDelivery writes how an attempt ended and ends the lease.
func (s *Store) PutDelivery(ctx context.Context, d Delivery) error {
	return s.change(ctx, func(q *sqlConn) error {
		return q.exec(`UPDATE deliveries SET state = ?, attempts = ?, note = ?, next_try_at = ?, done_at = ?, lease_until = NULL, lease_owner = ''
WHERE hook = ? AND seq = ?`, string(d.State), d.Attempts, d.Note, d.NextTryAt, d.DoneAt, d.Hook, d.Seq)
	})
}

// DeliveryFilter chooses deliveries; the zero value is all, the newest first.
type DeliveryFilter struct {
	Hook, Account, Ref string
	State              DeliveryState
	Limit              int // 50 if zero
}

// Deliveries lists deliveries.
func (s *Store) Deliveries(ctx context.Context, f DeliveryFilter) (out []Delivery, err error) {
	w := where{}
	w.text("hook = ?", f.Hook)
	w.text("account = ?", f.Account)
	w.text("ref = ?", f.Ref)
	w.text("state = ?", string(f.State))
	err = s.view(ctx, func(q *sqlConn) error {
		var rows []deliveryRow
		err := q.db.Raw(`SELECT * FROM deliveries`+w.sql()+` ORDER BY seq DESC, hook LIMIT ?`, append(w.args, positive(f.Limit, 50))...).Scan(&rows).Error
		for _, r := range rows {
			out = append(out, r.Delivery)
		}
		return err
	})
	return out, err
}

// ChangesBySeq returns the entries of the feed with these seqs, in order.
func (s *Store) ChangesBySeq(ctx context.Context, seqs []int64) (out []model.Change, err error) {
	err = s.view(ctx, func(q *sqlConn) error { return q.db.Where("seq IN ?", seqs).Order("seq").Find(&out).Error })
	return out, err
}

// Replay makes a hook's deliveries of one row due again; all that are dead if the key is zero.
func (s *Store) Replay(ctx context.Context, hook string, k model.Key, now time.Time) (n int64, err error) {
	w := where{}
	w.add("hook = ?", hook)
	w.add("state <> 'waiting'")
	if k == (model.Key{}) {
		w.add("state = 'dead'")
	}
	w.text("account = ?", k.Account)
	w.text("ref = ?", k.Ref)
	err = s.change(ctx, func(q *sqlConn) error {
		done := q.db.Exec(`UPDATE deliveries SET state = 'waiting', attempts = 0, note = '', next_try_at = ?, done_at = NULL`+w.sql(), append([]any{now}, w.args...)...)
		n = done.RowsAffected
		return done.Error
	})
	return n, err
}
