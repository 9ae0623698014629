package api

import (
	"context"
	"net/http"
	"time"

	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/reads"
	"countersign/worker/console/rows"
)

// HookInput names a hook.
type HookInput struct {
	Hook string `path:"hook" maxLength:"80"`
}

type deliveriesInput struct {
	HookInput
	filter.Deliveries
	Paging
}

type hookReplayInput struct {
	HookInput
	Body struct {
		Since  string `json:"since,omitempty" maxLength:"40" doc:"changes since: 30d, 2w, 720h, a date or a time"`
		Dead   bool   `json:"dead,omitempty" doc:"only what was given up"`
		DryRun bool   `json:"dry_run,omitempty" doc:"only count"`
	}
}

func (a *API) hooks() {
	get(a, op("list-hooks", "/hooks", "hooks", "Where changes are announced, and how each does"),
		func(ctx context.Context, _ *struct{}) (out Page[objects.Hook], err error) {
			out.Items, err = a.Acts.Hooks(ctx)
			return out, err
		})
	get(a, op("list-deliveries", "/hooks/{hook}/deliveries", "hooks", "What a hook was sent, the newest first"), a.deliveries)
	post(a, "test-hook", "/hooks/{hook}/test", "hooks", "Send an event that tells of nothing", http.StatusOK,
		func(ctx context.Context, by string, in *HookInput) (objects.HookTested, error) {
			return a.Acts.TestHook(ctx, by, in.Hook)
		})
	post(a, "replay-hook", "/hooks/{hook}/replay", "hooks", "Send announcements again", http.StatusOK, a.replayHook)
}

func (a *API) deliveries(ctx context.Context, in *deliveriesInput) (out Page[objects.Delivery], err error) {
	if err := a.knownHook(ctx, in.Hook); err != nil {
		return out, err
	}
	list, next, err := reads.Page(ctx, a.Reads, a.Reads.Deliveries(in.Hook), &in.Deliveries, in.Limit, in.Cursor)
	if err != nil {
		return out, err
	}
	out.Items, out.NextCursor = make([]objects.Delivery, len(list)), next
	for i, d := range list {
		out.Items[i] = rows.OfDelivery(d)
	}
	return out, nil
}

// knownHook is store.ErrNoRow where there is no such hook.
func (a *API) knownHook(ctx context.Context, id string) error {
	list, err := a.Acts.Hooks(ctx)
	for _, h := range list {
		if h.ID == id {
			return nil
		}
	}
	if err == nil {
		err = store.ErrNoRow
	}
	return err
}

func (a *API) replayHook(ctx context.Context, by string, in *hookReplayInput) (objects.HookReplayed, error) {
	r := filter.Reader{In: "body"}
	var since time.Time
	if in.Body.Since != "" {
		var err error
		if since, err = a.Acts.Span(in.Body.Since, a.Now()); err != nil {
			r.Fault("since", "is not a span, a date or a time")
		}
	} else if !in.Body.Dead {
		r.Fault("since", "is missing: since when, or dead")
	}
	if err := r.Err(); err != nil {
		return objects.HookReplayed{}, err
	}
	return a.Acts.ReplayHook(ctx, by, in.Hook, since, in.Body.Dead, in.Body.DryRun)
}
