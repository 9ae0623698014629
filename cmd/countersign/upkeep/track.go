package upkeep

import (
	"context"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
)

// Track starts to follow refs of an account.
func Track(ctx context.Context, env *engine.Env, w *engine.Writer, acc *config.Account, refs []string) error {
	if err := w.Remember(ctx); err != nil {
		return err
	}
	n, err := w.Worker.Table.Track(ctx, "operator", acc.ID, acc.Provider, refs)
	if err != nil {
		return err
	}
	return env.TellCount("cli.track.did", n, "account", acc.ID, "known", len(refs)-n)
}
