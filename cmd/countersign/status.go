package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/health"
	"countersign/model/store"
)

func newStatusCommand(env *engine.Env) *cobra.Command {
	var account string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the daemon runs and how each account does",
		Long: `status says whether a daemon runs and is ready, what room there is for documents, how many wait in quarantine and,
per account, when the last callback and the last good poll were, when the next poll is, how many transactions
are open and how many are overdue (their time to be asked has passed), the share of changes that callbacks told
in the last 30 days, what that leaves of the error budget (what callback_objective allows to be missed), the last
error of its questions and until when it rests, and which incidents are open.
Exit 3 while an incident is open, polls are overdue whoever should have made them, the daemon died or is not ready, or
documents have no room.`,
		Example: "  countersign status || mail -s 'countersign: look' ops@example.com\n  countersign status --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				if err := arguments.KnownAccounts(ctx, c, s, account); err != nil {
					return err
				}
				h, err := health.Look(ctx, env, c, s, account)
				if err != nil {
					return err
				}
				show := h.Print
				if asJSON {
					show = h.PrintJSON
				}
				if err := show(env, c); err != nil {
					return err
				}
				return h.Err()
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only this `ACCOUNT`")
	jsonFlag(cmd, &asJSON)
	return cmd
}
