package api

import (
	"context"

	"countersign/worker/console/access"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
)

type callbacksInput struct {
	filter.Callbacks
	Paging
}

type callbackInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *API) readCallbacks() {
	list(a, op("list-callbacks", "/callbacks", "callbacks", "What came in, the newest first"),
		func(in *callbacksInput) (*filter.Callbacks, Paging) { return &in.Callbacks, in.Paging },
		a.Reads.Callbacks(), objects.OfCallback)
	whole := op("get-callback", "/callbacks/{id}", "callbacks", "One with its headers and its body, for those who operate")
	whole.Errors = append(whole.Errors, 403)
	get(a, whole, func(ctx context.Context, in *callbackInput) (objects.WholeCallback, error) {
		if err := access.MayOperate(ctx, "Bodies of callbacks are for those who may operate."); err != nil {
			return objects.WholeCallback{}, err
		}
		c, err := a.Store.Callback(ctx, in.ID)
		return objects.OfWholeCallback(c), err
	})
	get(a, op("explain-callback", "/callbacks/{id}/explain", "callbacks", "Why it was judged so: what was tried, what matches"),
		func(ctx context.Context, in *callbackInput) (objects.Explained, error) {
			return a.Acts.Explain(ctx, in.ID)
		})
}
