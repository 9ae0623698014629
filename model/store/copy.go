package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/model/store/durable"
)

// Examined says what a SQLite file of ours holds.
type Examined struct {
	Schema       int64
	Transactions int
	NewestAt     *time.Time // of callbacks and changes
	counts       counts
}

// ReadThrough reads a SQLite file from its start to its end: whether it is ours, whole, and not of a newer program.
func ReadThrough(ctx context.Context, path string) (e Examined, err error) {
	s := &Store{readOnly: true}
	if err := s.prepareFile(ctx, path, 0); err != nil {
		if fault := (*FileError)(nil); errors.As(err, &fault) { // its cure is for a database in use
			return e, fmt.Errorf("%s %s", fault.Path, fault.What)
		}
		return e, err
	}
	db, err := openPlain(path, "mode=ro")
	if err != nil {
		return e, err
	}
	defer db.Close() //nolint:errcheck // only read
	tables, err := tablesOf(ctx, db)
	if err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if !tables["goose_db_version"] || !tables["counters"] || !tables["transactions"] {
		return e, fmt.Errorf("%s is not a database of countersign", path)
	}
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if found != "ok" {
		return e, fmt.Errorf("%s is damaged: %s", path, strings.TrimSpace(found))
	}
	err = db.QueryRowContext(ctx, `SELECT (SELECT MAX(version_id) FROM goose_db_version WHERE is_applied), (SELECT COUNT(*) FROM transactions WHERE NOT hidden),
(SELECT MAX(at) FROM (SELECT at FROM (SELECT at FROM callbacks ORDER BY n DESC LIMIT 1) UNION ALL SELECT at FROM (SELECT at FROM history ORDER BY seq DESC LIMIT 1))),
seq, version, ordinal FROM counters`).Scan(&e.Schema, &e.Transactions, when{&e.NewestAt}, &e.counts.seq, &e.counts.version, &e.counts.ordinal)
	if err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	want, err := s.newestStep()
	if err == nil && e.Schema > want {
		err = fmt.Errorf("%s: schema %d, this program knows %d: %w", path, e.Schema, want, ErrNewer)
	}
	return e, err
}

// CopyFile writes a whole and compact copy of a SQLite database, in use or not, under a new name. The copy
// is checked and on disk, with rights for its owner only, before it gets its name; a name that is there is an
// error unless replace is set.
func CopyFile(ctx context.Context, from, to string, replace bool) (err error) {
	if to, err = filepath.Abs(to); err != nil { // SQLite reads some names as URLs
		return err
	}
	if _, err := os.Lstat(to); err == nil && !replace {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	err = durable.Write(to, durable.How{Replace: replace}, func(f *os.File) error {
		if err := copyInto(ctx, from, f.Name()); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		durable.CrashPoint("copy written")
		return nil
	})
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	if err == nil {
		durable.CrashPoint("copy named")
	}
	return err
}

// copyInto writes a copy of a database to an empty file, and reads it through.
func copyInto(ctx context.Context, from, to string) error {
	db, err := openPlain(from, "mode=ro&_busy_timeout=5000")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // only read
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	if _, err := ReadThrough(ctx, to); err != nil && !errors.Is(err, ErrNewer) {
		return err
	}
	return Stamp(ctx, to) // a log that the next restore leaves lying is not the copy's
}

// LockFiles takes the locks of a SQLite database that need not be there or be whole: no daemon and no verb that
// asks providers uses it until release. ErrHeld if one does.
func LockFiles(path string) (release func() error, err error) {
	s := &Store{path: path}
	var held []func() error
	release = func() (err error) {
		for _, let := range held {
			err = errors.Join(err, let())
		}
		return err
	}
	for _, name := range []string{LockServe, LockWork} {
		let, _, err := s.lockFile(context.Background(), name)
		if err != nil {
			return nil, errors.Join(err, release())
		}
		held = append(held, let)
	}
	return release, nil
}

// TakePlace gives a database that nobody has open the place of another one, which is kept under a name of
// its own. A kill on the way leaves the one or the other, whole, in the place.
func TakePlace(ctx context.Context, from, place, kept string) error {
	if err := foldLog(ctx, place); errors.Is(err, ErrHeld) {
		return fmt.Errorf("somebody reads %s just now: try again", place)
	} else if err != nil { // damaged: what it has of a log goes with it
		for _, end := range []string{"-wal", "-shm"} {
			if err := os.Rename(place+end, kept+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if err := os.Link(place, kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, end := range []string{"-wal", "-shm"} { // of another file: they would be read into the new one
		if err := os.Remove(place + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := durable.SyncDir(filepath.Dir(place)); err != nil {
		return err
	}
	return durable.Rename(from, place)
}

// foldLog brings what is in the log into the database's file.
func foldLog(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := openPlain(path, "mode=rw&_busy_timeout=5000")
	if err != nil {
		return err
	}
	var busy, log, done int
	err = db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
	if err == nil && busy != 0 {
		err = ErrHeld
	}
	return errors.Join(err, db.Close())
}

// Carried is what must outlive a database that is replaced: numbers that were given out, and what was
// forgotten.
type Carried struct {
	counts    counts
	Forgotten []Forgotten
}

// numbersApart sets the numbers of a restored database apart from those of one that cannot be read.
const numbersApart = 1_000_000

// ReadCarried reads it from a SQLite file of any version. Where there is none to read, it returns what goes
// well beyond a restored one's numbers, and says why.
func ReadCarried(ctx context.Context, path string, restored Examined) (c Carried, err error) {
	c.counts = counts{restored.counts.seq + numbersApart, restored.counts.version + numbersApart, restored.counts.ordinal + numbersApart}
	if _, err := os.Stat(path); err != nil {
		return c, err
	}
	db, err := openPlain(path, "mode=ro&_busy_timeout=5000")
	if err != nil {
		return c, err
	}
	defer db.Close() //nolint:errcheck // only read
	tables, err := tablesOf(ctx, db)
	if err != nil {
		return c, err
	}
	var is Carried
	if err := db.QueryRowContext(ctx, `SELECT seq, version, ordinal FROM counters`).Scan(&is.counts.seq, &is.counts.version, &is.counts.ordinal); err != nil {
		return c, err
	}
	if !tables["forgotten"] {
		return is, nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return c, err
	}
	defer tx.Rollback() //nolint:errcheck // only read
	is.Forgotten, err = tombstones(&sqlConn{ctx: ctx, tx: tx, texts: &texts{}}, "")
	if err != nil {
		return c, err
	}
	return is, nil
}

// CarryOver goes on above the numbers that another database gave out and forgets what it had forgotten.
func (s *Store) CarryOver(ctx context.Context, from Carried) error {
	return s.change(ctx, func(q *sqlConn) error {
		c, err := lockCounters(q)
		if err != nil {
			return err
		}
		c.seq, c.version, c.ordinal = max(c.seq, from.counts.seq), max(c.version, from.counts.version), max(c.ordinal, from.counts.ordinal)
		if err := q.exec(`UPDATE counters SET seq = ?, version = ?, ordinal = ? WHERE id = 1`, c.seq, c.version, c.ordinal); err != nil {
			return err
		}
		for _, f := range from.Forgotten {
			_, known, err := forgotten(q, f.Key())
			if err != nil {
				return err
			}
			if known {
				continue
			}
			if err := erase(q, f.Key()); err != nil {
				return err
			}
			if err := s.tombstone(q, f.Key(), f.Documents); err != nil {
				return err
			}
			c.seq++
			if err := s.announceForgotten(q, f.Key(), c.seq, "operator"); err != nil {
				return err
			}
		}
		return nil
	})
}

// openPlain opens a SQLite file as it is.
func openPlain(path, query string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(abs)}).EscapedPath(), RawQuery: query}
	db, err := sql.Open("sqlite3", u.String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func tablesOf(ctx context.Context, db *sql.DB) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out[name] = true
	}
	return out, rows.Err()
}
