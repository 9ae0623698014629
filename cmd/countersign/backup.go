package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver that model/store uses
	"github.com/spf13/cobra"

	"countersign/model/store"
)

func backupVerb(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database while it is in use",
		Long: `backup writes a whole and compact copy of the database to a new file, while the daemon goes on. The
documents and the installation key are files of their own: copy them too. A PostgreSQL database is
backed up with pg_dump.`,
		Example: "  countersign backup /backup/countersign-$(date +%F).db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.readConfig()
			if err != nil {
				return err
			}
			return a.backup(cmd.Context(), c, args[0])
		},
	}
}

func (a *app) backup(ctx context.Context, c *Config, to string) error {
	from, ok := c.sqliteFile()
	if !ok {
		return usagef("the database is PostgreSQL: back it up with `pg_dump -Fc -f %s`", to)
	}
	if err := there(from); err != nil {
		return err
	}
	if err := copyDatabase(ctx, from, to, fs.FileMode(c.DatabaseMode)); err != nil {
		return err
	}
	rest := c.Documents
	if key, _ := a.lookup(keyName); key == "" {
		rest += " and " + c.keyFile()
	}
	return a.printf("%s holds the database; copy %s too\n", to, rest)
}

// copyDatabase writes a copy of an SQLite database to a new file, whole and on disk when it has its name.
func copyDatabase(ctx context.Context, from, to string, mode fs.FileMode) (err error) {
	if to, err = filepath.Abs(to); err != nil { // SQLite reads some names as URLs
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	uri := url.URL{Scheme: "file", Opaque: (&url.URL{Path: from}).EscapedPath(), RawQuery: "mode=ro&_busy_timeout=5000"}
	db, err := sql.Open("sqlite3", uri.String())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // only read
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", f.Name()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := store.Stamp(ctx, f.Name()); err != nil { // a log that the next restore leaves lying is not the copy's
		return fmt.Errorf("backup: %w", err)
	}
	store.CrashPoint("backup copied")
	if err := errors.Join(f.Chmod(mode), f.Sync()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), to); err != nil { // never over another file
		return err
	}
	store.CrashPoint("backup linked")
	return syncFolder(filepath.Dir(to))
}
