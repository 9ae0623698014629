package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/queue"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/ask/runs"
	"countersign/worker/console/objects"
	"countersign/worker/verify"
)

type verifyOptions struct {
	accounts []string
	sample   int
	repair   bool
	json     bool
	unlisted []string // accounts whose provider lists nothing
}

// newVerifyCommand proves the table against the providers.
func newVerifyCommand(env *engine.Env) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the table with the providers and the files with their hashes",
		Long: `verify asks the provider about each row, inside the budget, and re-hashes each stored file. Drift is exit 3, mended
or not. What a provider does not have any more is counted beside drift, never in it. --repair applies the answers
and has altered or missing files fetched anew. Stopped half way, the same command goes on where it was. Where a
provider cannot be asked, the account's files are verified all the same, and the exit code is 1.
It cannot know of what the table has never heard of, or has lost: ` + "`backfill`" + ` finds what a provider lists, and where one
lists nothing, only ` + "`track`" + ` names it.`,
		Example: "  countersign verify\n  countersign verify --account sales --sample 200 --json\n  countersign verify --repair",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.sample < 0 {
				return output.Usagef("--sample takes a whole number above 0")
			}
			return runVerify(cmd.Context(), env, o)
		},
	}
	cmd.Flags().StringSliceVar(&o.accounts, "account", nil, "only this `ACCOUNT` (repeatable)")
	cmd.Flags().IntVar(&o.sample, "sample", 0, "only `N` rows of each account, by chance")
	cmd.Flags().BoolVar(&o.repair, "repair", false, "mend what differs")
	cmd.Flags().BoolVar(&o.json, "json", false, "one object a line")
	return cmd
}

// queue writes the runs, or finds the ones that were stopped half way.
func (o *verifyOptions) queue(ctx context.Context, q *queue.Queue) ([]model.Run, error) {
	accounts, err := q.Chosen(o.accounts)
	if err != nil {
		return nil, err
	}
	var queued []model.Run
	for _, acc := range accounts {
		if acc.ListsNothing(q.Providers) {
			o.unlisted = append(o.unlisted, acc.ID)
		}
		r, resumed, err := verify.Queue(ctx, q.Store, q.Runs, acc.ID, runs.Params{Sample: o.sample, Repair: o.repair})
		if err != nil {
			return nil, err
		}
		if resumed && r.Cursor != "" {
			fmt.Fprintln(q.Out.Stderr, q.Out.Say("cli.verify.resuming", "account", acc.ID,
				"began", r.CreatedAt.Format(objects.StampLayout), "n", r.Asked, "of", r.Total))
		}
		queued = append(queued, r)
	}
	return queued, nil
}

func runVerify(ctx context.Context, env *engine.Env, o verifyOptions) error {
	p := env.RunProgress()
	runs, err := env.FollowRuns(ctx, p, o.queue)
	if err != nil {
		return err
	}
	var sum verify.Verified
	for _, r := range runs {
		sum.Add(verify.VerifiedBy(r))
	}
	err = env.Reading(ctx, func(_ *config.Config, s *store.Store) error {
		if o.json {
			return printDriftLines(ctx, env, s, runs, sum)
		}
		return printDriftTable(ctx, env, s, runs, sum)
	})
	if err != nil {
		return err
	}
	for _, id := range o.unlisted {
		fmt.Fprintln(env.Stderr, env.Say("cli.verify.unlisted", "account", id))
	}
	if err := queue.Failures(runs); err != nil {
		return err
	}
	if sum.Drift > 0 {
		return &output.ExitError{Code: output.ExitDrift}
	}
	return nil
}

// eachDrift calls do for each line of the runs, until it says no more.
func eachDrift(
	ctx context.Context, s *store.Store, runs []model.Run, do func(model.DriftLine) (more bool, err error),
) error {
	for _, r := range runs {
		for after := (model.DriftLine{}); ; {
			lines, err := s.Drift(ctx, r.ID, after, 1000)
			if err != nil {
				return err
			}
			for _, l := range lines {
				if more, err := do(l); err != nil || !more {
					return err
				}
				after = l
			}
			if len(lines) < 1000 {
				break
			}
		}
	}
	return nil
}

// printDriftLines prints an object a line, and the sum last.
func printDriftLines(
	ctx context.Context, env *engine.Env, s *store.Store, runs []model.Run, sum verify.Verified,
) error {
	enc := json.NewEncoder(env.Stdout)
	err := eachDrift(ctx, s, runs, func(l model.DriftLine) (bool, error) {
		return true, enc.Encode(objects.OfDrift(l))
	})
	if err != nil {
		return err
	}
	return enc.Encode(sum)
}

// driftField names the field that differs, and whose it is where a transaction has several.
func driftField(env *engine.Env, l model.DriftLine) string {
	if l.Field == "signer" {
		return env.Say("cli.verify.signer", "signer", output.Plain(l.About))
	}
	return output.Plain(l.Field)
}

// mostDrift bounds a table: beyond it nobody reads, and its columns are as wide as its widest line.
const mostDrift = 1000

func printDriftTable(
	ctx context.Context, env *engine.Env, s *store.Store, runs []model.Run, sum verify.Verified,
) error {
	t := env.Table("ACCOUNT", "REF", "FIELD", "OURS", "THEIRS", "REPAIRED")
	err := eachDrift(ctx, s, runs, func(l model.DriftLine) (bool, error) {
		t.AppendRow(table.Row{l.Account, output.Plain(l.Ref), driftField(env, l), output.Plain(l.Ours), output.Plain(l.Theirs),
			map[bool]string{true: env.Say("cli.yes")}[l.Repaired]})
		return t.Length() < mostDrift, nil
	})
	if err != nil {
		return err
	}
	if t.Length() > 0 {
		if err := env.Print(t); err != nil {
			return err
		}
	}
	if more := sum.Drift - t.Length(); more > 0 {
		if err := env.Tell("cli.verify.more", "n", more); err != nil {
			return err
		}
	}
	return env.Tell("cli.verify.sum", "checked", sum.Checked, "drift", sum.Drift, "repaired", sum.Repaired,
		"not_found", sum.NotFound)
}
