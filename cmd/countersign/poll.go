package main

import (
	"context"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/queue"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
)

type pollOptions struct {
	accounts, tiers, refs []string
}

// newPollCommand does the passes of the slots now.
func newPollCommand(env *engine.Env) *cobra.Command {
	var o pollOptions
	cmd := &cobra.Command{
		Use:   "poll",
		Short: "Ask the providers now, as the slots do",
		Long: `poll does the same passes as the slots, once: the list of what changed, the open rows, the final rows of
the last thirty days. It returns when the answers are applied and the documents that they brought are no
longer in work. With a daemon running, the daemon does the work and poll follows it.

An account that rests because its provider failed is asked at once, and the error that it meets is printed. Without
an answer for two minutes (four times retry.first), poll ends with exit 1. Accounts that were not named are left alone.

--ref asks about single transactions, at any time; a ref that the table does not know becomes a row if the
provider knows it.`,
		Example: "  countersign poll\n  countersign poll --account sales --tier active\n  countersign poll --account hr --ref 8f3a",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, t := range o.tiers {
				if !slices.Contains(apply.Tiers(), apply.Tier(t)) {
					return output.Usagef("--tier: %q is not active, idle or audit", t)
				}
			}
			if len(o.refs) > 0 && len(o.tiers) > 0 {
				return output.Usagef("--ref and --tier do not go together: a ref is asked about whatever its tier")
			}
			runs, err := env.FollowRuns(cmd.Context(), env.RunProgress(), o.queue)
			if err != nil {
				return err
			}
			printRuns(env, runs)
			return queue.Failures(runs)
		},
	}
	cmd.Flags().StringSliceVar(&o.accounts, "account", nil, "only this `ACCOUNT` (repeatable)")
	cmd.Flags().StringSliceVar(&o.tiers, "tier", nil, "only these tiers: active,idle,audit")
	cmd.Flags().StringArrayVar(&o.refs, "ref", nil, "only this `REF` (repeatable)")
	return cmd
}

// queue writes the runs: one for each account and tier, or one for the refs.
func (o pollOptions) queue(ctx context.Context, q *queue.Queue) ([]model.Run, error) {
	if len(o.refs) > 0 {
		return o.queueRefs(ctx, q)
	}
	tiers := apply.Tiers()
	if len(o.tiers) > 0 {
		tiers = slices.DeleteFunc(tiers, func(t apply.Tier) bool { return !slices.Contains(o.tiers, string(t)) })
	}
	return q.Polls(ctx, o.accounts, tiers)
}

// queueRefs groups the refs by account: the one named, or the one whose row has the ref.
func (o pollOptions) queueRefs(ctx context.Context, q *queue.Queue) ([]model.Run, error) {
	if len(o.accounts) > 1 {
		return nil, output.Usagef("--ref goes with one --account")
	}
	byAccount := map[string][]string{}
	for _, ref := range o.refs {
		id, err := o.accountOf(ctx, q, ref)
		if err != nil {
			return nil, err
		}
		byAccount[id] = append(byAccount[id], ref)
	}
	var queued []model.Run
	for id, refs := range byAccount {
		if _, err := q.Chosen([]string{id}); err != nil {
			return nil, err
		}
		r, err := q.Runs.Queue(ctx,
			model.Run{Account: id, Kind: runs.KindRefs, Params: queue.Params(runs.Params{Refs: refs})}, false)
		if err != nil {
			return nil, err
		}
		queued = append(queued, r)
	}
	return queued, nil
}

func (o pollOptions) accountOf(ctx context.Context, q *queue.Queue, ref string) (string, error) {
	if len(o.accounts) == 1 {
		return o.accounts[0], nil
	}
	rows, err := q.Store.FindRef(ctx, ref)
	switch {
	case err != nil:
		return "", err
	case len(rows) == 1:
		return rows[0].Account, nil
	case len(rows) > 1:
		return "", output.Usagef("ref %s stands in several accounts: name one with --account", output.Plain(ref))
	case len(q.Config.Accounts) == 1:
		return q.Config.Accounts[0].ID, nil
	}
	return "", output.Usagef("ref %s is in no row: name its account with --account (%s)", output.Plain(ref),
		strings.Join(q.Names(), ", "))
}

// printRuns shows how runs ended.
func printRuns(env *engine.Env, runs []model.Run) {
	t := env.Table("ACCOUNT", "RUN", "ENDED", "LISTED", "ASKED", "CHANGED", "GAPS", "DOCUMENTS", "LEFT")
	for _, r := range runs {
		state := env.Word("runstate", string(r.State))
		if r.State == model.RunDone {
			state = env.Paint(output.Good, state)
		} else {
			state = env.Paint(output.Bad, state)
		}
		t.AppendRow(table.Row{r.Account, env.Word("cli.kind", r.Kind), state, r.Listed, r.Asked, r.Changed, r.Gaps, r.Queued, r.Left})
	}
	env.Print(t)
}
