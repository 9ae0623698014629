package verbs

import (
	"encoding/json"
	"os"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/bench/all"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/bench/tables"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

func growthCommand(env *engine.Env) *cobra.Command {
	var sizes []int
	o, from, svg, asJSON := tables.Options{Options: stage.Options{Open: 5000}}, "", "", false
	cmd := &cobra.Command{
		Use: "growth", Short: "What an event costs in tables of several sizes",
		Long: "growth fills a table step by step and measures the daemon on it with 64 connections. --svg draws what it found, " +
			"or what an earlier --json found.",
		Example: "  countersign bench growth --sizes 10000,100000,1000000 --json >growth.json\n" +
			"  countersign bench growth --from growth.json --svg growth.svg",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if svg != "" {
				if err := arguments.NewFile("--svg", svg); err != nil {
					return err
				}
			}
			var g tables.Growth
			if from != "" {
				b, err := os.ReadFile(from)
				if err != nil {
					return err
				}
				if err := json.Unmarshal(b, &g); err != nil {
					return output.Usagef("--from %s: want what --json printed: %w", from, err)
				}
			} else if o.Binary, err = os.Executable(); err != nil {
				return err
			} else if g, err = tables.Grow(cmd.Context(), env, o, sizes, func(p tables.Point) error {
				if asJSON {
					return nil
				}
				return env.Printf("%9d callbacks: %6.0f a second, %5.0f us of processor and %5.0f bytes an event, p99 %6.1f ms\n",
					p.Callbacks, p.PerSecond, p.CPU, p.Disk, p.P99)
			}); err != nil {
				return err
			}
			if svg != "" {
				if err := os.WriteFile(svg, []byte(g.SVG()), 0o644); err != nil { //nolint:gosec // a picture for everybody
					return err
				}
			}
			if asJSON {
				return json.NewEncoder(env.Stdout).Encode(g)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&sizes, "sizes", []int{10_000, 100_000, 1_000_000}, "callbacks in the table, `MANY`")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds of two seconds at each size")
	f.StringVar(&from, "from", "", "measure nothing: take the `FILE` of an earlier --json")
	f.StringVar(&svg, "svg", "", "draw a picture into this `FILE`")
	f.BoolVar(&asJSON, "json", false, "one object")
	return cmd
}

func allCommand(env *engine.Env) *cobra.Command {
	o, markdown, svg := all.Options{}, "", ""
	cmd := &cobra.Command{
		Use: "all", Short: "Every bench, at sizes that end within 40 minutes",
		Long: "all runs every bench one after another, prints one object with all that they found, and says on standard error " +
			"which runs.",
		Example: "  countersign bench all --markdown tables.md --svg growth.svg >all.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			for flag, file := range map[string]string{"--markdown": markdown, "--svg": svg} {
				if file == "" {
					continue
				}
				if err := arguments.NewFile(flag, file); err != nil {
					return err
				}
			}
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			found, err := all.Run(cmd.Context(), env, o)
			if err != nil {
				return err
			}
			if markdown != "" {
				if err := os.WriteFile(markdown, []byte(found.Markdown()), 0o644); err != nil { //nolint:gosec // for everybody
					return err
				}
			}
			if svg != "" {
				if err := os.WriteFile(svg, []byte(found.Growth.SVG()), 0o644); err != nil { //nolint:gosec // for everybody
					return err
				}
			}
			return json.NewEncoder(env.Stdout).Encode(found)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Rounds, "rounds", 5, "rounds of each ingest")
	f.Float64Var(&o.Seconds, "seconds", 2, "how long a round takes")
	f.IntVar(&o.Rows, "rows", 200_000, "transactions in the table that is read and started on")
	f.IntSliceVar(&o.Sizes, "sizes", []int{10_000, 100_000, 1_000_000}, "callbacks in the tables of growth, `MANY`")
	f.DurationVar(&o.For, "for", 130*time.Second, "how long budgets are watched")
	f.StringVar(&o.Postgres, "postgres", "", "PostgreSQL too, in schemas of its own: the server's `DSN`")
	f.StringVar(&markdown, "markdown", "", "write tables into this `FILE`")
	f.StringVar(&svg, "svg", "", "draw growth into this `FILE`")
	return cmd
}
