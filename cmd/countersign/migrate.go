package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"countersign/model/store"
)

func migrateVerb(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this version",
		Long: `migrate makes the database, or brings an older one to the shape that this version needs. The daemon does
so at its start; by hand it is refused while a daemon runs. Back up first: ` + "`countersign backup FILE`" + `.`,
		Example: "  countersign migrate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.readConfig()
			if err != nil {
				return err
			}
			s, err := a.openStore(ctx, c, false)
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // what was written is on disk
			return a.migrate(ctx, s)
		},
	}
}

// migrate refuses to change the shape of a database under a daemon that uses it.
func (a *app) migrate(ctx context.Context, s *store.Store) error {
	have, want, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if have == want {
		return a.printf("the database is at step %d already\n", have)
	}
	err = s.Hold(ctx, store.LockServe, a.owner(), func(ctx context.Context) error {
		from, to, err := s.Migrate(ctx)
		if err != nil {
			return err
		}
		return a.printf("migrated from step %d to step %d\n", from, to)
	})
	if errors.Is(err, store.ErrHeld) {
		return fmt.Errorf("a daemon uses the database: stop it, then migrate; or start the new one, which migrates by itself")
	}
	return err
}
