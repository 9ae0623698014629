package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

type gapsFlags struct {
	account string
	since   span
	limit   int
	json    bool
	all     bool
}

func gapsVerb(a *app) *cobra.Command {
	f := gapsFlags{since: span{now: a.now}}
	cmd := &cobra.Command{
		Use:   "gaps",
		Short: "List the changes that callbacks missed, and say how many they told",
		Long: `gaps prints the ledger of changes that a poll found and no callback explained: missed, late, refused (a
callback came and was not proved), event not registered, or no event for it at the provider. Below it
stands, per account, the share of changes that callbacks told: told / (told + missed + late + refused), and
how late the late ones were. Without --since it looks at the last 30 days.`,
		Example: "  countersign gaps --since 7d\n  countersign gaps --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.limit < 0 {
				return usagef("--limit %d is below nothing", f.limit)
			}
			ctx := cmd.Context()
			return a.reading(ctx, func(c *Config, s *store.Store) error { return a.gaps(ctx, c, s, f) })
		},
	}
	cmd.Flags().StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	cmd.Flags().Var(&f.since, "since", "what was found since then: 30d, 2w, 720h, a date or a time")
	cmd.Flags().BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (a *app) gaps(ctx context.Context, c *Config, s *store.Store, f gapsFlags) error {
	if err := c.knows(ctx, s, f.account); err != nil {
		return err
	}
	if f.since.at == nil {
		month := a.now().Add(-30 * day)
		f.since.at = &month
	}
	list, err := s.Gaps(ctx, store.GapFilter{Account: f.account, Since: f.since.at, Limit: a.shown(f.limit, f.all || f.json)})
	if err != nil {
		return err
	}
	if f.json {
		out := a.jsonLines()
		for _, g := range list {
			if err := out.write(gapObject(g)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		err = a.printf("no gaps since %s\n", f.since.at.UTC().Format(time.DateOnly))
	} else {
		err = a.print(a.gapsTable(list, true))
	}
	if err != nil {
		return err
	}
	return a.shares(ctx, c, s, f)
}

// shares prints, per account, how many changes callbacks told.
func (a *app) shares(ctx context.Context, c *Config, s *store.Store, f gapsFlags) error {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	t := a.table("account", "told by callbacks", "told", "missed", "late", "refused", "late by, median", "at most")
	for _, account := range accounts {
		if f.account != "" && account.ID != f.account {
			continue
		}
		n, err := s.Share(ctx, account.ID, f.since.at)
		if err != nil {
			return err
		}
		late, most := "", ""
		if n.Late > 0 {
			late, most = lasting(n.Latency), lasting(n.LongestLatency)
		}
		t.AppendRow(table.Row{account.ID, a.told(n, c.CallbackObjective), n.Told, n.Missed, n.Late, n.Refused, late, most})
	}
	if t.Length() == 0 {
		return nil
	}
	if err := a.printf("\nsince %s\n", f.since.at.UTC().Format(time.DateOnly)); err != nil {
		return err
	}
	return a.print(t)
}

// told shows the share of changes that callbacks told, marked where it is below what is wanted.
func (a *app) told(n store.ShareTold, wanted Percent) string {
	all := n.Told + n.Missed + n.Late + n.Refused
	s := percent(n.Told, all)
	if all > 0 && n.Share()*100 < float64(wanted) {
		return a.paint(warn, s)
	}
	return s
}

// gapsTable lists gaps; with their rows, where they are not of one row.
func (a *app) gapsTable(list []model.Gap, rows bool) table.Writer {
	heads := table.Row{"found", "change", "gap", "happened between", "found by"}
	if rows {
		heads = append(table.Row{"account", "ref"}, heads...)
	}
	t := a.table(heads...)
	for _, g := range list {
		line := table.Row{a.ago(&g.FoundAt), gapWords(g), gapKindWords(g), between(g), plain(g.FoundBy)}
		if rows {
			line = append(table.Row{g.Account, plain(g.Ref)}, line...)
		}
		t.AppendRow(line)
	}
	return t
}

// between says what is known of the time of a change that nobody told.
func between(g model.Gap) string {
	to := g.Before.UTC().Format(time.DateTime)
	if g.After == nil {
		return "before " + to
	}
	return g.After.UTC().Format(time.DateTime) + " and " + to
}

// percent shows a share, never rounded up to the whole.
func percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	tenths := part * 1000 / of
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}
