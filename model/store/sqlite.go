package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

const (
	sqliteReaders = 4
	busyWait      = 5000 // ms: how long another process may hold the write lock

	// A statement of many rows keeps what it may have to undo: in memory, where it would go to a file. What is
	// deleted, by retention too, is overwritten. Checkpoints are made by hand: see checkpoint.
	writePragmas = `PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0`
	readPragmas  = `PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456`
)

// openSQLite opens two handles: one connection that writes, with fsync at each commit, and several
// that only read.
func (s *Store) openSQLite(ctx context.Context, path string, mode fs.FileMode) error {
	if path == "" {
		return errors.New("database sqlite:PATH: the path is missing")
	}
	if err := s.prepareFile(ctx, path, mode); err != nil {
		return err
	}
	var err error
	if !s.readOnly {
		if s.write, err = s.openHandle(writeDSN(path), writePragmas, 1); err != nil {
			return err
		}
		if err := s.checkWriter(ctx); err != nil {
			return fmt.Errorf("database %s: %w", path, s.explain(err))
		}
	}
	if s.file, err = identify(path); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	s.read, err = s.openHandle(readDSN(path), readPragmas, sqliteReaders)
	return err
}

func writeDSN(path string) string {
	return sqliteURI(path, url.Values{
		"_journal_mode": {"WAL"}, "_busy_timeout": {fmt.Sprint(busyWait)}, "_txlock": {"immediate"}, "_foreign_keys": {"1"},
		"_synchronous": {"FULL"}, "_stmt_cache_size": {"128"}, "_mutex": {"no"}, "mode": {"rwc"},
	})
}

func readDSN(path string) string {
	return sqliteURI(path, url.Values{
		"mode": {"ro"}, "_query_only": {"1"}, "_busy_timeout": {fmt.Sprint(busyWait)}, "_stmt_cache_size": {"64"}, "_mutex": {"no"},
	})
}

func sqliteURI(path string, q url.Values) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}

// prepareFile makes a new file, and tells what is wrong with one that is there before anything is written to it.
func (s *Store) prepareFile(ctx context.Context, path string, mode fs.FileMode) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !s.readOnly {
		return makeFile(ctx, path, mode)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	h, err := examineHeader(f, path)
	if err != nil {
		return err
	}
	if !s.readOnly {
		w, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("database is not writable: %w", err)
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return examineInside(ctx, path, h, !s.readOnly)
}

// checkWriter reads back what durability rests on.
func (s *Store) checkWriter(ctx context.Context) error {
	db, err := s.write.DB()
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
	if journal != "wal" || sync != 2 {
		return fmt.Errorf("journal mode %s, synchronous %d: want wal and 2 (does the disk allow shared memory?)", journal, sync)
	}
	return nil
}

func (s *Store) openHandle(dsn, pragmas string, conns int) (*gorm.DB, error) {
	db := sql.OpenDB(&connector{dsn: dsn, pragmas: pragmas})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return gorm.Open(sqlite.New(sqlite.Config{Conn: db}), s.config())
}

// connector opens SQLite connections that write times as the views show them.
type connector struct {
	dsn, pragmas string
	driver       sqlite3.SQLiteDriver
}

func (c *connector) Driver() driver.Driver { return &c.driver }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	lite := conn.(*sqlite3.SQLiteConn)
	if _, err := lite.Exec(c.pragmas, nil); err != nil {
		return nil, errors.Join(err, lite.Close())
	}
	return &utcConn{lite}, nil
}

// utcConn is a connection to which every time goes as text in UTC, whatever its zone: SQLite
// compares times as text.
type utcConn struct{ *sqlite3.SQLiteConn }

// CheckNamedValue is asked by database/sql about each argument.
func (*utcConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	switch x := v.Value.(type) {
	case nil, string, int64, []byte, bool, float64:
		return nil
	case int:
		v.Value = int64(x)
	case time.Time:
		v.Value = stamp(x)
	case *time.Time:
		v.Value = nil
		if x != nil {
			v.Value = stamp(*x)
		}
	default:
		v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
		if t, ok := v.Value.(time.Time); ok {
			v.Value = stamp(t)
		}
	}
	return err
}
