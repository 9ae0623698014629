package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/health"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

type gapsFlags struct {
	account   string
	since     config.Span
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
	wanted *values.Percent // nil: the objective
}

const theObjective = "objective"

// Set reads s.
func (f *failUnder) Set(s string) error {
	f.set, f.wanted = true, nil
	if s == theObjective {
		return nil
	}
	p, err := values.ParsePercent(s)
	if err != nil {
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

func newGapsCommand(env *engine.Env) *cobra.Command {
	f := gapsFlags{since: config.Span{Now: env.Now}}
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
			"  countersign gaps --summary --fail-under 98%  # in CI; without: the objective",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && f.failUnder.set && f.failUnder.wanted == nil { // "--fail-under 99%", as two words
				if err := f.failUnder.Set(args[0]); err != nil {
					return output.Usagef("%w: see `%s --help`", err, cmd.CommandPath())
				}
				return nil
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.limit < 0 {
				return output.Usagef("--limit %d is below nothing", f.limit)
			}
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return runGaps(ctx, env, c, s, f) })
		},
	}
	cmd.Flags().StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	cmd.Flags().Var(&f.since, "since", "what was found since then: 30d, 2w, 720h, a date or a time")
	cmd.Flags().BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	cmd.Flags().BoolVar(&f.summary, "summary", false, "what they come to per account, without the list")
	cmd.Flags().Var(&f.failUnder, "fail-under",
		"exit 3 where callbacks told less than `SHARE` of an account's changes; without one, less than callback_objective")
	cmd.Flags().Lookup("fail-under").NoOptDefVal = theObjective
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func runGaps(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, f gapsFlags) error {
	if err := arguments.KnownAccounts(ctx, c, s, f.account); err != nil {
		return err
	}
	if f.since.At == nil {
		month := env.Now().Add(-30 * values.Day)
		f.since.At = &month
	}
	sums, err := sumLedgers(ctx, env, c, s, f)
	if err != nil {
		return err
	}
	if !f.summary {
		if err := listGaps(ctx, env, s, f); err != nil {
			return err
		}
	}
	switch {
	case f.summary && f.json:
		out := env.JSONLines()
		for _, l := range sums {
			if err := out.Write(objects.OfLedger(l)); err != nil {
				return err
			}
		}
	case !f.json:
		if len(sums) > 0 && !f.summary {
			if err := env.Printf("\n"); err != nil {
				return err
			}
		}
		if err := health.PrintShares(env, sums, *f.since.At); err != nil {
			return err
		}
	}
	return f.judge(c, sums)
}

// sumLedgers reads what the ledger says of each account.
func sumLedgers(
	ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, f gapsFlags,
) (out []objects.Ledger, err error) {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if f.account != "" && account.ID != f.account {
			continue
		}
		l, err := health.SumLedger(ctx, env, s, account.ID, *f.since.At, float64(c.CallbackObjective))
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// judge is exit 3 where an account's callbacks told too little. One that was taken out of the config counts only if it
// is named.
func (f gapsFlags) judge(c *config.Config, sums []objects.Ledger) error {
	if !f.failUnder.set {
		return nil
	}
	var errs []error
	for _, l := range sums {
		wanted := c.CallbackObjective
		if f.failUnder.wanted != nil {
			wanted = *f.failUnder.wanted
		}
		if _, configured := c.Account(l.Account); (configured || f.account != "") && objects.Below(l.Share, float64(wanted)) {
			errs = append(errs, fmt.Errorf("account %s: callbacks told %s of its changes, below %s", l.Account,
				output.English().Percent(l.Reported, l.All()), wanted))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &output.ExitError{Code: output.ExitDrift, Err: errors.Join(errs...)}
}

// listGaps prints the ledger itself.
func listGaps(ctx context.Context, env *engine.Env, s *store.Store, f gapsFlags) error {
	list, err := s.Gaps(ctx,
		store.GapFilter{Account: f.account, Since: f.since.At, Limit: env.Shown(f.limit, f.all || f.json)})
	if err != nil {
		return err
	}
	if f.json {
		out := env.JSONLines()
		for _, g := range list {
			if err := out.Write(objects.OfGap(g)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		return env.Tell("cli.gaps.none", "date", f.since.At.UTC().Format(time.DateOnly))
	}
	return env.Print(env.GapsTable(list, true))
}
