package main

import (
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// newDemoCommand plays a day in seconds and proves that the table is right at its end.
func newDemoCommand(env *engine.Env) *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a day in seconds: simulated services with faults, the daemon, and a report",
		Long: `demo needs no config, no network and no credentials. It starts simulated services whose transactions live
a day in seconds, and the daemon in a temporary folder. Callbacks are lost, doubled, reordered, delayed and
forged; polls repair what was missed; signed PDFs land on disk. At the end the faults stop, one full poll runs, and
the table is compared with the services. The console is open all the while, and after the report until Ctrl-C; with
--for or --json the demo ends with its report. The folder is removed at the end, unless --keep names one.
Exit 0: converged, 3: not.`,
		Example: "  countersign demo\n  countersign demo --for 30s --json\n  countersign demo --hooks",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Length < 5*time.Second || o.Length > time.Hour {
				return output.Usagef("--for: between 5s and 1h")
			}
			if o.Transactions < 1 || o.Transactions > 5000 {
				return output.Usagef("--transactions: between 1 and 5000")
			}
			o.Stay = !o.JSON && !cmd.Flags().Changed("for")
			if o.Keep != "" {
				if err := arguments.EmptyFolder(o.Keep); err != nil {
					return err
				}
			}
			return demo.Run(cmd.Context(), env, o)
		},
	}
	cmd.Flags().DurationVar(&o.Length, "for", 30*time.Second, "how long the day lasts")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "only the report, as one object")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "the world's `SEED`: the same seed, the same lives and lost callbacks")
	cmd.Flags().IntVar(&o.Transactions, "transactions", 120, "how many transactions live")
	cmd.Flags().BoolVar(&o.Hooks, "hooks", false, "print each announcement as a receiver verified it")
	cmd.Flags().StringVar(&o.Keep, "keep", "", "keep database, documents, config and log in this `FOLDER`, new or empty")
	return cmd
}
