package health

import (
	"context"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output/layout"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// SumLedger reads what the ledger says of an account since a day.
func SumLedger(
	ctx context.Context, env *engine.Env, s *store.Store, account string, since time.Time, wanted float64,
) (out objects.Ledger, err error) {
	out = objects.Ledger{Account: account, Since: since.UTC().Truncate(values.Day), Wanted: wanted}
	if out.Share, err = s.Share(ctx, account, &since); err != nil {
		return out, err
	}
	recent := env.Now().UTC().Add(-values.Day).Truncate(values.Day)
	if since.After(recent) {
		recent = since
	}
	if out.Recent, err = s.Share(ctx, account, &recent); err != nil {
		return out, err
	}
	if out.Repairs, err = s.Repairs(ctx, account, &since); err != nil {
		return out, err
	}
	if out.Changes, err = s.SharesByChange(ctx, account, since); err != nil {
		return out, err
	}
	out.Firsts, err = s.Firsts(ctx, account, &since)
	return out, err
}

// PrintShares prints, per account, how many changes callbacks told, and what became of the others.
func PrintShares(env *engine.Env, sums []objects.Ledger, since time.Time) error {
	if len(sums) == 0 {
		return nil
	}
	shares := env.Table("account", "told by callbacks", "told", "missed", "late", "refused", "not counted")
	budgets := env.Table("account", "objective", "may miss", "error budget", "burn since yesterday")
	times := env.Table("account", "changes that no callback told", "how many", "half within", "90% within", "99% within")
	for _, l := range sums {
		shares.AppendRow(table.Row{l.Account, env.ShareWords(l.Share, l.Wanted), l.Reported, l.Missed, l.Late, l.Refused,
			l.Unsubscribed + l.NoEvent})
		budgets.AppendRow(table.Row{l.Account, env.PercentOf(l.Wanted), env.Decimal(objects.Allowed(l.Share, l.Wanted)),
			env.BudgetWords(l.Share, l.Wanted), env.BurnWords(l.Recent, l.Wanted)})
		for _, p := range []struct {
			what string
			of   model.Percentiles
		}{
			{env.Say("cli.gaps.bound"), l.Repairs.Bound}, {env.Say("cli.gaps.dated"), l.Repairs.Dated},
			{env.Say("cli.gaps.late"), l.Repairs.Late},
		} {
			if p.of.Of > 0 {
				times.AppendRow(table.Row{l.Account, p.what, p.of.Of, env.Lasting(p.of.P50), env.Lasting(p.of.P90),
					env.Lasting(p.of.P99)})
			}
		}
	}
	if err := env.Tell("cli.gaps.since", "date", since.UTC().Format(time.DateOnly)); err != nil {
		return err
	}
	if err := env.Print(shares); err != nil {
		return err
	}
	for _, t := range []*layout.Table{budgets, times} { // each for itself, so that they fit eighty columns
		if t.Length() == 0 {
			continue
		}
		if err := env.Printf("\n"); err != nil {
			return err
		}
		if err := env.Print(t); err != nil {
			return err
		}
	}
	return printFirsts(env, sums)
}

// printFirsts prints which channels told of changes first.
func printFirsts(env *engine.Env, sums []objects.Ledger) error {
	t := env.Table("account", "told first by")
	for _, l := range sums {
		if words := env.ChannelWords(l.Firsts); words != "" {
			t.AppendRow(table.Row{l.Account, words})
		}
	}
	if t.Length() == 0 {
		return nil
	}
	if err := env.Printf("\n"); err != nil {
		return err
	}
	return env.Print(t)
}
