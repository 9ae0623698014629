package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

// overdueAfter is how long a row may be due before it counts as overdue.
const overdueAfter = 5 * time.Minute

func newStatusCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether the daemon runs and how each account does",
		Long: `status says whether a daemon runs and, per account, when the last callback and the last good poll were,
when the next poll is, how many transactions are open and how many are overdue (their time to be asked
has passed), the share of changes that callbacks told in the last 30 days, what that leaves of the error budget
(what callback_objective allows to be missed), and which incidents are open.
Exit 3 while an incident is open.`,
		Example: "  countersign status || mail -s 'countersign: look' ops@example.com",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return env.reading(ctx, func(c *Config, s *store.Store) error { return printStatus(ctx, env, c, s) })
		},
	}
}

func printStatus(ctx context.Context, env *Env, c *Config, s *store.Store) error {
	daemon, err := daemonWords(ctx, env, s)
	if err != nil {
		return err
	}
	head := env.table()
	head.AppendRow(table.Row{"daemon", daemon})
	head.AppendRow(table.Row{"database", c.databaseShown()})
	if err := env.print(head); err != nil {
		return err
	}
	accounts, err := accountsTable(ctx, env, c, s)
	if err != nil {
		return err
	}
	if accounts.Length() > 0 {
		env.printf("\n") //nolint:errcheck // the table tells
		if err := env.print(accounts); err != nil {
			return err
		}
	}
	if err := printReaches(env, c); err != nil {
		return err
	}
	return printIncidents(ctx, env, s)
}

// printReaches says what polls can see of each account.
func printReaches(env *Env, c *Config) error {
	t := env.table()
	for i := range c.Accounts {
		if r := env.reach(&c.Accounts[i]); r != "" {
			t.AppendRow(table.Row{c.Accounts[i].ID, plain(r)})
		}
	}
	if t.Length() == 0 {
		return nil
	}
	if err := env.printf("\nPolls see\n"); err != nil {
		return err
	}
	return env.print(t)
}

// printIncidents prints what is open and makes it the exit code.
func printIncidents(ctx context.Context, env *Env, s *store.Store) error {
	open, err := s.Incidents(ctx, true)
	if err != nil || len(open) == 0 {
		return err
	}
	t := env.table()
	for _, i := range open {
		t.AppendRow(table.Row{i.Account, env.paint(evil, strings.ReplaceAll(i.Kind, "_", " ")), "opened " + env.ago(&i.OpenedAt), plain(i.Message)})
	}
	if err := env.printf("\n%s\n", count(len(open), "open incident")); err != nil {
		return err
	}
	if err := env.print(t); err != nil {
		return err
	}
	return &exitError{code: exitDrift}
}

// accountsTable says how each account does.
func accountsTable(ctx context.Context, env *Env, c *Config, s *store.Store) (table.Writer, error) {
	kept, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	remembered := map[string]model.Account{}
	for _, k := range kept {
		remembered[k.ID] = k
	}
	overdue, err := s.DueCount(ctx, env.now().Add(-overdueAfter))
	if err != nil {
		return nil, err
	}
	month := env.now().Add(-30 * day)
	t := env.table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue", "told by callbacks", "error budget")
	for i := range c.Accounts {
		account := &c.Accounts[i]
		open, err := s.CountOpenRows(ctx, store.OpenFilter{Account: account.ID, Tier: "open"})
		if err != nil {
			return nil, err
		}
		n, err := s.Share(ctx, account.ID, &month)
		if err != nil {
			return nil, err
		}
		late := strconv.Itoa(overdue[account.ID])
		if overdue[account.ID] > 0 {
			late = env.paint(warn, late)
		}
		k := remembered[account.ID]
		t.AppendRow(table.Row{
			account.ID, account.Provider, env.ago(k.LastCallbackAt), env.ago(k.LastPollAt), env.ago(account.nextSlot(env.now())),
			open, late, env.told(n, float64(c.CallbackObjective)), env.budgetWords(n, float64(c.CallbackObjective)),
		})
		delete(remembered, account.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(remembered)) {
		k := remembered[id]
		t.AppendRow(table.Row{id, k.Provider, env.ago(k.LastCallbackAt), env.ago(k.LastPollAt), "not in the config"})
	}
	return t, nil
}

// daemonWords says whether a daemon holds the database.
func daemonWords(ctx context.Context, env *Env, s *store.Store) (string, error) {
	h, err := s.Holder(ctx, store.LockServe)
	switch {
	case errors.Is(err, store.ErrNoRow):
		return env.paint(warn, "not running"), nil
	case err != nil:
		return "", err
	case h.Since.IsZero():
		return env.paint(good, "running"), nil
	}
	return env.paint(good, "running") + fmt.Sprintf(" since %s (%s)", env.ago(&h.Since), plain(h.Owner)), nil
}
