package worker

import (
	"context"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// What the document files need of the packages below.

// leaseFor is how long a document stays out of other hands; a dead process gives it back after.
const leaseFor = 10 * time.Minute

func newest(list []model.Document, id string, kind model.DocumentKind) (model.Document, bool) {
	return apply.Newest(list, id, kind)
}

func (w *Worker) may(a *apply.Account) bool                     { return w.Gate.May(a) }
func (w *Worker) pause(n int) time.Duration                     { return w.Gate.Pause(n) }
func (w *Worker) wait(after *provider.RetryAfter) time.Duration { return w.Gate.Asked(after) }

func (w *Worker) failed(ctx context.Context, a *apply.Account, k model.Key, err error) error {
	return w.Gate.Failed(ctx, a, k, err)
}

func (w *Worker) doPatiently(ctx context.Context, u store.Unit) error {
	return w.Store.DoPatiently(ctx, u)
}

// account finds a configured account; nil if it was taken out.
func (w *Worker) account(id string) *apply.Account {
	for _, a := range w.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}
