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
	"countersign/model/store/database"
)

// overdueAfter is how long a row may be due before it counts as overdue.
const overdueAfter = 5 * time.Minute

func statusVerb(a *app) *cobra.Command {
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
			return a.reading(ctx, func(c *Config, s *store.Store) error { return a.status(ctx, c, s) })
		},
	}
}

func (a *app) status(ctx context.Context, c *Config, s *store.Store) error {
	daemon, err := a.daemon(ctx, s)
	if err != nil {
		return err
	}
	head := a.table()
	head.AppendRow(table.Row{"daemon", daemon})
	head.AppendRow(table.Row{"database", c.databaseShown()})
	if err := a.print(head); err != nil {
		return err
	}
	accounts, err := a.accountsTable(ctx, c, s)
	if err != nil {
		return err
	}
	if accounts.Length() > 0 {
		a.printf("\n") //nolint:errcheck // the table tells
		if err := a.print(accounts); err != nil {
			return err
		}
	}
	if err := a.reaches(c); err != nil {
		return err
	}
	return a.incidents(ctx, s)
}

// reaches says what polls can see of each account.
func (a *app) reaches(c *Config) error {
	t := a.table()
	for i := range c.Accounts {
		if r := a.reach(&c.Accounts[i]); r != "" {
			t.AppendRow(table.Row{c.Accounts[i].ID, plain(r)})
		}
	}
	if t.Length() == 0 {
		return nil
	}
	if err := a.printf("\nPolls see\n"); err != nil {
		return err
	}
	return a.print(t)
}

// incidents prints what is open and makes it the exit code.
func (a *app) incidents(ctx context.Context, s *store.Store) error {
	open, err := s.Incidents(ctx, true)
	if err != nil || len(open) == 0 {
		return err
	}
	t := a.table()
	for _, i := range open {
		t.AppendRow(table.Row{i.Account, a.paint(evil, strings.ReplaceAll(i.Kind, "_", " ")), "opened " + a.ago(&i.OpenedAt), plain(i.Message)})
	}
	if err := a.printf("\n%s\n", count(len(open), "open incident")); err != nil {
		return err
	}
	if err := a.print(t); err != nil {
		return err
	}
	return &exitError{code: exitDrift}
}

// accountsTable says how each account does.
func (a *app) accountsTable(ctx context.Context, c *Config, s *store.Store) (table.Writer, error) {
	kept, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	remembered := map[string]model.Account{}
	for _, k := range kept {
		remembered[k.ID] = k
	}
	overdue, err := s.DueCount(ctx, a.now().Add(-overdueAfter))
	if err != nil {
		return nil, err
	}
	month := a.now().Add(-30 * day)
	t := a.table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue", "told by callbacks", "error budget")
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
			late = a.paint(warn, late)
		}
		k := remembered[account.ID]
		t.AppendRow(table.Row{
			account.ID, account.Provider, a.ago(k.LastCallbackAt), a.ago(k.LastPollAt), a.ago(account.nextSlot(a.now())),
			open, late, a.told(n, c.CallbackObjective), a.budgetWords(n, c.CallbackObjective),
		})
		delete(remembered, account.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(remembered)) {
		k := remembered[id]
		t.AppendRow(table.Row{id, k.Provider, a.ago(k.LastCallbackAt), a.ago(k.LastPollAt), "not in the config"})
	}
	return t, nil
}

// daemon says whether a daemon holds the database.
func (a *app) daemon(ctx context.Context, s *store.Store) (string, error) {
	h, err := s.LockOwner(ctx, database.LockServe)
	switch {
	case errors.Is(err, store.ErrNoRow):
		return a.paint(warn, "not running"), nil
	case err != nil:
		return "", err
	case h.Since.IsZero():
		return a.paint(good, "running"), nil
	}
	return a.paint(good, "running") + fmt.Sprintf(" since %s (%s)", a.ago(&h.Since), plain(h.Owner)), nil
}
