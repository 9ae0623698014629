package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/replay"
)

func newCallbacksExplainCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Say why a callback was refused: which secret would have matched",
		Long: `explain takes a callback as it was kept and tries every secret, header, hash and encoding that may be
configured, with the config as it is now. It says which would have matched, and shows no secret. A refused
callback is kept for retention.refused (7 days).`,
		Example: "  countersign callbacks list --verdict refused\n  countersign callbacks explain c000000000042",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := env.Config()
			if err != nil {
				return err
			}
			s, err := env.OpenStore(ctx, c, true)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // only read
			return replay.Explain(ctx, env, c, s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
