package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

func newCallbacksCommand(env *engine.Env) *cobra.Command {
	return group("callbacks", "See what came in and what became of it", newCallbacksListCommand(env),
		newCallbacksShowCommand(env), newCallbacksExplainCommand(env), newCallbacksReplayCommand(env))
}

type callbacksFlags struct {
	account string
	ref     string
	verdict string
	since   config.Span
	limit   int
	json    bool
	all     bool
}

// verdicts are the words that may be asked for.
func verdicts() []model.Verdict {
	return []model.Verdict{model.Accepted, model.Duplicate, model.Refused, model.NotUnderstood}
}

func newCallbacksListCommand(env *engine.Env) *cobra.Command {
	f := callbacksFlags{since: config.Span{Now: env.Now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List callbacks, the newest first",
		Long: `list prints the callbacks that came in, the newest first, with what the door made of each (accepted,
duplicate, refused, not_understood) and what an accepted one did (applied, nothing_new, checking,
ignored, unresolved, test). In the table "checked: STATUS" stands in place of checking once the provider has
confirmed the row. On a terminal it shows the newest 50; --all shows them all.`,
		Example: "  countersign callbacks list --verdict refused --since 1d\n  countersign callbacks list --account sales --ref 8f3a1c",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return listCallbacks(ctx, env, c, s, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	flags.StringVar(&f.ref, "ref", "", "only callbacks that named this `REF`")
	flags.StringVar(&f.verdict, "verdict", "", "only this `VERDICT`: "+output.Words(verdicts()))
	flags.Var(&f.since, "since", "what came since then: 30d, 2w, 720h, a date or a time")
	flags.BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (f callbacksFlags) check() error {
	switch {
	case f.verdict != "" && !slices.Contains(verdicts(), model.Verdict(f.verdict)):
		return output.Usagef("--verdict %q is not one of %s", f.verdict, output.Words(verdicts()))
	case f.limit < 0:
		return output.Usagef("--limit %d is below nothing", f.limit)
	}
	return nil
}

func listCallbacks(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, f callbacksFlags) error {
	if err := arguments.KnownAccounts(ctx, c, s, f.account); err != nil {
		return err
	}
	fetch := func(size int, cursor string) ([]model.Callback, string, error) {
		return s.Callbacks(ctx, store.CallbackFilter{
			Account: f.account, Ref: f.ref, Verdict: model.Verdict(f.verdict), Since: f.since.At, Limit: size, Cursor: cursor,
		})
	}
	if f.json {
		out := env.JSONLines()
		return output.EachOf(f.limit, fetch, func(c model.Callback) error { return out.Write(objects.OfCallback(c)) })
	}
	var list []model.Callback
	err := output.EachOf(env.Shown(f.limit, f.all), fetch,
		func(c model.Callback) error { list = append(list, c); return nil })
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return env.Tell("cli.callbacks.none")
	}
	rows, err := rowsOf(ctx, s, list)
	if err != nil {
		return err
	}
	row := func(c model.Callback) *model.Transaction { return rows[model.Key{Account: c.Account, Ref: c.Ref}] }
	return env.Print(env.CallbacksTable(list, true, row))
}

// rowsOf are the rows about which callbacks had their providers asked.
func rowsOf(ctx context.Context, s *store.Store, list []model.Callback) (map[model.Key]*model.Transaction, error) {
	rows := map[model.Key]*model.Transaction{}
	for _, c := range list {
		k := model.Key{Account: c.Account, Ref: c.Ref}
		if _, known := rows[k]; known || c.Outcome != model.Checking {
			continue
		}
		t, err := s.Transaction(ctx, k)
		if errors.Is(err, store.ErrNoRow) {
			rows[k] = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		rows[k] = &t
	}
	return rows, nil
}

func newCallbacksShowCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one callback with headers and body",
		Long:    "show prints a callback as it was stored: signing tokens are cut out, a header that is a secret is shown as\nits hash, and of a body that was refused or not understood links and tokens are cut.",
		Example: "  countersign callbacks show c000000000042",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(_ *config.Config, s *store.Store) error {
				c, err := s.Callback(ctx, args[0])
				if errors.Is(err, store.ErrNoRow) {
					return fmt.Errorf("no callback %s: `countersign callbacks list` shows what there is", output.Quoted(args[0]))
				}
				if errors.Is(err, store.ErrKey) {
					fmt.Fprintln(env.Stderr, "the body rests encrypted, and the installation key is not at hand")
					c.Body, err = nil, nil
				}
				if err != nil {
					return err
				}
				if asJSON {
					return env.JSONLines().Write(objects.OfWholeCallback(c))
				}
				return env.PrintCallback(c)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
