package store

import (
	"context"

	"countersign/model"
	"countersign/model/store/database"
)

// PutRun adds or writes a run. One without an ID is new; its id is returned.
func (b *Batch) PutRun(r model.Run) string {
	if r.ID == "" {
		r.ID = b.id("r")
	}
	if r.CreatedAt.IsZero() {
		r.CreatedAt = b.now
	}
	b.runs = append(b.runs, r)
	return r.ID
}

func (b *Batch) writeRuns() error {
	for i := range b.runs { // one may have been put twice: in order
		if err := b.q.Save(b.runs[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// RunFilter chooses runs; the zero value is all, the newest first.
type RunFilter struct {
	Account, Kind string
	States        []model.RunState
	Limit         int  // 50 if zero
	Oldest        bool // the oldest first
}

// Runs lists runs.
func (s *Store) Runs(ctx context.Context, f RunFilter) (out []model.Run, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		w := database.Where{}
		w.Text("account = ?", f.Account)
		w.Text("kind = ?", f.Kind)
		w.In("state", wordsOf(f.States))
		order := " ORDER BY created_at DESC, id DESC LIMIT ?"
		if f.Oldest {
			order = " ORDER BY created_at, id LIMIT ?"
		}
		return q.Find(&out, "SELECT * FROM runs"+w.SQL()+order, append(w.Args, positive(f.Limit, 50))...)
	})
	return out, err
}

// RunByID returns one run; ErrNoRow if there is none.
func (s *Store) RunByID(ctx context.Context, id string) (r model.Run, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.Take(&r, `SELECT * FROM runs WHERE id = ?`, id) })
	return r, err
}
