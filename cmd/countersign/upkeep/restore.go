package upkeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/durable"
	"countersign/model/store/sqlitefile"
)

// Restore puts a backup in the place of the SQLite database, and says what to do next. The database that was there
// stays beside it.
func Restore(ctx context.Context, env *engine.Env, c *config.Config, from string) (err error) {
	place, ok := c.SQLiteFile()
	if !ok {
		return output.Usagef("the database is PostgreSQL: restore a dump of `pg_dump -Fc` with `pg_restore --clean --if-exists --single-transaction -d DATABASE %s`", from)
	}
	if same, err := sameFile(from, place); err != nil {
		return err
	} else if same {
		return output.Usagef("%s is the database itself", from)
	}
	backup, err := database.ReadThrough(ctx, from)
	if err != nil {
		return err
	}
	release, err := database.LockFiles(place)
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon or a poll uses the database: stop it, then restore")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()

	temp := place + ".restoring"
	defer func() { err = errors.Join(err, sqlitefile.Remove(temp)) }()
	carried, unread := store.ReadCarried(ctx, place, backup)
	if err := prepareRestored(ctx, env, c, from, temp, carried); err != nil {
		return err
	}
	if !sqlitefile.Folded(temp) {
		return fmt.Errorf("%s could not be folded into its file: try again", temp+"-wal")
	}
	kept, err := sqlitefile.UnusedName(place + ".before-" + env.UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	if err := sqlitefile.Replace(ctx, temp, place, kept); err != nil {
		return err
	}
	return printRestored(env, from, kept, backup, unread)
}

// prepareRestored makes of the backup what takes the database's place: a copy of this version, with the numbers
// and the forgetting of what it replaces.
func prepareRestored(ctx context.Context, env *engine.Env, c *config.Config, from, temp string, carried store.Carried) (err error) {
	if err := sqlitefile.RemoveLogs(temp); err != nil { // of a restore that was killed
		return err
	}
	if err := sqlitefile.Copy(ctx, from, temp, true); err != nil {
		return err
	}
	if err := os.Chmod(temp, fs.FileMode(c.DatabaseMode)); err != nil {
		return err
	}
	of := *c
	of.Database = "sqlite:" + temp
	of.KeyFile = c.InstallationKeyFile()
	s, err := env.OpenStore(ctx, &of, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(), durable.SyncFile(temp)) }()
	if _, _, err := s.Migrate(ctx); err != nil {
		return err
	}
	if err := s.CarryOver(ctx, carried); err != nil {
		return err
	}
	if len(carried.Forgotten) > 0 {
		_, err = s.Scrub(ctx, true)
	}
	return err
}

// printRestored says what was done, and what to do next.
func printRestored(env *engine.Env, from, kept string, e database.Examined, unread error) error {
	newest, since := "nothing yet", "30d"
	if e.NewestAt != nil {
		newest = "what came until " + e.NewestAt.UTC().Format(time.DateTime) + " UTC"
		since = e.NewestAt.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if err := env.Printf("restored %s: %s, %s\n", from, output.Count(e.Transactions, "transaction"), newest); err != nil {
		return err
	}
	switch _, err := os.Stat(kept); {
	case err == nil && unread == nil:
		err = env.Printf("the database that was there is kept as %s\n", kept)
		if err != nil {
			return err
		}
	case err == nil:
		if err := env.Printf("the database that was there cannot be read; it is kept as %s. What it had forgotten is not known: forget it again\n", kept); err != nil {
			return err
		}
	}
	return env.Printf(`callbacks acknowledged since then are gone from the record; what the providers know is not:
  start the daemon, whose next polls repair what is open
  countersign backfill --since %s   asks for what was born or ended since
  countersign verify                  says whether table and files are as they should be
`, since)
}

func sameFile(one, other string) (bool, error) {
	a, err := os.Stat(one)
	if err != nil {
		return false, err
	}
	b, err := os.Stat(other)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(a, b), err
}
