package main

import (
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/model/store"
	"countersign/worker/console/objects"
	"countersign/worker/console/rows"
)

func newShowCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show [ACCOUNT] REF",
		Short: "Show one transaction and all that is known of it",
		Long: `show prints one transaction with its history, signers, callbacks, documents and gaps, and says when the
provider is asked next and why. The account may be left out where only one account has this ref.
A ref that begins with - follows --.`,
		Example: "  countersign show sales 8f3a1c\n  countersign show 8f3a1c --json | jq .history\n  countersign show sales -- -8f3a1c",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				t, err := arguments.FindRow(ctx, c, s, args)
				if err != nil {
					return err
				}
				r, err := rows.Whole(ctx, s, t)
				if err != nil {
					return err
				}
				if asJSON {
					return env.JSONLines().Write(objects.OfRow(r))
				}
				var slots map[string]time.Time
				if account, ok := c.Account(r.Account); ok {
					slots = account.PollsByTier(env.Now())
				}
				return env.PrintRow(r, slots)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
