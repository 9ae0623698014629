package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

const sqliteReaders = 4

// openSQLite opens two handles: one connection that writes, with fsync at each commit, and several
// that only read.
func (d *DB) openSQLite(ctx context.Context, path string, mode fs.FileMode) error {
	if path == "" {
		return errors.New("database sqlite:PATH: the path is missing")
	}
	if err := sqlitefile.Prepare(ctx, path, mode, d.readOnly); err != nil {
		return err
	}
	var err error
	if !d.readOnly {
		if d.write, err = d.openHandle(sqlitefile.Writer(path, d.slower)); err != nil {
			return err
		}
		if err := d.checkWriter(ctx); err != nil {
			return fmt.Errorf("database %s: %w", path, d.explain(err))
		}
	}
	if d.file, err = sqlitefile.Identify(path); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	d.read, err = d.openHandle(sqlitefile.Readers(path, sqliteReaders))
	return err
}

// checkWriter reads back what durability rests on.
func (d *DB) checkWriter(ctx context.Context) error {
	db, err := d.write.DB()
	if err != nil {
		return err
	}
	var journal string
	var sync int
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&journal); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&sync); err != nil {
		return err
	}
	d.keeper = sqlitefile.NewKeeper(d.path, db, d.log, d.spoiled)
	if journal != "wal" || sync != 2 {
		return fmt.Errorf("journal mode %s, synchronous %d: want wal and 2 (does the disk allow shared memory?)", journal,
			sync)
	}
	return nil
}

func (d *DB) openHandle(db *sql.DB) (*gorm.DB, error) {
	return gorm.Open(sqlite.New(sqlite.Config{Conn: db}), d.config())
}

// checkFile makes sure that what is written still has a name: SQLite would go on writing to a file
// that was removed, and what we acknowledged would be gone. A file put in its place is opened anew.
func (d *DB) checkFile(ctx context.Context) error {
	if d.pg {
		return nil
	}
	d.fileMu.Lock()
	defer d.fileMu.Unlock()
	id, err := sqlitefile.Identify(d.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if id == d.file {
		return nil
	}
	if err := sqlitefile.Prepare(ctx, d.path, 0, d.readOnly); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for db, conns := range map[*gorm.DB]int{d.write: 1, d.read: sqliteReaders} {
		raw, err := db.DB()
		if err != nil {
			return err
		}
		raw.SetMaxIdleConns(-1) // closes them
		raw.SetMaxIdleConns(conns)
	}
	d.changes.Add(1) // another connection counts data_version anew
	d.looked.Store(0)
	if err := d.checkSchema(ctx); err != nil { // looked at again by the next that writes
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d.file = id
	d.opened.Add(1)
	return nil
}

// Opened grows where another file has taken the place of the SQLite file.
func (d *DB) Opened() int64 { return d.opened.Load() }

// ReadFile runs f on a SQLite file as it is, whatever its schema; only to read.
func ReadFile(ctx context.Context, path string, f func(*Tx) error) error {
	db, err := sqlitefile.ReadPlain(path)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(&Tx{ctx: ctx, tx: tx, texts: &postgres.Texts{}})
}

// Examined says what a SQLite file of ours holds.
type Examined = sqlitefile.Examined

// ReadThrough reads a SQLite file from its start to its end: whether it is ours, whole, and not of a newer program.
func ReadThrough(ctx context.Context, path string) (Examined, error) {
	e, err := sqlitefile.ReadThrough(ctx, path)
	if err != nil {
		return e, err
	}
	steps, err := migrations("sqlite")
	if err != nil {
		return e, err
	}
	want, err := newestStep(steps)
	if err == nil && e.Schema > want {
		err = fmt.Errorf("%s: schema %d, this program knows %d: %w", path, e.Schema, want, ErrNewer)
	}
	return e, err
}
