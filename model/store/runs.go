package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"countersign/model"
)

// runRow is a run as it rests. The lease is the store's.
type runRow struct {
	model.Run  `gorm:"embedded"`
	LeaseUntil *time.Time
	LeaseOwner string
}

// TableName is gorm's name for the table.
func (runRow) TableName() string { return "runs" }

// PutRun adds or writes a run. One without an ID is new; its id is returned. A lease stays.
func (b *Batch) PutRun(r model.Run) string {
	counters, n := b.counters, len(b.runs)
	if r.ID == "" {
		r.ID = b.id("r")
	}
	if r.CreatedAt.IsZero() {
		r.CreatedAt = b.now
	}
	b.runs = append(b.runs, r)
	b.undo = append(b.undo, func() { b.runs, b.counters = b.runs[:n], counters })
	return r.ID
}

func (b *Batch) writeRuns() error {
	for i := range b.runs { // one may have been put twice: in order
		if err := b.q.db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&b.runs[i]).Error; err != nil {
			return err
		}
	}
	return nil
}

// RunFilter chooses runs; the zero value is all, the newest first.
type RunFilter struct {
	Account, Kind string
	States        []model.RunState
	Since         *time.Time // created since
	Limit         int        // 50 if zero
	Oldest        bool       // the oldest first
}

// Runs lists runs.
func (s *Store) Runs(ctx context.Context, f RunFilter) (out []model.Run, err error) {
	err = s.view(ctx, func(q *sqlConn) error {
		db := q.db
		if f.Account != "" {
			db = db.Where("account = ?", f.Account)
		}
		if f.Kind != "" {
			db = db.Where("kind = ?", f.Kind)
		}
		if len(f.States) > 0 {
			db = db.Where("state IN ?", f.States)
		}
		if f.Since != nil {
			db = db.Where("created_at >= ?", *f.Since)
		}
		order := "created_at DESC, id DESC"
		if f.Oldest {
			order = "created_at, id"
		}
		return db.Order(order).Limit(positive(f.Limit, 50)).Find(&out).Error
	})
	return out, err
}

// RunByID returns one run; ErrNoRow if there is none.
func (s *Store) RunByID(ctx context.Context, id string) (r model.Run, err error) {
	err = s.view(ctx, func(q *sqlConn) error { return q.db.Where("id = ?", id).Take(&r).Error })
	return r, err
}

// ClaimRun leases the oldest queued or running run of the account and kind ("" is any) to one owner.
// It returns ErrNoRow when there is none, or all are leased to others. An owner may claim again what
// it holds, which prolongs the lease.
func (s *Store) ClaimRun(ctx context.Context, account, kind, owner string, now time.Time, lease time.Duration) (r model.Run, err error) {
	w := where{}
	w.add("state IN ('queued', 'running')")
	w.text("account = ?", account)
	w.text("kind = ?", kind)
	w.add("(lease_until IS NULL OR lease_until <= ? OR lease_owner = ?)", now, owner)
	skip := ""
	if s.pg {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err = s.change(ctx, func(q *sqlConn) error {
		var rows []runRow
		err := q.db.Raw(`UPDATE runs SET lease_until = ?, lease_owner = ? WHERE id IN (SELECT id FROM runs`+w.sql()+
			` ORDER BY created_at, id LIMIT 1`+skip+`) RETURNING *`, append([]any{now.Add(lease), owner}, w.args...)...).Scan(&rows).Error
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNoRow
		}
		r = rows[0].Run
		return nil
	})
	return r, err
}

// ReleaseRun gives a claimed run back.
func (s *Store) ReleaseRun(ctx context.Context, id, owner string) error {
	return s.change(ctx, func(q *sqlConn) error {
		return q.exec(`UPDATE runs SET lease_until = NULL, lease_owner = '' WHERE id = ? AND lease_owner = ?`, id, owner)
	})
}
