package verbs

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/bench/signed"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

func filesCommand(env *engine.Env) *cobra.Command {
	var o signed.Options
	cmd := &cobra.Command{
		Use:   "files",
		Short: "Signed files a minute, and what looking into one takes",
		Long: `files writes signed files into a temporary folder and looks into each as the daemon does, in a child process of
this program: first a queue of files of 35 kB to 1 MB, then single ones: 35 kB, 1 MB, 20 MB, 100 MB, one with 100
signatures, one with 100,000 objects. It tells files a minute, processor time of a child with its start, clock time and
the most memory that a child was seen to use, medians of the rounds. A file that is not found intact is exit 1. Speeds
are told, not judged.`,
		Example: "  countersign bench files\n  countersign bench files --queue 500 --rounds 3 --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Queue < 0 || o.Rounds < 1 || o.Largest < 1 {
				return output.Usagef("--rounds and --largest take numbers above 0, --queue none below")
			}
			o.Now, o.Out = env.Now, env.Stdout
			return signed.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Queue, "queue", 10_000, "how `MANY` files are in the queue")
	cmd.Flags().IntVar(&o.Rounds, "rounds", 5, "rounds of each single file")
	cmd.Flags().IntVar(&o.Largest, "largest", 100, "leave out files of more `MB`")
	cmd.Flags().BoolVar(&o.JSON, "json", false, "one object a line")
	return cmd
}
