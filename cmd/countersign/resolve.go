package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
)

func newResolveCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "resolve ACCOUNT REF deleted",
		Short: "Say that a transaction is deleted, where no provider will",
		Long: `resolve is for a transaction that the provider no longer knows and never reported as deleted. It is then
marked deleted and no longer asked about. Status and files stay as last known.`,
		Example: "  countersign resolve sales 8f3a1c deleted",
		Args:    cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[2] != "deleted" {
				return output.Usagef("%s is nothing that can be said of a transaction: deleted is", output.Quoted(args[2]))
			}
			return env.Writing(cmd.Context(), func(ctx context.Context, w *engine.Writer) error {
				if err := arguments.KnownAccounts(ctx, w.Config, w.Store, args[0]); err != nil {
					return err
				}
				k := model.Key{Account: args[0], Ref: args[1]}
				err := w.Worker.Table.Resolve(ctx, k, "operator")
				if errors.Is(err, store.ErrNoRow) {
					return fmt.Errorf("no transaction %s in %s", output.Quoted(k.Ref), k.Account)
				}
				if err != nil {
					return err
				}
				return env.Tell("cli.resolve.done", "row", output.NameOf(k))
			})
		},
	}
}
