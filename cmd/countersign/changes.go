package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// followEvery is how often --follow looks for more.
const followEvery = 500 * time.Millisecond

type changesFlags struct {
	after  int64
	follow bool
	limit  int
	json   bool
}

func newChangesCommand(env *engine.Env) *cobra.Command {
	var f changesFlags
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Print every change once, in order",
		Long: `changes prints every change, once and in order: statuses, confirmations, flags, attention, documents,
gaps and incidents. A program that keeps the last seq it has worked on needs no other memory: it comes
back with --after. With --follow it waits for more until it is interrupted.`,
		Example: `  countersign changes --after 1200
  countersign changes --follow --json | my-program`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.after < 0 || f.limit < 0 {
				return output.Usagef("--after and --limit are not below 0")
			}
			return env.Reading(cmd.Context(),
				func(_ *config.Config, s *store.Store) error { return runChanges(cmd.Context(), env, s, f) })
		},
	}
	cmd.Flags().Int64Var(&f.after, "after", 0, "only changes whose seq is above `SEQ`")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on until interrupted")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

// runChanges prints what there is and, if it follows, what comes. Being interrupted is how following ends.
func runChanges(ctx context.Context, env *engine.Env, s *store.Store, f changesFlags) error {
	write := func(c model.Change) error { return printChange(env, c) }
	if f.json {
		out := env.JSONLines()
		write = func(c model.Change) error { return out.Write(objects.OfChange(c)) }
	}
	if first, newest, err := s.Feed(ctx); err != nil {
		return err
	} else if f.after > newest {
		return fmt.Errorf("no change has seq %d yet: the newest is %d", f.after, newest)
	} else if f.after > 0 && f.after < first-1 {
		return fmt.Errorf("changes before seq %d are no longer kept: read the table anew with `countersign list`, then go on with --after %d", first, first-1)
	}
	after, left := f.after, f.limit
	for {
		page := output.AtOnce
		if f.limit > 0 {
			page = min(page, left)
		}
		list, err := s.Changes(ctx, after, page)
		if f.follow && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := write(c); err != nil {
				return err
			}
			after = c.Seq
		}
		if left -= len(list); f.limit > 0 && left <= 0 {
			return nil
		}
		switch {
		case len(list) == page:
		case !f.follow:
			return nil
		case !env.Wait(ctx, followEvery):
			return nil
		}
	}
}

// printChange prints a change for people.
func printChange(env *engine.Env, c model.Change) error {
	what := env.ChangeWords(c)
	if c.Kind == model.KindStatus || c.Kind == model.KindConfirmed {
		what = env.Paint(output.StatusColour(c.Status), what)
		if !c.Confirmed {
			what = env.Say("cli.status.claimed", "status", what)
		}
	}
	where := c.Account
	if c.Ref != "" {
		where += "/" + output.Plain(c.Ref)
	}
	return env.Printf("%d  %s  %s  %s: %s  %s\n", c.Seq, c.At.UTC().Format(time.DateTime), where,
		env.Word("changekind", string(c.Kind)), what, env.Paint(output.Dull, env.Say("cli.change.by",
			"source", env.SourceWords(c.Source))))
}
