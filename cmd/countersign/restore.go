package main

import (
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/upkeep"
)

func newRestoreCommand(env *engine.Env) *cobra.Command {
	var track bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the SQLite database",
		Long: `restore puts a copy that ` + "`countersign backup`" + ` made, or that was kept before a migration, in the place of the
database. It is refused while a daemon or a poll runs. FILE is read through first and stays as it is; the database that
was there is kept beside it, as .before-TIME, and what it had forgotten stays forgotten. Seq numbers go on above
those that it gave out, so that a consumer of the change feed misses nothing that comes.

The documents and the installation key are files of their own. What the provider knows comes back with the next
polls; the record of callbacks since the backup does not. Refs that only the replaced database knew are written to a
file that ` + "`track --file`" + ` takes: where a provider lists nothing, nothing else brings them back. --track follows them
again at once. PostgreSQL: pg_restore.`,
		Example: "  countersign restore /backup/countersign-2026-01-31.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			return upkeep.Restore(cmd.Context(), env, c, args[0], track)
		},
	}
	cmd.Flags().BoolVar(&track, "track", false, "follow again what only the replaced database knew")
	return cmd
}
