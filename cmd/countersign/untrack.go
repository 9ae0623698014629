package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

func newUntrackCommand(env *engine.Env) *cobra.Command {
	var file string
	var dry bool
	cmd := &cobra.Command{
		Use:   "untrack ACCOUNT [REF...]",
		Short: "Take back what was tracked by mistake",
		Long: `untrack removes rows that only ` + "`track`" + ` made: the provider never confirmed them and no callback named them, as with
a ref that was mistyped. A row that is more than that is refused, and then none is removed: ` + "`forget`" + ` removes a
transaction's data for good, ` + "`resolve`" + ` says that it is deleted. --file reads refs as ` + "`track --file`" + ` does.`,
		Example: "  countersign untrack la 8f3a1c\n  countersign untrack la --file refs.csv --dry-run",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && file == "" {
				return output.Usagef("nothing to untrack: name refs, or --file")
			}
			return env.Writing(cmd.Context(), func(ctx context.Context, w *engine.Writer) error {
				if err := arguments.KnownAccounts(ctx, w.Config, w.Store, args[0]); err != nil {
					return err
				}
				refs, _, err := arguments.RefsOf(cmd.Context(), env, w.Config, args[0], file, args[1:])
				if err != nil {
					return err
				}
				return runUntrack(ctx, env, w, args[0], refs, dry)
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "refs from this `FILE`, as track --file takes them; - is stdin")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would go, and change nothing")
	return cmd
}

func runUntrack(ctx context.Context, env *engine.Env, w *engine.Writer, account string, refs []string, dry bool) error {
	standing, err := w.Store.Untrack(ctx, account, refs, dry)
	if err != nil {
		return err
	}
	var errs []error
	for i, is := range standing {
		if why := standingWords(is); why != "" {
			errs = append(errs, fmt.Errorf("%s/%s %s", account, output.Plain(refs[i]), why))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: nothing is done", errors.Join(errs...))
	}
	if dry {
		return env.TellCount("cli.untrack.would", len(refs), "account", account)
	}
	return env.TellCount("cli.untrack.did", len(refs), "account", account)
}

// standingWords says why a row stays, and what removes it; "" where it goes.
func standingWords(s store.Standing) string {
	const forget = ", `countersign forget` removes it for good"
	switch s {
	case store.OnlyTracked:
		return ""
	case store.NoSuchRow:
		return "is not followed"
	case store.WasConfirmed:
		return "was confirmed by the provider" + forget
	case store.WasCalled:
		return "was named by a callback" + forget
	}
	return "was not made by `track`" + forget
}
