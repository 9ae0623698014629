package verbs

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/bench/scaling"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// scalingCommand computes what a large installation takes.
func scalingCommand(env *engine.Env) *cobra.Command {
	var o stage.Options
	var from string
	var asJSON bool
	var long time.Duration
	d := scaling.Large()
	cmd := &cobra.Command{
		Use: "scaling", Short: "What a large installation takes, from slopes that it measures on PostgreSQL",
		Long: `scaling fills a schema of its own on a PostgreSQL server, measures what one more transaction, callback and change
takes there, what a callback costs the daemon and the server, and what monthly partitions give; then it computes what so
many transactions take, and plays a day of each provider's account under its budget. It prints the tables of
docs/scaling.md. Nobody else should write to the server meanwhile.`,
		Example: "  countersign bench scaling --postgres DSN --rows 50000 --json >scaling.json\n" +
			"  countersign bench scaling --from scaling.json --open 200000 --accounts 10",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			var s scaling.Slopes
			switch {
			case (o.Postgres == "") == (from == ""):
				return output.Usagef("--postgres measures, --from FILE takes what it printed: name one of them")
			case o.Rows < 100 || d.Open < d.Accounts || d.Accounts < 1 || d.Kept < 0 || d.Burst <= 0 || d.OpenDays <= 0:
				return output.Usagef("--rows takes 100 or more, --open at least one for each account, the others numbers above 0")
			case from != "":
				b, err := os.ReadFile(from)
				if err == nil {
					err = json.Unmarshal(b, &s)
				}
				if err != nil {
					return fmt.Errorf("--from %s: want what `bench scaling --json` printed: %w", from, err)
				}
			default:
				if o.Binary, err = os.Executable(); err != nil {
					return err
				}
				if s, err = scaling.Measure(cmd.Context(), env, o, long); err != nil {
					return err
				}
			}
			if asJSON {
				e := json.NewEncoder(env.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			return env.Printf("%s", scaling.Markdown(s, d))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Postgres, "postgres", "", "measure on this server: its `DSN`")
	f.IntVar(&o.Rows, "rows", 50_000, "transactions to measure with, two callbacks each")
	f.DurationVar(&long, "for", 5*time.Second, "how long the daemon is sent callbacks")
	f.StringVar(&from, "from", "", "compute from the `FILE` of an earlier --json")
	f.BoolVar(&asJSON, "json", false, "what was measured, as one object")
	f.IntVar(&d.Open, "open", d.Open, "open transactions")
	f.IntVar(&d.Kept, "kept", d.Kept, "kept transactions")
	f.Float64Var(&d.Burst, "burst", d.Burst, "callbacks a second, at most")
	f.IntVar(&d.Accounts, "accounts", d.Accounts, "accounts that they lie in")
	f.Float64Var(&d.OpenDays, "open-days", d.OpenDays, "how many days a transaction is open")
	return cmd
}
