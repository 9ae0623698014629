package worker

import (
	"context"
	"fmt"

	"countersign/model"
	"countersign/worker/ask/runs"
	"countersign/worker/documents"
)

// retry makes the documents of a run's refs due that are not stored. It asks nobody: they are fetched as others are,
// within the budget.
func (w *Worker) retry(ctx context.Context, p *runs.Pass) error {
	states := []model.DocumentState{model.DocumentFailed, model.DocumentQuarantined, model.DocumentWaiting}
	for _, ref := range p.Params.Refs {
		k := model.Key{Account: p.Account.ID, Ref: ref}
		ids, err := w.Documents.FetchAgain(ctx, k, states, documents.Order{By: p.Params.By, Only: p.Params.Only})
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		p.Queued(len(ids))
	}
	w.Nudge()
	return nil
}
