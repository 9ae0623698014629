package main

import (
	"slices"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// newBenchCommand measures this machine. It is not on the help's first page.
func newBenchCommand(env *engine.Env) *cobra.Command {
	cmd := group("bench", "Measure this machine beside its limits", newBenchIngestCommand(env))
	cmd.Hidden = true
	return cmd
}

func newBenchIngestCommand(env *engine.Env) *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "Callbacks a second, stored and applied, beside what the database can do at all",
		Long: `ingest works in a temporary folder, on SQLite with synchronous FULL, in alternating rounds, and tells medians:
ours (the listener over loopback HTTP), naive (a careful gorm handler, one transaction a request, same HTTP, bodies not
compressed), work (in process: verify, parse, hash, keep headers, compress, apply) and bare (the same rows, plain SQL group commit). Every accepted
request is counted in the table after each round; a wrong count is exit 1. Speeds are told, not judged.`,
		Example: "  countersign bench ingest\n  countersign bench ingest --connections 64 --rounds 3 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Rounds < 1 || o.Seconds <= 0 || len(o.Connections) == 0 || slices.Min(o.Connections) < 1 {
				return output.Usagef("--rounds, --seconds and --connections take numbers above 0")
			}
			if o.Profile != "" {
				if err := arguments.NewFile("--cpu-profile", o.Profile); err != nil {
					return err
				}
			}
			return bench.Ingest(cmd.Context(), env, o)
		},
	}
	cmd.Flags().IntSliceVar(&o.Connections, "connections", []int{1, 16, 64, 256}, "how `MANY` callers")
	cmd.Flags().IntVar(&o.Rounds, "rounds", 5, "rounds of each, in turns")
	cmd.Flags().Float64Var(&o.Seconds, "seconds", 2, "how long a round takes")
	cmd.Flags().StringVar(&o.Profile, "cpu-profile", "", "write what the processor did to `FILE`, for go tool pprof")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "one object a line")
	return cmd
}
