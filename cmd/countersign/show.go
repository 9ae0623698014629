package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
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
				r, err := wholeRow(ctx, s, t)
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

// wholeRow reads what belongs to a transaction.
func wholeRow(ctx context.Context, s *store.Store, t model.Transaction) (objects.Row, error) {
	r := objects.Row{Transaction: t}
	var errs [5]error
	r.History, errs[0] = s.ChangesOf(ctx, t.Key())
	errs[1] = output.EachOf(0, func(size int, cursor string) ([]model.Callback, string, error) {
		return s.Callbacks(ctx, store.CallbackFilter{Account: t.Account, Ref: t.Ref, Limit: size, Cursor: cursor})
	}, func(c model.Callback) error { r.Callbacks = append(r.Callbacks, c); return nil })
	r.Documents, errs[2] = s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	r.Gaps, errs[3] = s.Gaps(ctx, store.GapFilter{Account: t.Account, Ref: t.Ref})
	r.Progress, errs[4] = s.Progress(ctx, t.Key())
	return r, errors.Join(errs[:]...)
}
