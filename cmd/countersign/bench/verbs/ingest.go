// Package verbs is the command line of the benches.
package verbs

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/bench/limits"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// Commands are the verbs below bench.
func Commands(env *engine.Env) []*cobra.Command {
	return append(tableCommands(env), ingestCommand(env), handleCommand(env), filesCommand(env), growthCommand(env),
		allCommand(env), hooksCommand(env), scalingCommand(env))
}

func ingestCommand(env *engine.Env) *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "Callbacks a second of the real daemon, beside what this machine can do at all",
		Long: `ingest starts this program as a daemon of its own, with the simulated services as providers, and sends it signed
callbacks of 2 KiB over loopback HTTP with keep-alive, while its loops confirm, poll and download. In turns with it,
round by round, it measures on the same machine:

  work      rows like the daemon's by plain SQL in group commits, each callback verified, parsed and compressed before
  bare      the same rows, and nothing else; with --postgres one writer with many rows to a statement
  careful   a handler with gorm as a careful person writes it, one immediate transaction a request, as a process
  careless  the same on the driver's defaults (--defaults)
  answer    a handler that only answers 200: how much this load could send at all

What was accepted must stand in the table after each round; otherwise, or where a request fails, exit 1. Speeds are
held against the design's goals, told and not judged.`,
		Example: "  countersign bench ingest\n  countersign bench ingest --provider documenso --connections 64 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := measurable(&o); err != nil {
				return err
			}
			return bench.Ingest(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Services, "provider", []string{"onespan"}, "whose callbacks, a `NAME`; may be repeated")
	f.IntSliceVar(&o.Connections, "connections", []int{1, 16, 64, 256}, "how `MANY` callers")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds of each, in turns")
	f.Float64Var(&o.Seconds, "seconds", 2, "how long a round takes")
	f.IntVar(&o.Open, "open", 5000, "transactions that are open to begin with")
	f.IntVar(&o.Rows, "rows", 0, "fill the table with so many transactions first")
	f.IntVar(&o.Backlog, "backlog", 0, "rows that are due at a service which is down")
	f.DurationVar(&o.SyncDelay, "sync-delay", 0, "each commit takes so much longer, as on a slower disk")
	f.StringVar(&o.Profile, "profile", "", "keep profiles of the daemon in this `FOLDER`, new or empty, for go tool pprof")
	f.StringVar(&o.Postgres, "postgres", "", "on a PostgreSQL server, in schemas of its own: its `DSN`")
	f.IntVar(&o.Processes, "processes", 1, "how many daemons share the server's tables; connections go to them in turn")
	f.BoolVar(&o.Defaults, "defaults", false, "also the handler on the driver's defaults")
	f.BoolVar(&o.Only, "only", false, "nothing but the daemon")
	f.BoolVar(&o.JSON, "json", false, "one object with every round")
	f.StringVar(&o.Base, "base", "", "compare with the `FILE` of an earlier --json")
	f.StringVar(&o.Keep, "keep", "", "work in this `FOLDER`, new or empty, and leave it")
	return cmd
}

// measurable refuses what cannot be measured, and finds the program that is.
func measurable(o *bench.Options) (err error) {
	if o.Rounds < 1 || o.Seconds <= 0 || len(o.Connections) == 0 || slices.Min(o.Connections) < 1 ||
		min(o.Open, o.Rows, o.Backlog) < 0 || o.SyncDelay < 0 {
		return output.Usagef("--rounds, --seconds and --connections take numbers above 0, the others none below it")
	}
	if o.Processes < 1 || o.Processes > 1 && o.Postgres == "" {
		return output.Usagef("--processes takes 1 or more, and more than 1 need --postgres")
	}
	for _, s := range o.Services {
		if !slices.Contains(simulator.Services(), s) {
			return output.Usagef("--provider %q is not one of %s", s, strings.Join(simulator.Services(), ", "))
		}
	}
	for _, folder := range []string{o.Keep, o.Profile} {
		if folder == "" {
			continue
		}
		if err := arguments.EmptyFolder(folder); err != nil {
			return err
		}
	}
	o.Binary, err = os.Executable()
	return err
}

// handleCommand is what the daemon is compared with, for bench to start.
func handleCommand(env *engine.Env) *cobra.Command {
	var o limits.HandlerOptions
	cmd := &cobra.Command{
		Use: "handle KIND", Short: "Serve as a handler that is no daemon of ours", Hidden: true,
		Long:    "handle is what `bench ingest` starts to compare the daemon with: careful, careless or answer.",
		Example: "  countersign bench handle careful --file naive.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Kind = args[0]
			if !slices.Contains([]string{bench.Careful, bench.Careless, bench.Answer}, o.Kind) {
				return output.Usagef("%q is none of careful, careless and answer", o.Kind)
			}
			ctx, stop := env.Signals(cmd.Context(), bench.Quiet())
			defer stop()
			return limits.Handle(ctx, o, func(address string) error { return env.Printf("%s\n", address) })
		},
	}
	cmd.Flags().StringVar(&o.Service, "service", "onespan", "whose callbacks")
	cmd.Flags().StringVar(&o.File, "file", "", "its database")
	cmd.Flags().DurationVar(&o.Delay, "sync-delay", 0, "each commit takes so much longer")
	return cmd
}
