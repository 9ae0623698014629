package main

import (
	"context"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/upkeep"
	"countersign/model"
	"countersign/model/store"
)

type forgetFlags struct {
	yes, plan, vacuum bool
}

func newForgetCommand(env *engine.Env) *cobra.Command {
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget ACCOUNT REF",
		Short: "Remove all personal data of a transaction",
		Long: `forget removes a transaction: its row with names and metadata, signers, history, progress, documents with
their files (each version, quarantined and held ones too), the bodies and headers of its callbacks, the signer
in its gaps. What is counted stays: that callbacks came and what became of them, the gaps. Account, ref and time
are kept, so that no callback, list, poll or backfill brings it back; ` + "`track`" + ` does, if you want it. The change
feed says that it was forgotten, for those who keep copies.

It works beside a running daemon. Killed on the way, it is to be run again; the daemon finishes it too. A SQLite
file is rewritten, so that nothing is left in unused parts of it: callers wait meanwhile. One above 256 MB is
rewritten with --vacuum only. Backups, exports, logs and what the provider has are not touched.`,
		Example: "  countersign forget sales 8f3a1c --dry-run\n  countersign forget sales 8f3a1c --yes",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, k := cmd.Context(), model.Key{Account: args[0], Ref: args[1]}
			if f.plan {
				return env.Reading(ctx,
					func(c *config.Config, s *store.Store) error { return upkeep.PlanForget(ctx, env, c, s, k) })
			}
			if err := arguments.Confirm(ctx, env, f.yes, env.Say("cli.forget.ask",
				"row", output.NameOf(k))); err != nil {
				return err
			}
			return env.Writing(ctx,
				func(ctx context.Context, w *engine.Writer) error { return upkeep.Forget(ctx, env, w, k, f.vacuum) })
		},
	}
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.plan, "dry-run", false, "say what would go, and change nothing")
	cmd.Flags().BoolVar(&f.vacuum, "vacuum", false, "rewrite a SQLite file of any size")
	return cmd
}
