package store

import (
	"context"
	"time"

	"countersign/model"
	"countersign/model/store/database"
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
	err := b.q.Find(&found, `SELECT * FROM gaps WHERE account = ? AND ref = ? ORDER BY id`, k.Account, k.Ref)
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
	g.ID = b.id("g")
	b.gaps[k] = append(b.gaps[k], &gapEntry{Gap: g, put: true})
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
			change(e)
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
		if err := b.q.Save(put); err != nil {
			return err
		}
	}
	for _, id := range removed {
		if err := b.q.Exec(`DELETE FROM gaps WHERE id = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

// GapFilter chooses gaps; the zero value is all that are settled, the newest first.
type GapFilter struct {
	Account, Ref   string
	Since          *time.Time // found since
	IncludePending bool
	Limit          int // all if zero
}

// Gaps lists the ledger, the newest first.
func (s *Store) Gaps(ctx context.Context, f GapFilter) (out []model.Gap, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		w := f.where()
		order := " ORDER BY found_at DESC, id DESC"
		if f.Limit > 0 {
			order += " LIMIT ?"
			w.Args = append(w.Args, f.Limit)
		}
		return q.Find(&out, "SELECT * FROM gaps"+w.SQL()+order, w.Args...)
	})
	return out, err
}

func (f GapFilter) where() database.Where {
	w := database.Where{}
	w.Text("account = ?", f.Account)
	w.Text("ref = ?", f.Ref)
	if f.Since != nil {
		w.Add("found_at >= ?", *f.Since)
	}
	if !f.IncludePending {
		w.Add("kind <> ?", string(model.GapPending))
	}
	return w
}

// CountPendingGaps counts the gaps that a callback may still explain, by account.
func (s *Store) CountPendingGaps(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.View(ctx, func(q *database.Tx) error {
		accounts, err := q.Words(pendingGaps)
		for _, a := range accounts {
			out[a]++
		}
		return err
	})
	return out, err
}

// pendingGaps is ordered so that SQLite reads the index of pending gaps; to group them by account it would read all
// gaps.
const pendingGaps = `SELECT account FROM gaps WHERE kind = 'pending' ORDER BY settle_at`

// DueGaps returns pending gaps whose time to be explained is over.
func (s *Store) DueGaps(ctx context.Context, now time.Time, limit int) (out []model.Gap, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM gaps WHERE kind = 'pending' AND settle_at <= ? ORDER BY settle_at, id LIMIT ?`,
			now, positive(limit, 100))
	})
	return out, err
}
