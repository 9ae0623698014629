package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/tokens"
	"countersign/model/store"
	"countersign/worker/console/access"
)

func newTokenCommand(env *engine.Env) *cobra.Command {
	return group("token", "Say who may use the console and its API", newTokenAddCommand(env), newTokenListCommand(env),
		newTokenRemoveCommand(env))
}

func newTokenAddCommand(env *engine.Env) *cobra.Command {
	read := false
	var lasts values.Duration
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and show it once",
		Long: `add makes a token for the console and its JSON API and prints it, this once: what is kept is its SHA-256. NAME stands
in the history and in runs for whoever uses it ("operator NAME"). With --read it may look at everything but the
bodies of callbacks and quarantined files, and change nothing.

As soon as there is a token, the console asks for one, on loopback too; console.token of the config goes on as
before. A running daemon knows of it within a second.`,
		Example: "  countersign token add crm --read\n  countersign token add ana --expires 90d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := access.CheckName(args[0]); err != nil {
				return output.Usagef("%w", err)
			}
			ctx := cmd.Context()
			return env.Writing(ctx, func(ctx context.Context, w *engine.Writer) error {
				return tokens.Add(ctx, env, w.Store, args[0], read, time.Duration(lasts))
			})
		},
	}
	cmd.Flags().BoolVar(&read, "read", false, "it may only look")
	cmd.Flags().Var(&durationFlag{&lasts}, "expires", "how long it lasts, such as 90d; without: until it is removed")
	return cmd
}

// durationFlag is a duration of the config as a flag.
type durationFlag struct{ to *values.Duration }

// Set is for pflag.Value.
func (f *durationFlag) Set(s string) error {
	d, err := tree.ParseDuration(s)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is no time at all", s)
	}
	*f.to = values.Duration(d)
	return err
}

// String is for pflag.Value.
func (f *durationFlag) String() string { return "" }

// Type is for pflag.Value.
func (f *durationFlag) Type() string { return "DURATION" }

func newTokenListCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens: who, what they may, when last used",
		Long:    "list prints the tokens of the console with their roles, when they expire, and the day of their last use. None is shown\nitself: it is not known.",
		Example: "  countersign token list\n  countersign token list --json | jq -r 'select(.used_on == \"\") | .name'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(_ *config.Config, s *store.Store) error {
				return tokens.List(ctx, env, s, asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newTokenRemoveCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Take a token away",
		Long:    "remove takes a token away. A running daemon refuses it within a second.",
		Example: "  countersign token remove crm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.Writing(cmd.Context(), func(ctx context.Context, w *engine.Writer) error {
				return tokens.Remove(ctx, env, w.Store, args[0])
			})
		},
	}
}
