package main

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"countersign/cmd/countersign/output"

	"github.com/spf13/cobra"
)

func newConfigCommand(env *Env) *cobra.Command {
	return group("config", "Check the config", newConfigCheckCommand(env))
}

func newConfigCheckCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with the config, or what it means",
		Long: `check reads the config as the daemon would, with every secret in place, and tells all that is wrong
with it at once, each with file, line and path. Where nothing is wrong it shows what was understood:
the accounts, what each provider has to call, and when the next polls are. Nothing is called and
nothing is written. Exit 2 where something is wrong.`,
		Example: "  countersign config check\n  countersign --config /etc/countersign/config.yaml config check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := env.config()
			if err != nil {
				return err
			}
			return printConfig(env, c, roundTimes(cmd.Context(), env, c))
		},
	}
}

// printConfig shows what was understood, and what may not be meant.
func printConfig(env *Env, c *Config, rounds map[string]string) error {
	about := env.Table()
	about.AppendRow([]any{"config", c.file})
	about.AppendRow([]any{"database", c.databaseShown()})
	about.AppendRow([]any{"documents", c.Documents})
	about.AppendRow([]any{"public", c.Public.Address})
	about.AppendRow([]any{"console", c.Console.Address})
	if err := env.Print(about); err != nil {
		return err
	}
	for _, account := range c.Accounts {
		if err := env.Printf("\n%s (%s)\n", account.ID, account.Provider); err != nil {
			return err
		}
		t := env.Table()
		t.AppendRow([]any{"  callbacks", cmp.Or(c.callbackURL(account.ID), "public.url is not set")})
		t.AppendRow([]any{"  calls", cmp.Or(account.BaseURL, "the provider's production host") + ", " + budgetShown(account)})
		for _, s := range account.slots(env.Now()) {
			t.AppendRow([]any{"  " + s.tier, fmt.Sprintf("next %s (%s)", s.next.Format("2006-01-02 15:04 MST"), s.line)})
		}
		if round := rounds[account.ID]; round != "" {
			t.AppendRow([]any{"  a round", round})
		}
		if err := env.Print(t); err != nil {
			return err
		}
	}
	for i, w := range c.warnings(os.Stat) {
		if i == 0 {
			env.Printf("\n") //nolint:errcheck // the next line tells
		}
		if err := env.Printf("%s %s\n", env.Paint(output.Warn, "warning:"), w); err != nil {
			return err
		}
	}
	return env.Printf("\n%s has no faults\n", c.file)
}

// slot is when a tier is polled next.
type slot struct {
	tier string
	line string
	next time.Time
}

// slots lists the account's next polls.
func (a *Account) slots(now time.Time) []slot {
	var all []slot
	for _, s := range []slot{{tier: "active", line: a.Polling.Active}, {tier: "idle", line: a.Polling.Idle}, {tier: "audit", line: a.Polling.Audit}} {
		if times, err := parseSlots(s.line); err == nil {
			s.next = times.Next(now.UTC())
			all = append(all, s)
		}
	}
	return all
}

// nextSlots are the account's next polls, by tier.
func (a *Account) nextSlots(now time.Time) map[string]time.Time {
	all := map[string]time.Time{}
	for _, s := range a.slots(now) {
		all[s.tier] = s.next
	}
	return all
}

// nextSlot is the soonest of an account's next polls; nil where it has none.
func (a *Account) nextSlot(now time.Time) *time.Time {
	var first *time.Time
	for _, s := range a.slots(now) {
		if first == nil || s.next.Before(*first) {
			first = &s.next
		}
	}
	return first
}
