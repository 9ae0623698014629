package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/migration"
	"countersign/model/store"
	"countersign/model/store/database"
)

func newMigrateCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version",
		Long: `migrate makes the database, or brings an older one to the shape that this version needs. The daemon does
so at its start; by hand it is refused while a daemon runs. A SQLite database that is there is first copied to
FILE.before-NNNNN, where NNNNN is the step that it had, if there is room for it: ` + "`countersign restore`" + ` with the older
program goes back to it. Back up first all the same: ` + "`countersign backup FILE`" + `.`,
		Example: "  countersign migrate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			s, err := env.OpenStore(ctx, c, false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // what was written is on disk
			return runMigrate(ctx, env, s)
		},
	}
}

// runMigrate refuses to change the shape of a database under a daemon that uses it.
func runMigrate(ctx context.Context, env *engine.Env, s *store.Store) error {
	have, want, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if have == want {
		return env.Tell("cli.migrate.already", "step", have)
	}
	err = s.WithLock(ctx, database.LockServe, env.Owner(), func(ctx context.Context) error {
		backup, err := migration.CopyBefore(ctx, s, have)
		if err != nil {
			return err
		}
		from, to, err := s.Migrate(ctx)
		if err != nil {
			return err
		}
		switch {
		case backup != "":
			return env.Tell("cli.migrate.kept", "from", from, "to", to, "file", backup)
		case from > 0:
			return env.Tell("cli.migrate.not_kept", "from", from, "to", to)
		}
		return env.Tell("cli.migrate.did", "from", from, "to", to)
	})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon uses the database: stop it, then migrate; or start the new one, which migrates by itself")
	}
	return err
}
