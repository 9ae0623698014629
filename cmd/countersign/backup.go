package main

import (
	"context"

	_ "github.com/mattn/go-sqlite3" // the driver that model/store uses
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/model/store/sqlitefile"
)

func newBackupCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database while it is in use",
		Long: `backup writes a whole and compact copy of the database to a new file, while the daemon goes on: as it is at one
moment, read through and on disk before it gets its name. It never overwrites. The documents and the installation
key are files of their own: copy them too, after the database, so that no document that it names is missing. A
PostgreSQL database is backed up with pg_dump. ` + "`countersign restore FILE`" + ` puts a copy back.`,
		Example: "  countersign backup /backup/countersign-$(date +%F).db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			return runBackup(cmd.Context(), env, c, args[0])
		},
	}
}

func runBackup(ctx context.Context, env *engine.Env, c *config.Config, to string) error {
	from, ok := c.SQLiteFile()
	if !ok {
		return output.Usagef("the database is PostgreSQL: back it up with `pg_dump -Fc -f %s`, restore it with `pg_restore`", to)
	}
	if err := engine.MustExist(from); err != nil {
		return err
	}
	if err := arguments.NotOurs(c, to); err != nil {
		return err
	}
	if err := sqlitefile.Copy(ctx, from, to, false); err != nil {
		return err
	}
	if key, _ := env.Lookup(keyfile.Variable); key != "" {
		return env.Tell("cli.backup.done", "file", to, "documents", c.Documents)
	}
	return env.Tell("cli.backup.done_key", "file", to, "documents", c.Documents, "key", c.InstallationKeyFile())
}
