package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

type gapsFlags struct {
	account   string
	since     span
	limit     int
	json      bool
	all       bool
	summary   bool
	failUnder failUnder
}

// failUnder is a share below which a verb fails: as given, or the objective where it is given without one. It is a
// pflag.Value.
type failUnder struct {
	set    bool
	wanted *Percent // nil: the objective
}

const theObjective = "objective"

// Set reads s.
func (f *failUnder) Set(s string) error {
	f.set, f.wanted = true, nil
	if s == theObjective {
		return nil
	}
	var p Percent
	if err := p.parse(s); err != nil {
		return fmt.Errorf("%q %w", s, err)
	}
	f.wanted = &p
	return nil
}

func (f *failUnder) String() string {
	if f.wanted != nil {
		return f.wanted.String()
	}
	return ""
}

// Type is what the help calls it.
func (f *failUnder) Type() string { return "SHARE" }

func gapsVerb(a *app) *cobra.Command {
	f := gapsFlags{since: span{now: a.now}}
	cmd := &cobra.Command{
		Use:   "gaps",
		Short: "List the changes that callbacks missed, and say how many they told",
		Long: `gaps prints the ledger of changes that a poll found and no callback explained: missed, late, refused (a
callback came and was not proved), event not registered, or no event for it at the provider. Below it
stands, per account, the share of changes that callbacks told: told / (told + missed + late + refused), with what
callback_objective allows to be missed; how long what was missed stayed unknown; how late the late ones were; and
which channel told of the changes first. --summary prints only that, also as JSON. Shares count whole days (UTC).
Without --since it looks at the last 30 days. With --fail-under, an account below is exit 3.`,
		Example: "  countersign gaps --since 7d\n  countersign gaps --account sales --json\n" +
			"  countersign gaps --summary --fail-under 98%     # in CI or cron; without a share: the objective",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && f.failUnder.set && f.failUnder.wanted == nil { // "--fail-under 99%", as two words
				return f.failUnder.Set(args[0])
			}
			return cobra.NoArgs(cmd, args)
		},
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
	cmd.Flags().BoolVar(&f.summary, "summary", false, "what they come to per account, without the list")
	cmd.Flags().Var(&f.failUnder, "fail-under", "exit 3 where callbacks told less than `SHARE` of an account's changes; without one, less than callback_objective")
	cmd.Flags().Lookup("fail-under").NoOptDefVal = theObjective
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
	sums, err := a.sums(ctx, c, s, f)
	if err != nil {
		return err
	}
	if !f.summary {
		if err := a.gapsList(ctx, s, f); err != nil {
			return err
		}
	}
	switch {
	case f.summary && f.json:
		out := a.jsonLines()
		for _, l := range sums {
			if err := out.write(summaryObject(l)); err != nil {
				return err
			}
		}
	case !f.json:
		if err := a.shares(sums, f); err != nil {
			return err
		}
	}
	return f.judge(c, sums)
}

// sums reads what the ledger says of each account.
func (a *app) sums(ctx context.Context, c *Config, s *store.Store, f gapsFlags) (out []ledgerSum, err error) {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if f.account != "" && account.ID != f.account {
			continue
		}
		l, err := a.sumUp(ctx, s, account.ID, *f.since.at, c.CallbackObjective)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// judge is exit 3 where an account's callbacks told too little. One that was taken out of the config counts only if it
// is named.
func (f gapsFlags) judge(c *Config, sums []ledgerSum) error {
	if !f.failUnder.set {
		return nil
	}
	var errs []error
	for _, l := range sums {
		wanted := c.CallbackObjective
		if f.failUnder.wanted != nil {
			wanted = *f.failUnder.wanted
		}
		if _, configured := c.account(l.account); (configured || f.account != "") && below(l.Share, wanted) {
			errs = append(errs, fmt.Errorf("account %s: callbacks told %s of its changes, below %s", l.account, percent(l.Reported, l.All()), wanted))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &exitError{exitDrift, errors.Join(errs...)}
}

// gapsList prints the ledger itself.
func (a *app) gapsList(ctx context.Context, s *store.Store, f gapsFlags) error {
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
		return a.printf("no gaps since %s\n", f.since.at.UTC().Format(time.DateOnly))
	}
	return a.print(a.gapsTable(list, true))
}

// shares prints, per account, how many changes callbacks told, and what became of the others.
func (a *app) shares(sums []ledgerSum, f gapsFlags) error {
	if len(sums) == 0 {
		return nil
	}
	t := a.table("account", "told by callbacks", "told", "missed", "late", "refused", "not counted", "objective", "may miss", "error budget", "burn since yesterday")
	times := a.table("account", "changes that no callback told", "how many", "half within", "90% within", "99% within")
	for _, l := range sums {
		t.AppendRow(table.Row{
			l.account, a.told(l.Share, l.wanted), l.Reported, l.Missed, l.Late, l.Refused, l.Unsubscribed + l.NoEvent, l.wanted.String(),
			strconv.FormatFloat(allowed(l.Share, l.wanted), 'f', 1, 64), a.budgetWords(l.Share, l.wanted), burnWords(l.recent, l.wanted),
		})
		for _, p := range []struct {
			what string
			of   store.Percentiles
		}{
			{"found, at most so long after they happened", l.repairs.Bound}, {"found, after the time that the provider gives", l.repairs.Dated},
			{"then told late, so long after they were found", l.repairs.Late},
		} {
			if p.of.Of > 0 {
				times.AppendRow(table.Row{l.account, p.what, p.of.Of, lasting(p.of.P50), lasting(p.of.P90), lasting(p.of.P99)})
			}
		}
	}
	lead := "\n"
	if f.summary {
		lead = ""
	}
	if err := a.printf("%ssince %s\n", lead, f.since.at.UTC().Format(time.DateOnly)); err != nil {
		return err
	}
	if err := a.print(t); err != nil {
		return err
	}
	if times.Length() > 0 {
		if err := a.printf("\n"); err != nil {
			return err
		}
		if err := a.print(times); err != nil {
			return err
		}
	}
	return a.firstTold(sums)
}

// firstTold prints which channels told of changes first.
func (a *app) firstTold(sums []ledgerSum) error {
	t := a.table("account", "told first by")
	for _, l := range sums {
		if words := channelWords(l.firsts); words != "" {
			t.AppendRow(table.Row{l.account, words})
		}
	}
	if t.Length() == 0 {
		return nil
	}
	if err := a.printf("\n"); err != nil {
		return err
	}
	return a.print(t)
}

// told shows the share of changes that callbacks told, marked where it is below what is wanted.
func (a *app) told(n store.Share, wanted Percent) string {
	s := percent(n.Reported, n.All())
	if below(n, wanted) {
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
