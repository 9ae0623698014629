package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// newServeCommand is the daemon.
func newServeCommand(env *engine.Env) *cobra.Command {
	o := engine.ServeOptions{Backfill: config.Span{Now: env.Now}, Announce: true}
	schedule := ""
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: listen for callbacks, poll, download",
		Long: `serve opens the public listener that providers call and the private console, polls in the slots of the
config, and fetches signed documents. SIGHUP reads the config again; SIGTERM ends within ten seconds with
every answered callback kept, a second one at once.

--backfill loads what no finished backfill covers, after the listener has opened: a restart resumes and
never repeats. --backfill-schedule repeats it on a cron line (UTC).`,
		Example: "  countersign serve\n  countersign serve --backfill 30d --backfill-schedule \"0 3 * * 0\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schedule != "" && o.Backfill.At == nil {
				return output.Usagef("--backfill-schedule needs --backfill, which says how far back")
			}
			if schedule != "" {
				var err error
				if o.Schedule, err = values.ParseSlots(schedule); err != nil {
					return output.Usagef("--backfill-schedule: %q %w", schedule, err)
				}
			}
			return env.Serve(cmd.Context(), o)
		},
	}
	cmd.Flags().Var(&o.Backfill, "backfill", "load history since `SPAN` (30d, 2w, 720h, a date or a time)")
	cmd.Flags().StringVar(&schedule, "backfill-schedule", "", "repeat the backfill on a `CRON` line in UTC")
	// What `bench ingest --sync-delay` starts the daemon with. It is no key of the config, so nobody sets it unawares.
	cmd.Flags().DurationVar(&env.SlowSync, "bench-sync-delay", 0, "each commit takes so much longer, as on a slower disk")
	cmd.Flags().MarkHidden("bench-sync-delay") //nolint:errcheck // it is there
	return cmd
}
