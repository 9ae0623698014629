package upkeep

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/durable"
	"countersign/model/store/sqlitefile"
)

// Restore puts a backup in the place of the SQLite database, says what to do next and, where track is set, follows
// again what only the replaced database knew. That database stays beside the restored one.
func Restore(ctx context.Context, env *engine.Env, c *config.Config, from string, track bool) error {
	done, err := runRestore(ctx, env, c, from)
	if err != nil {
		return err
	}
	if err := printRestored(env, done); err != nil {
		return err
	}
	if err := printLost(ctx, env, c, done, track); err != nil {
		return err
	}
	return printNext(env, done)
}

// restored is what came of a restore.
type restored struct {
	from, kept string
	replaced   string // the database that gives way; "" where there is none that can be read
	backup     database.Examined
	unread     error        // why the replaced database could not be read
	lost       []store.Lost // what only it knew
	unlisted   error        // why that is not known
}

func runRestore(ctx context.Context, env *engine.Env, c *config.Config, from string) (done restored, err error) {
	place, ok := c.SQLiteFile()
	if !ok {
		return done, output.Usagef("the database is PostgreSQL: restore a dump of `pg_dump -Fc` with `pg_restore --clean --if-exists --single-transaction -d DATABASE %s`", from)
	}
	if same, err := sameFile(from, place); err != nil {
		return done, err
	} else if same {
		return done, output.Usagef("%s is the database itself", from)
	}
	done.from = from
	if done.backup, err = database.ReadThrough(ctx, from); err != nil {
		return done, err
	}
	release, err := sqlitefile.LockAll(place, database.LockServe, database.LockWork, database.LockMove)
	if errors.Is(err, store.ErrLocked) {
		return done, fmt.Errorf("a daemon or a poll uses the database: stop it, then restore")
	}
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, release()) }()

	temp := place + ".restoring"
	defer func() { err = errors.Join(err, sqlitefile.Remove(temp)) }()
	carried, unread := store.ReadCarried(ctx, place, done.backup)
	if done.unread = unread; unread == nil {
		done.replaced = place
	}
	if err := prepareRestored(ctx, env, c, temp, carried, &done); err != nil {
		return done, err
	}
	if !sqlitefile.Folded(temp) {
		return done, fmt.Errorf("%s could not be folded into its file: try again", temp+"-wal")
	}
	done.kept, err = sqlitefile.UnusedName(place + ".before-" + env.UTC().Format("20060102T150405Z"))
	if err != nil {
		return done, err
	}
	if err := sqlitefile.Replace(ctx, temp, place, done.kept); err != nil {
		return done, err
	}
	return done, nil
}

// prepareRestored makes of the backup what takes the database's place: a copy of this version, with the numbers
// and the forgetting of what it replaces.
func prepareRestored(
	ctx context.Context, env *engine.Env, c *config.Config, temp string, carried store.Carried, done *restored,
) (err error) {
	if err := sqlitefile.RemoveLogs(temp); err != nil { // of a restore that was killed
		return err
	}
	if err := sqlitefile.CopyResting(ctx, done.from, temp, true); err != nil {
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
		if _, err := s.Scrub(ctx, true); err != nil {
			return err
		}
	}
	if done.replaced != "" {
		done.lost, done.unlisted = s.LostWith(ctx, done.replaced)
	}
	return ctx.Err()
}

// printRestored says what was done.
func printRestored(env *engine.Env, done restored) error {
	key, newest := "cli.restore.done_empty", ""
	if at := done.backup.NewestAt; at != nil {
		key, newest = "cli.restore.done", at.UTC().Format(time.DateTime)
	}
	if err := env.TellCount(key, done.backup.Transactions, "file", done.from, "newest", newest); err != nil {
		return err
	}
	_, err := os.Stat(done.kept)
	switch {
	case err == nil && done.unread == nil:
		return env.Tell("cli.restore.kept", "file", done.kept)
	case err == nil:
		return errors.Join(env.Tell("cli.restore.kept_unread", "file", done.kept), env.Tell("cli.restore.kept_unread.only"))
	}
	return nil
}

// LostList is how the name of a list of refs ends, beside the database that was replaced.
const LostList = ".refs.csv"

// mostLost bounds the refs that are printed; the file has them all.
const mostLost = 20

// printLost names what only the replaced database knew, writes it down for track, and tracks it where that is wanted.
func printLost(ctx context.Context, env *engine.Env, c *config.Config, done restored, track bool) error {
	if done.unlisted != nil {
		return env.Tell("cli.restore.lost.unread", "err", done.unlisted)
	}
	if len(done.lost) == 0 {
		return nil
	}
	list := done.kept + LostList
	err := durable.Write(list, durable.How{}, func(f *os.File) error {
		w := csv.NewWriter(f)
		w.Comma = ';'
		w.Write([]string{"account", "ref"}) //nolint:errcheck // Error says it
		for _, l := range done.lost {
			for _, ref := range l.Refs {
				w.Write([]string{l.Account, ref}) //nolint:errcheck // Error says it
			}
		}
		w.Flush()
		return w.Error()
	})
	if err != nil {
		return fmt.Errorf("the database is restored; what only the other knew could not be written down: %w", err)
	}
	if err := env.Tell("cli.restore.lost", "file", list); err != nil {
		return err
	}
	for _, l := range done.lost {
		if err := printLostOf(env, c, l, list); err != nil {
			return err
		}
	}
	if !track {
		return nil
	}
	return env.WritingWith(ctx, c, func(ctx context.Context, w *engine.Writer) error {
		for _, l := range done.lost {
			acc, ok := c.Account(l.Account)
			if !ok {
				continue
			}
			if err := Track(ctx, env, w, acc, l.Refs); err != nil {
				return err
			}
		}
		return nil
	})
}

// printLostOf names an account's, and what brings them back.
func printLostOf(env *engine.Env, c *config.Config, l store.Lost, list string) error {
	how := "cli.restore.lost.listed"
	if acc, ok := c.Account(l.Account); !ok {
		how = "cli.restore.lost.no_account"
	} else if acc.ListsNothing(env.Providers) {
		how = "cli.restore.lost.unlisted"
	}
	refs := make([]string, min(len(l.Refs), mostLost))
	for i := range refs {
		refs[i] = output.Plain(l.Refs[i])
	}
	key, more := "cli.restore.lost.of", len(l.Refs)-len(refs)
	if more > 0 {
		key = "cli.restore.lost.of_more"
	}
	return env.Printf("  %s\n", env.CountOf(key, len(l.Refs), "account", l.Account, "refs", strings.Join(refs, " "),
		"more", more, "how", env.Say(how, "account", l.Account, "file", list)))
}

// printNext says what to do next.
func printNext(env *engine.Env, done restored) error {
	since := "30d"
	if at := done.backup.NewestAt; at != nil {
		since = at.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return env.Printf("%s\n  %s\n  %s\n  %s\n", env.Say("cli.restore.gone"), env.Say("cli.restore.next.daemon"),
		env.Say("cli.restore.next.backfill", "since", since), env.Say("cli.restore.next.verify"))
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
