package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
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
	// The newest numbers that were given out.
	Seq, Version, Ordinal int64
}

// ReadThrough reads a SQLite file from its start to its end: whether it is ours and whole.
func ReadThrough(ctx context.Context, path string) (e Examined, err error) {
	if err := prepareResting(ctx, path); err != nil {
		if fault := (*Fault)(nil); errors.As(err, &fault) { // its cure is for a database in use
			return e, fmt.Errorf("%s %s", fault.Path, fault.What)
		}
		return e, err
	}
	db, err := readResting(path)
	if err != nil {
		return e, err
	}
	defer db.Close()
	tables, err := tablesOf(ctx, db)
	if err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if !tables[StepsTable] || !tables["counters"] || !tables["transactions"] {
		return e, fmt.Errorf("%s is not a database of countersign", path)
	}
	var found string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if found != "ok" {
		return e, fmt.Errorf("%s is damaged: %s", path, strings.TrimSpace(found))
	}
	var newest any
	err = db.QueryRowContext(ctx, `SELECT (SELECT MAX(version_id) FROM goose_db_version WHERE is_applied), (SELECT COUNT(*) FROM transactions WHERE NOT hidden),
(SELECT MAX(at) FROM (SELECT at FROM (SELECT at FROM callbacks ORDER BY n DESC LIMIT 1) UNION ALL SELECT at FROM (SELECT at FROM history ORDER BY seq DESC LIMIT 1))),
seq, version, ordinal FROM counters`).Scan(&e.Schema, &e.Transactions, &newest, &e.Seq, &e.Version, &e.Ordinal)
	if err == nil && newest != nil {
		var at time.Time
		at, err = ReadAtRest(newest)
		e.NewestAt = &at
	}
	if err != nil {
		return e, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return e, nil
}

// Copy writes a whole and compact copy of a SQLite database, in use or not, under a new name. The copy
// is checked and on disk, with rights for its owner only, before it gets its name; a name that is there is an
// error unless replace is set.
func Copy(ctx context.Context, from, to string, replace bool) error {
	return copyBy(ctx, ReadPlain, from, to, replace)
}

// CopyResting is Copy of a database that no process uses. It leaves nothing beside from, whose folder may be read-only.
func CopyResting(ctx context.Context, from, to string, replace bool) error {
	return copyBy(ctx, readResting, from, to, replace)
}

func copyBy(ctx context.Context, open func(string) (*sql.DB, error), from, to string, replace bool) (err error) {
	if to, err = filepath.Abs(to); err != nil { // SQLite reads some names as URLs
		return err
	}
	if _, err := os.Lstat(to); err == nil && !replace {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	err = durable.Write(to, durable.How{Replace: replace}, func(f *os.File) error {
		if err := copyInto(ctx, open, from, f.Name()); err != nil {
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
func copyInto(ctx context.Context, open func(string) (*sql.DB, error), from, to string) error {
	db, err := open(from)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return err
	}
	if _, err := ReadThrough(ctx, to); err != nil {
		return err
	}
	return stamp(ctx, to) // so that a log which another database left beside it is known not to be its own
}

// tablesOf returns the names of a file's tables.
func tablesOf(ctx context.Context, db *sql.DB) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
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
