package database

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func nothing(*Tx) error { return nil }

func TestAFileThatIsNoDatabaseIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	check(t, os.WriteFile(path, []byte("Dear Ann, this is not a database at all."), 0o600))
	_, err := Open(t.Context(), optionsOf("sqlite:"+path))
	if err == nil || !strings.Contains(err.Error(), path+" is not a SQLite database") {
		t.Fatalf("got %v", err)
	}
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for dsn, want := range map[string]string{
		"mysql:x":                              "want sqlite:PATH or postgres://",
		"sqlite:":                              "the path is missing",
		"sqlite:" + dir + "/no/such.db":        "cannot be made",
		"sqlite:" + dir:                        "is a folder: name a file",
		"postgres://127.0.0.1:1/x?user=p":      "database unavailable",
		"postgres://u:hunter2@127.0.0.1:bad/x": "the address cannot be read",
	} {
		_, err := Open(t.Context(), optionsOf(dsn))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", dsn, err, want)
		}
	}
	o := optionsOf("sqlite:" + dir + "/x.db")
	o.ReadOnly = true
	if _, err := Open(t.Context(), o); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("read only: got %v, want not exist", err)
	}
}

func TestAnOlderOrNewerSchemaIsRefused(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		old := d.later(t)
		if err := old.View(t.Context(), nothing); !errors.Is(err, ErrOlder) {
			t.Errorf("a read of an older schema: %v", err)
		}
		if err := old.Change(t.Context(), nothing); !errors.Is(err, ErrOlder) {
			t.Errorf("a change of an older schema: %v", err)
		}
		d.raw(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`)
		if _, err := Open(t.Context(), optionsOf(d.dsn)); !errors.Is(err, ErrNewer) {
			t.Errorf("a newer schema: %v", err)
		}
	})
}

func TestANewFileHasTheModeAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	o := optionsOf("sqlite:" + path)
	o.Mode = 0o640
	s, err := Open(t.Context(), o)
	check(t, err)
	defer s.Close()
	_, _, err = s.Migrate(t.Context())
	check(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		check(t, err)
		same(t, "mode of x.db"+suffix, info.Mode().Perm(), os.FileMode(0o640))
	}
}

// A schema of PostgreSQL in which another program has tables of our names is refused, and so is one that lacks some
// of ours.
func TestAForeignSchemaIsNamed(t *testing.T) {
	for change, want := range map[string]string{
		"DROP TABLE goose_db_version": "of another program",
		"DROP TABLE counters":         "tables of ours are missing",
	} {
		d := openPostgresTest(t)
		d.raw(t, change)
		if s, err := Open(t.Context(), optionsOf(d.dsn)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", change, err, want)
			if err == nil {
				check(t, s.Close())
			}
		}
	}
}

// The probe writes: what it commits is a page in the log.
func TestHealthyWrites(t *testing.T) {
	d := openSQLiteTest(t)
	check(t, d.Healthy(t.Context()))
	size := func() int64 {
		info, err := os.Stat(d.path + "-wal")
		check(t, err)
		return info.Size()
	}
	d.raw(t, "PRAGMA wal_checkpoint(TRUNCATE)")
	same(t, "size of an empty log", size(), 0)
	check(t, d.Healthy(t.Context()))
	if size() == 0 {
		t.Error("nothing was written")
	}
}

// A transaction whose context ends is rolled back by database/sql, from beside: what its function still does must not
// be committed by itself.
func TestNothingIsWrittenOnceTheContextHasEnded(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		check(t, d.Write(t.Context(), func(q *Tx) error { return q.Exec(`CREATE TABLE trial (n INTEGER)`) }))
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(q *Tx) error {
			check(t, q.Exec(`INSERT INTO trial (n) VALUES (1)`))
			cancel()
			for { // until it is rolled back
				if _, err := q.tx.ExecContext(context.Background(), `SELECT 1`); errors.Is(err, sql.ErrTxDone) {
					break
				}
				runtime.Gosched()
			}
			if err := q.Exec(`INSERT INTO trial (n) VALUES (2)`); err == nil && !q.Postgres {
				t.Error("a statement ran after the end")
			}
			return nil
		})
		if err == nil {
			t.Error("a write whose context had ended was no error")
		}
		check(t, d.View(t.Context(), func(q *Tx) error {
			var rows int
			err := q.QueryRow(`SELECT COUNT(*) FROM trial`).Scan(&rows)
			same(t, "rows", rows, 0)
			return err
		}))
	})
}

func TestMigrationsGoBackAndForth(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		from, to, err := d.Migrate(t.Context())
		check(t, err)
		same(t, "nothing to do", from, to)
		have, want, err := d.Schema(t.Context())
		check(t, err)
		same(t, "schema", have, want)
	})
}

// A database that cannot be written for a while, as on a file system that went read-only, is unavailable until it can.
func TestADatabaseThatTurnsReadOnlyRecovers(t *testing.T) {
	d := openSQLiteTest(t)
	write := func(q *Tx) error { return q.Exec(`UPDATE counters SET ordinal = ordinal + 1`) }
	check(t, d.Change(t.Context(), write))
	d.raw(t, "PRAGMA query_only = 1")
	if err := d.Change(t.Context(), write); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a change: got %v, want ErrUnavailable", err)
	}
	if err := d.Healthy(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("health: got %v, want ErrUnavailable", err)
	}
	d.raw(t, "PRAGMA query_only = 0")
	check(t, d.Change(t.Context(), write))
	check(t, d.Healthy(t.Context()))
}
