package runs

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"countersign/model"
	"countersign/model/store"
)

// QueueUnless queues a run unless one of its account and kind waits or is in work that same says is the same: that one
// is returned instead. Whoever asks twice has asked once.
func (rs *Runs) QueueUnless(ctx context.Context, r model.Run, same func(model.Run) bool) (model.Run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return r, err
	}
	r.ID, r.State, r.CreatedAt = id.String(), model.RunQueued, rs.o.Now()
	out := r
	err = rs.o.Store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		out = r
		open, err := b.UnfinishedRuns(r.Account, r.Kind)
		if err != nil {
			return err
		}
		for _, busy := range open {
			if same(busy) {
				out = busy
				return nil
			}
		}
		b.PutRun(r)
		return nil
	}})
	if err == nil && out.ID == r.ID {
		rs.o.Nudge()
	}
	return out, err
}

// ParamsOf reads what a run was asked to do; nothing where it cannot be read.
func ParamsOf(r model.Run) (p Params) {
	json.Unmarshal([]byte(r.Params), &p) //nolint:errcheck // a run of another version is not the same
	return p
}

// Queued counts documents that are to be fetched.
func (p *Pass) Queued(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Run.Queued += n
}
