// Package rows reads what belongs to a transaction, for `show`, the API and the pages.
package rows

import (
	"context"
	"errors"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// callbacksAtOnce is how many callbacks are read at a time.
const callbacksAtOnce = 500

// Whole reads all that belongs to a transaction.
func Whole(ctx context.Context, s *store.Store, t model.Transaction) (objects.Row, error) {
	r := objects.Row{Transaction: t}
	var errs [5]error
	r.History, errs[0] = s.ChangesOf(ctx, t.Key())
	r.Callbacks, errs[1] = callbacksOf(ctx, s, t.Key())
	r.Documents, errs[2] = s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	r.Gaps, errs[3] = s.Gaps(ctx, store.GapFilter{Account: t.Account, Ref: t.Ref})
	r.Progress, errs[4] = s.Progress(ctx, t.Key())
	return r, errors.Join(errs[:]...)
}

func callbacksOf(ctx context.Context, s *store.Store, k model.Key) (out []model.Callback, err error) {
	f := store.CallbackFilter{Account: k.Account, Ref: k.Ref, Limit: callbacksAtOnce}
	for {
		list, next, err := s.Callbacks(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		if f.Cursor = next; next == "" {
			return out, nil
		}
	}
}
