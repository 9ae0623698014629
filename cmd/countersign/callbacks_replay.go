package main

import (
	"context"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/replay"
)

func newCallbacksReplayCommand(env *engine.Env) *cobra.Command {
	f := replay.Chosen{Since: config.Span{Now: env.Now}}
	cmd := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Hand stored callbacks in again, after a mended secret or setting",
		Long: `replay judges callbacks once more that were refused or not understood, with the config as it is now, and
applies what they say, in the order in which they came. Each keeps the time it came: one that is older than the
provider's last answer changes nothing and has the provider asked. What was accepted already changes
nothing twice. It works beside a running daemon; a new secret still has to be reloaded there (kill -HUP).`,
		Example: "  countersign callbacks replay c000000000042\n  countersign callbacks replay --refused --account sales --since 2d --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.IDs = args
			if err := f.Check(); err != nil {
				return err
			}
			c, err := env.Config() // secrets too: they are what is tried
			if err != nil {
				return err
			}
			return env.WritingWith(cmd.Context(), c,
				func(ctx context.Context, w *engine.Writer) error { return replay.Run(ctx, env, w, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Account, "account", "", "of those chosen by verdict, only this `ACCOUNT`'s")
	flags.BoolVar(&f.Refused, "refused", false, "all that were refused and are still kept")
	flags.BoolVar(&f.NotUnderstood, "not-understood", false, "all that were not understood and are still kept")
	flags.Var(&f.Since, "since", "of those chosen by verdict, what came since then: 30d, 2w, 720h, a date or a time")
	flags.BoolVar(&f.DryRun, "dry-run", false, "only say what would become of them")
	jsonFlag(cmd, &f.JSON)
	return cmd
}
