package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/upkeep"
	"countersign/model"
	"countersign/model/store"
)

func newTrackCommand(env *engine.Env) *cobra.Command {
	var file string
	var dry bool
	cmd := &cobra.Command{
		Use:   "track ACCOUNT [REF...]",
		Short: "Follow transactions that no list would show",
		Long: `track starts to follow transactions by their ref: those of a provider that lists nothing, those of a
sender whom the key does not see, those of before. A ref that is followed already is asked about again, one that
was forgotten is followed anew.
The daemon, or the next poll, asks the provider at once.

--file takes one ref a line; or lines of account and ref; or a table whose head line names a column ref. Columns
are parted by commas, semicolons or tabs. Blank lines and lines that begin with # are skipped; - is stdin. Where
the table has a column account too, rows of other accounts are left out. One wrong line, and nothing is done.
--dry-run says what would be. What was tracked by mistake goes with ` + "`untrack`" + `.`,
		Example: "  countersign track sales 8f3a1c 9b2d\n  countersign track hr --file refs.csv\n  cut -f1 refs.tsv | countersign track hr --file -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && file == "" {
				return output.Usagef("nothing to track: name refs, or --file")
			}
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			acc, err := arguments.Configured(c, args[0])
			if err != nil {
				return err
			}
			refs, others, err := arguments.RefsOf(cmd.Context(), env, c, acc.ID, file, args[1:])
			if err != nil {
				return err
			}
			if others > 0 {
				env.TellCount("cli.track.others", others, "account", acc.ID) //nolint:errcheck // the next line tells
			}
			ctx := cmd.Context()
			if dry {
				return planTrack(ctx, env, c, acc, refs)
			}
			return env.WritingWith(ctx, c,
				func(ctx context.Context, w *engine.Writer) error { return upkeep.Track(ctx, env, w, acc, refs) })
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "refs from this `FILE`, one a line, or a table with a column ref; - is stdin")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be tracked, and change nothing")
	return cmd
}

// planTrack says which refs would be new. Before there is a database, all are.
func planTrack(ctx context.Context, env *engine.Env, c *config.Config, acc *config.Account, refs []string) error {
	var fresh []string
	s, err := env.OpenStore(ctx, c, true)
	switch {
	case errors.Is(err, engine.ErrNoDatabase):
		fresh = refs
	case err != nil:
		return err
	default:
		defer s.Close() //nolint:errcheck // only read
		for _, ref := range refs {
			_, err := s.Transaction(ctx, model.Key{Account: acc.ID, Ref: ref})
			if errors.Is(err, store.ErrNoRow) {
				fresh = append(fresh, ref)
			} else if err != nil {
				return err
			}
		}
	}
	for _, ref := range fresh {
		if err := env.Printf("  %s\n", output.Plain(ref)); err != nil {
			return err
		}
	}
	return env.TellCount("cli.track.would", len(fresh), "account", acc.ID, "known", len(refs)-len(fresh))
}
