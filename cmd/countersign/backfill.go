package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/queue"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/ask/runs"
	"countersign/worker/poll"
)

type backfillOptions struct {
	accounts     []string
	since, until config.Span
	plan         bool
	documents    bool
}

// newBackfillCommand loads history, once.
func newBackfillCommand(env *engine.Env) *cobra.Command {
	o := backfillOptions{since: config.Span{Now: env.Now}, until: config.Span{Now: env.Now, Future: true}}
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Load history, once",
		Long: `backfill loads what the providers list for a span of time, with its documents. What it finds is history:
no gap, and not announced. Stopped half way, the same command resumes where it was. --plan lists and
compares without writing: what would change, how many calls and how long.`,
		Example: "  countersign backfill --since 30d --plan\n  countersign backfill --since 2026-01-01 --until 2026-07-01 --account sales",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.since.At == nil {
				return output.Usagef("--since SPAN is needed: 30d, 2w, 720h, a date or a time")
			}
			if o.until.At != nil && !o.until.At.After(*o.since.At) {
				return output.Usagef("--until must be after --since")
			}
			if o.plan {
				return printBackfillPlan(cmd.Context(), env, o)
			}
			runs, err := env.FollowRuns(cmd.Context(), env.RunProgress(), o.queue)
			if err != nil {
				return err
			}
			printRuns(env, runs)
			return queue.Failures(runs)
		},
	}
	cmd.Flags().Var(&o.since, "since", "from this `SPAN` ago, date or time on")
	cmd.Flags().Var(&o.until, "until", "up to this `SPAN` ago, date or time (default: now)")
	cmd.Flags().StringSliceVar(&o.accounts, "account", nil, "only this `ACCOUNT` (repeatable)")
	cmd.Flags().BoolVar(&o.plan, "plan", false, "say what would change and what it costs, write nothing")
	cmd.Flags().BoolVar(&o.documents, "documents", true, "fetch the documents too")
	return cmd
}

// lists are the chosen accounts; one that lists nothing is refused.
func (o backfillOptions) lists(q *queue.Queue) ([]*config.Account, error) {
	accounts, err := q.Chosen(o.accounts)
	if err != nil {
		return nil, err
	}
	var out []*config.Account
	var errs []error
	for _, acc := range accounts {
		if acc.ListsNothing(q.Providers) {
			errs = append(errs, fmt.Errorf("account %s: %w", acc.ID, poll.ErrNoList))
			continue
		}
		out = append(out, acc)
	}
	if len(errs) > 0 && (len(o.accounts) > 0 || len(out) == 0) {
		return nil, &output.ExitError{Code: output.ExitUsage, Err: errors.Join(errs...)}
	}
	for _, err := range errs {
		q.Log.Warn(err.Error())
	}
	return out, nil
}

// queue writes the runs, or finds the ones that were stopped half way.
func (o backfillOptions) queue(ctx context.Context, q *queue.Queue) ([]model.Run, error) {
	accounts, err := o.lists(q)
	if err != nil {
		return nil, err
	}
	until := q.Now()
	if o.until.At != nil {
		until = *o.until.At
	}
	var queued []model.Run
	for _, acc := range accounts {
		r, err := q.Runs.Queue(ctx, model.Run{
			Account: acc.ID, Kind: runs.KindBackfill, Since: o.since.At, Until: &until,
			Params: queue.Params(runs.Params{Documents: &o.documents}),
		}, true)
		if err != nil {
			return nil, err
		}
		if r.Cursor != "" {
			fmt.Fprintln(q.Out.Stderr, q.Out.Say("cli.backfill.resuming", "account", acc.ID,
				"since", r.Since.Format(time.DateOnly), "n", r.Listed))
		}
		queued = append(queued, r)
	}
	return queued, nil
}

// printBackfillPlan says what a backfill would do. It spends budget, so it takes the work lock; where a daemon has it,
// the plan asks beside the daemon.
func printBackfillPlan(ctx context.Context, env *engine.Env, o backfillOptions) (err error) {
	c, err := env.Config()
	if err != nil {
		return err
	}
	log := logrus.NewEntry(env.Logger(c.Log))
	log.Logger.SetLevel(logrus.WarnLevel)
	e, err := env.Start(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	accounts, err := o.lists(e.Queue())
	if err != nil {
		return err
	}
	until := env.UTC()
	if o.until.At != nil {
		until = *o.until.At
	}
	t := env.Table("ACCOUNT", "LISTED", "NEW", "CHANGED", "KNOWN", "CALLS", "FILES", "TAKES ABOUT")
	ask := func(ctx context.Context) error {
		for _, acc := range accounts {
			plan, err := e.Worker.Tiers.PlanBackfill(ctx, e.Accounts.Find(acc.ID), *o.since.At, until)
			if err != nil {
				return err
			}
			t.AppendRow(table.Row{
				plan.Account, plan.Listed, plan.New, plan.Changed, plan.Known, plan.Calls, plan.Downloads,
				plan.Time.Round(time.Second),
			})
		}
		return nil
	}
	if err = e.Work(ctx, false, ask); errors.Is(err, store.ErrLocked) {
		err = ask(ctx)
	}
	if err == nil {
		env.Print(t)
	}
	return err
}
