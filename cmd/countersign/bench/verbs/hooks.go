package verbs

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/bench/hooks"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

func hooksCommand(env *engine.Env) *cobra.Command {
	o := hooks.Options{}
	cmd := &cobra.Command{
		Use: "hooks", Short: "Announcements a second, to one receiver and to many",
		Long: `hooks writes changes into a SQLite database of its own, every commit synced, and has them announced over loopback:
signed, in the order of each transaction, with a receipt for each. --dead of the receivers take a connection and never
answer. Sender and receivers share the machine, in one process.`,
		Example: "  countersign bench hooks\n  countersign bench hooks --receivers 100 --dead 1 --changes 500",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Changes < 1 || o.Transactions < 1 || o.Rounds < 1 || o.Receivers <= o.Dead || o.Dead < 0 {
				return output.Usagef("numbers above 0, and fewer --dead than --receivers")
			}
			f, err := hooks.Run(cmd.Context(), env, o)
			if err != nil {
				return err
			}
			return env.Printf("%d receivers, %d dead, %d changes: %.0f announcements a second, all told after %.2f s\n", f.Receivers,
				f.Dead, f.Changes, f.PerSecond, f.Seconds)
		},
	}
	fl := cmd.Flags()
	fl.IntVar(&o.Changes, "changes", 5000, "how many changes")
	fl.IntVar(&o.Transactions, "transactions", 1000, "of how many transactions")
	fl.IntVar(&o.Rounds, "rounds", 5, "how often; the median counts")
	fl.IntVar(&o.Receivers, "receivers", 1, "how many receivers, each told every change")
	fl.IntVar(&o.Dead, "dead", 0, "how many of them never answer")
	return cmd
}
