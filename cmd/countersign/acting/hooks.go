package acting

import (
	"context"
	"time"

	"countersign/cmd/countersign/hooks"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

func (d daemon) hooks(ctx context.Context) ([]objects.Hook, error) {
	return hooks.List(ctx, d.Current(), d.Store)
}

func (d daemon) testHook(ctx context.Context, _, id string) (objects.HookTested, error) {
	h, ok := d.Current().Hook(id)
	if !ok {
		return objects.HookTested{}, store.ErrNoRow
	}
	return hooks.Test(ctx, d.Hooks, d.Store, h, d.Env.Now)
}

func (d daemon) replayHook(ctx context.Context, _, id string, since time.Time, dead, dry bool) (
	objects.HookReplayed, error,
) {
	one := d.Hooks.Find(id)
	if one == nil {
		return objects.HookReplayed{}, store.ErrNoRow
	}
	return hooks.Replay(ctx, d.Store, one, hooks.Order{Since: since, Dead: dead, Dry: dry})
}
