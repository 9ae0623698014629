package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"countersign/model"
)

// gapEntry is a gap as the changes of this group left it.
type gapEntry struct {
	model.Gap
	put, removed bool
}

// gapsOf loads the gaps of a row once.
func (b *Batch) gapsOf(k model.Key) ([]*gapEntry, error) {
	if list, ok := b.gaps[k]; ok {
		return list, nil
	}
	var found []model.Gap
	err := b.q.db.Where("account = ? AND ref = ?", k.Account, k.Ref).Order("id").Find(&found).Error
	if err != nil {
		return nil, b.fail(err)
	}
	list := make([]*gapEntry, len(found))
	for i, g := range found {
		list[i] = &gapEntry{Gap: g}
	}
	if b.gaps == nil {
		b.gaps = map[model.Key][]*gapEntry{}
	}
	b.gaps[k] = list
	return list, nil
}

// OpenGaps returns the gaps of a row that a callback may still explain, the oldest first.
func (b *Batch) OpenGaps(k model.Key) ([]model.Gap, error) {
	list, err := b.gapsOf(k)
	var out []model.Gap
	for _, g := range list {
		if !g.removed && (g.Kind == model.GapPending || g.Kind == model.GapMissed || g.Kind == model.GapRefused) {
			out = append(out, g.Gap)
		}
	}
	return out, err
}

// AddGap adds a gap and returns its id.
func (b *Batch) AddGap(g model.Gap) string {
	k := model.Key{Account: g.Account, Ref: g.Ref}
	if _, err := b.gapsOf(k); err != nil {
		return ""
	}
	counters, n := b.counters, len(b.gaps[k])
	g.ID = b.id("g")
	b.gaps[k] = append(b.gaps[k], &gapEntry{Gap: g, put: true})
	b.undo = append(b.undo, func() { b.gaps[k], b.counters = b.gaps[k][:n], counters })
	return g.ID
}

// PutGap writes a gap that OpenGaps or DueGaps returned.
func (b *Batch) PutGap(g model.Gap) {
	b.changeGap(g.Account, g.Ref, g.ID, func(e *gapEntry) { e.Gap, e.put = g, true })
}

// RemoveGap takes away a gap that a callback explained in time. It must be one that OpenGaps
// returned in this change, or that this group added.
func (b *Batch) RemoveGap(id string) {
	for k, list := range b.gaps {
		for _, e := range list {
			if e.ID == id {
				b.changeGap(k.Account, k.Ref, id, func(e *gapEntry) { e.removed = true })
				return
			}
		}
	}
}

func (b *Batch) changeGap(account, ref, id string, change func(*gapEntry)) {
	list, err := b.gapsOf(model.Key{Account: account, Ref: ref})
	if err != nil {
		return
	}
	for _, e := range list {
		if e.ID == id {
			was := *e
			change(e)
			b.undo = append(b.undo, func() { *e = was })
		}
	}
}

func (b *Batch) writeGaps() error {
	var put []model.Gap
	var removed []string
	for k, list := range b.gaps {
		if c := b.rows[k]; c != nil && c.gone && !c.present {
			continue
		}
		for _, e := range list {
			switch {
			case e.removed:
				removed = append(removed, e.ID)
			case e.put:
				put = append(put, e.Gap)
			}
		}
	}
	if len(put) > 0 {
		if err := b.q.db.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(put, 100).Error; err != nil {
			return err
		}
	}
	for _, id := range removed {
		if err := b.q.exec(`DELETE FROM gaps WHERE id = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

// GapFilter chooses gaps; the zero value is all that are settled, the newest first.
type GapFilter struct {
	Account, Ref   string
	Kinds          []model.GapKind
	Since          *time.Time // found since
	IncludePending bool
	Limit          int // all if zero
}

// Gaps lists the ledger, the newest first.
func (s *Store) Gaps(ctx context.Context, f GapFilter) (out []model.Gap, err error) {
	err = s.view(ctx, func(q *sqlConn) error {
		db := gapsWhere(q.db, f).Order("found_at DESC, id DESC")
		if f.Limit > 0 {
			db = db.Limit(f.Limit)
		}
		return db.Find(&out).Error
	})
	return out, err
}

func gapsWhere(db *gorm.DB, f GapFilter) *gorm.DB {
	if f.Account != "" {
		db = db.Where("account = ?", f.Account)
	}
	if f.Ref != "" {
		db = db.Where("ref = ?", f.Ref)
	}
	if len(f.Kinds) > 0 {
		db = db.Where("kind IN ?", f.Kinds)
	}
	if f.Since != nil {
		db = db.Where("found_at >= ?", *f.Since)
	}
	if !f.IncludePending {
		db = db.Where("kind <> ?", model.GapPending)
	}
	return db
}

// CountPendingGaps counts the gaps that a callback may still explain, by account.
func (s *Store) CountPendingGaps(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.view(ctx, func(q *sqlConn) error {
		return q.each(func(r *sql.Rows) error {
			var account string
			var n int
			err := r.Scan(&account, &n)
			out[account] = n
			return err
		}, `SELECT account, COUNT(*) FROM gaps WHERE kind = 'pending' GROUP BY account`)
	})
	return out, err
}

// DueGaps returns pending gaps whose time to be explained is over.
func (s *Store) DueGaps(ctx context.Context, now time.Time, limit int) (out []model.Gap, err error) {
	err = s.view(ctx, func(q *sqlConn) error {
		return q.db.Where("kind = 'pending' AND settle_at <= ?", now).Order("settle_at, id").Limit(positive(limit, 100)).Find(&out).Error
	})
	return out, err
}
