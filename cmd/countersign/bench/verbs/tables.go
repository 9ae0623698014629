package verbs

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/bench/tables"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// tableCommands are the benches of what is not ingest.
func tableCommands(env *engine.Env) (all []*cobra.Command) {
	for _, one := range []struct {
		name, short, long, example string
		rows                       int
		run                        func(context.Context, *engine.Env, tables.Options) (tables.Figures, error)
	}{
		{"start", "How soon the daemon listens, and what it holds at rest", "start fills a table, starts the daemon on it " +
			"and lets it rest for five seconds, several times.", "  countersign bench start --rows 1000000", 100_000, tables.Start},
		{"list", "Reading a large table: pages, rows, search, changes, gaps", "list fills a table and reads it, beside plain " +
			"SQL.", "  countersign bench list --rows 1000000 --json", 100_000, tables.List},
		{"console", "The console: bytes, requests, time of each page, searches, watching browsers, paint", "console fills a " +
			"table, starts the daemon on it and asks its console as browsers do; Chromium, where there is one, says when a page\n" +
			"is painted. Much is asked within a minute: it makes tokens of its own.",
			"  countersign bench console --rows 1000000", 100_000, tables.Console},
		{"poll", "Answers compared a second, and what is spent of a budget", "poll compares answers that change nothing, in " +
			"process, then watches what the daemon asks of a service that counts, by accounts\nthat have more to ask than they may.",
			"  countersign bench poll --for 130s", 20_000, tables.Poll},
	} {
		o, asJSON := tables.Options{}, false
		cmd := &cobra.Command{
			Use: one.name, Short: one.short, Long: one.long, Example: one.example, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) (err error) {
				if o.Rows < 1 || o.Rounds < 1 || o.For <= 0 {
					return output.Usagef("--rows, --rounds and --for take numbers above 0")
				}
				if o.Binary, err = os.Executable(); err != nil {
					return err
				}
				o.Services = []string{"onespan"}
				found, err := one.run(cmd.Context(), env, o)
				if err != nil {
					return err
				}
				return tables.Print(env, found, asJSON)
			},
		}
		f := cmd.Flags()
		f.IntVar(&o.Rows, "rows", one.rows, "transactions in the table")
		f.BoolVar(&asJSON, "json", false, "one object")
		o.Rounds, o.For = 5, 130*time.Second
		switch one.name {
		case "start":
			f.IntVar(&o.Rounds, "rounds", 5, "how often")
		case "console":
			f.IntVar(&o.Rounds, "visits", 200, "how often each page is asked for")
			f.DurationVar(&o.For, "for", 5*time.Second, "how long each round with watching browsers lasts")
		case "poll":
			f.DurationVar(&o.For, "for", 130*time.Second, "how long budgets are watched")
		}
		all = append(all, cmd)
	}
	return all
}
