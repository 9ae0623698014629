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

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/database"
)

// overdueAfter is how long a row may be due before it counts as overdue.
const overdueAfter = 5 * time.Minute

func newStatusCommand(env *engine.Env) *cobra.Command {
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
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return printStatus(ctx, env, c, s) })
		},
	}
}

func printStatus(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store) error {
	daemon, err := daemonWords(ctx, env, s)
	if err != nil {
		return err
	}
	head := env.Table()
	head.AppendRow(table.Row{"daemon", daemon})
	head.AppendRow(table.Row{"database", c.DatabaseShown()})
	if err := env.Print(head); err != nil {
		return err
	}
	accounts, err := accountsTable(ctx, env, c, s)
	if err != nil {
		return err
	}
	if accounts.Length() > 0 {
		env.Printf("\n") //nolint:errcheck // the table tells
		if err := env.Print(accounts); err != nil {
			return err
		}
	}
	if err := printReaches(env, c); err != nil {
		return err
	}
	return printIncidents(ctx, env, s)
}

// printReaches says what polls can see of each account.
func printReaches(env *engine.Env, c *config.Config) error {
	t := env.Table()
	for i := range c.Accounts {
		if r := c.Accounts[i].Reach(env.Providers); r != "" {
			t.AppendRow(table.Row{c.Accounts[i].ID, output.Plain(r)})
		}
	}
	if t.Length() == 0 {
		return nil
	}
	if err := env.Printf("\nPolls see\n"); err != nil {
		return err
	}
	return env.Print(t)
}

// printIncidents prints what is open and makes it the exit code.
func printIncidents(ctx context.Context, env *engine.Env, s *store.Store) error {
	open, err := s.Incidents(ctx, true)
	if err != nil || len(open) == 0 {
		return err
	}
	t := env.Table()
	for _, i := range open {
		t.AppendRow(table.Row{i.Account, env.Paint(output.Bad, strings.ReplaceAll(i.Kind, "_", " ")), "opened " + env.Ago(&i.OpenedAt), output.Plain(i.Message)})
	}
	if err := env.Printf("\n%s\n", output.Count(len(open), "open incident")); err != nil {
		return err
	}
	if err := env.Print(t); err != nil {
		return err
	}
	return &output.ExitError{Code: output.ExitDrift}
}

// accountsTable says how each account does.
func accountsTable(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store) (table.Writer, error) {
	kept, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	remembered := map[string]model.Account{}
	for _, k := range kept {
		remembered[k.ID] = k
	}
	overdue, err := s.DueCount(ctx, env.Now().Add(-overdueAfter))
	if err != nil {
		return nil, err
	}
	month := env.Now().Add(-30 * config.Day)
	t := env.Table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue", "told by callbacks", "error budget")
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
			late = env.Paint(output.Warn, late)
		}
		k := remembered[account.ID]
		t.AppendRow(table.Row{
			account.ID, account.Provider, env.Ago(k.LastCallbackAt), env.Ago(k.LastPollAt), env.Ago(account.NextPoll(env.Now())),
			open, late, env.ShareWords(n, float64(c.CallbackObjective)), env.BudgetWords(n, float64(c.CallbackObjective)),
		})
		delete(remembered, account.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(remembered)) {
		k := remembered[id]
		t.AppendRow(table.Row{id, k.Provider, env.Ago(k.LastCallbackAt), env.Ago(k.LastPollAt), "not in the config"})
	}
	return t, nil
}

// daemonWords says whether a daemon holds the database.
func daemonWords(ctx context.Context, env *engine.Env, s *store.Store) (string, error) {
	h, err := s.LockOwner(ctx, database.LockServe)
	switch {
	case errors.Is(err, store.ErrNoRow):
		return env.Paint(output.Warn, "not running"), nil
	case err != nil:
		return "", err
	case h.Since.IsZero():
		return env.Paint(output.Good, "running"), nil
	}
	return env.Paint(output.Good, "running") + fmt.Sprintf(" since %s (%s)", env.Ago(&h.Since), output.Plain(h.Owner)), nil
}
