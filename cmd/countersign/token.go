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
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/objects"
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
				return addToken(ctx, env, w.Store, args[0], read, time.Duration(lasts))
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

func addToken(
	ctx context.Context, env *engine.Env, s *store.Store, name string, read bool, lasts time.Duration,
) error {
	token, err := access.NewToken()
	if err != nil {
		return err
	}
	t := store.ConsoleToken{Name: name, Hash: access.HashOf(token), Role: string(access.Operate), CreatedAt: env.UTC()}
	if read {
		t.Role = string(access.Read)
	}
	if lasts > 0 {
		at := t.CreatedAt.Add(lasts)
		t.ExpiresAt = &at
	}
	added, err := s.AddConsoleToken(ctx, t)
	if err != nil {
		return err
	}
	if !added {
		return fmt.Errorf("a token %s is there: `countersign token remove %s` takes it away, or choose another name", name,
			name)
	}
	return env.Printf("%s\n", token)
}

// tokenJSON is what is known of a token.
type tokenJSON struct {
	Name      string        `json:"name"`
	Role      string        `json:"role"`
	CreatedAt objects.Stamp `json:"created_at"`
	ExpiresAt objects.Stamp `json:"expires_at"`
	UsedOn    string        `json:"used_on"`
}

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
				list, err := s.ConsoleTokens(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					out := env.JSONLines()
					for _, t := range list {
						o := tokenJSON{t.Name, t.Role, objects.At(t.CreatedAt), objects.Maybe(t.ExpiresAt), t.UsedOn}
						if err := out.Write(o); err != nil {
							return err
						}
					}
					return nil
				}
				return printTokens(env, list)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printTokens(env *engine.Env, list []store.ConsoleToken) error {
	if len(list) == 0 {
		return env.Printf("no tokens\n")
	}
	t := env.Table("name", "may", "made", "expires", "last used")
	for _, one := range list {
		used := one.UsedOn
		if used == "" {
			used = "never"
		}
		t.AppendRow([]any{one.Name, one.Role, env.Ago(&one.CreatedAt), expires(env, one), used})
	}
	return env.Print(t)
}

// expires is when a token ends, in words.
func expires(env *engine.Env, t store.ConsoleToken) string {
	if t.ExpiresAt == nil {
		return "never"
	}
	return env.Ago(t.ExpiresAt)
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
				removed, err := w.Store.RemoveConsoleToken(ctx, args[0])
				if err == nil && !removed {
					err = fmt.Errorf("no token %s: `countersign token list` shows what there is", output.Quoted(args[0]))
				}
				if err != nil {
					return err
				}
				return env.Printf("%s is removed\n", args[0])
			})
		},
	}
}
