// Package move is the verb that copies an install to another database, and its documents, while it runs.
package move

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
)

type flags struct {
	to                                string
	dryRun, json, writeConfig, reopen bool
}

// NewCommand is `countersign move`.
func NewCommand(env *engine.Env) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Copy the install to another database while it runs, and switch to it",
		Long: `move copies the database to an empty one, from SQLite to PostgreSQL, back, or to another of the same kind, while the
daemon goes on. What changes meanwhile is copied after it, pass after pass, until little is left. Then nobody may write
for a moment: callbacks get a 503 with Retry-After, and providers send them again. The rest is copied, row counts and
hashes of both are compared, the new database is the install, and the old one refuses to be used and says where the
install is. A daemon on it ends; the next start needs the new line in the config, which is printed, or written with
--write-config.

A move that was broken off, by Ctrl-C or by a crash, has changed nothing: run it again, and it goes on with what is
there. A target that is not empty is refused. --reopen takes back the database that the config names, which was moved
away: what came to the new one since is not in it.`,
		Example: "  countersign move --to postgres://cs@db.example.com/cs --dry-run\n" +
			"  countersign move --to postgres://cs@db.example.com/cs --write-config\n" +
			"  countersign move --to countersign.db",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := env.ReadConfig()
			if err != nil {
				return err
			}
			switch {
			case f.reopen && f.to != "":
				return output.Usagef("--reopen takes back the database of the config: it has no --to")
			case f.reopen:
				return reopen(cmd.Context(), env, c)
			case f.to == "":
				return output.Usagef("--to is needed: postgres://USER@HOST/NAME, or a SQLite file")
			}
			return run(cmd.Context(), env, c, f)
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.to, "to", "", "the new `DATABASE`: postgres://USER@HOST/NAME, or a SQLite file")
	set.BoolVar(&f.dryRun, "dry-run", false, "say what would be copied and how long reading it takes; change nothing")
	set.BoolVar(&f.writeConfig, "write-config", false, "write the new database into the config file")
	set.BoolVar(&f.reopen, "reopen", false, "take back a database that was moved away")
	set.BoolVar(&f.json, "json", false, "the last line is one JSON object")
	return cmd
}

// target is the config with the new database in place of the old one.
func target(c *config.Config, to string) (*config.Config, error) {
	next := *c
	switch kind, rest, some := strings.Cut(to, ":"); {
	case some && (kind == "postgres" || kind == "postgresql"):
		next.Database = to
	case some && strings.HasPrefix(rest, "//"):
		return nil, output.Usagef("--to %s://…: want postgres://USER@HOST/NAME, or a SQLite file", kind)
	default:
		file, err := filepath.Abs(strings.TrimPrefix(to, "sqlite:"))
		if err != nil {
			return nil, err
		}
		next.Database = "sqlite:" + file
	}
	if next.Database == c.Database {
		return nil, output.Usagef("--to names the database that the config names already")
	}
	if len(c.Public.TLS.ACME.Hosts) > 0 && next.ACMECache() != c.ACMECache() {
		return nil, output.Usagef("public.tls.acme.cache lies beside the SQLite file: name it in the config first (%s)", c.ACMECache())
	}
	next.KeyFile = c.InstallationKeyFile() // it stays where it is
	return &next, nil
}

// open opens a database as what moves it.
func open(ctx context.Context, env *engine.Env, c *config.Config) (*database.DB, error) {
	return database.Open(ctx, database.Options{DSN: c.Database, Now: env.Now, Log: logrus.NewEntry(env.Logger(c.Log)),
		Mode: fs.FileMode(c.DatabaseMode), Mover: true})
}

// openSource opens the database of the config, which must be there and of this version.
func openSource(ctx context.Context, env *engine.Env, c *config.Config) (*database.DB, error) {
	if file, ok := c.SQLiteFile(); ok {
		if err := engine.MustExist(file); err != nil {
			return nil, err
		}
	}
	d, err := open(ctx, env, c)
	if err != nil {
		return nil, err
	}
	have, want, err := d.Schema(ctx)
	if err == nil && have != want {
		err = fmt.Errorf("the database is at step %d, this program at %d: `countersign migrate` first", have, want)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// locked runs f while no other move of the database runs.
func locked(ctx context.Context, env *engine.Env, d *database.DB, f func(context.Context) error) error {
	err := d.WithLock(ctx, database.LockMove, env.Owner(), f)
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("another move of this database is under way (%w)", err)
	}
	return err
}
