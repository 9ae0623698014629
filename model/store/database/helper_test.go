package database

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv("COUNTERSIGN_TEST_LOCK"); dsn != "" {
		lockForever(dsn)
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// db is a database that a test owns, and what it takes to open it once more.
type db struct {
	*DB
	dsn string
}

func optionsOf(dsn string) Options {
	log := logrus.New()
	log.SetLevel(logrus.PanicLevel)
	return Options{DSN: dsn, Now: func() time.Time { return noon }, Log: logrus.NewEntry(log)}
}

// again opens the same database once more.
func (d *db) again(t *testing.T) *DB {
	t.Helper()
	other, err := Open(t.Context(), optionsOf(d.dsn))
	check(t, err)
	t.Cleanup(func() { check(t, other.Close()) })
	return other
}

// raw runs SQL past the database's own transactions.
func (d *db) raw(t *testing.T, query string) {
	t.Helper()
	raw, err := d.write.DB()
	check(t, err)
	_, err = raw.Exec(query)
	check(t, err)
}

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, d *db)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLiteTest(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openPostgresTest(t)) })
}

func openSQLiteTest(t *testing.T) *db {
	t.Helper()
	return openTest(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// openTest opens a database and migrates it.
func openTest(t *testing.T, dsn string) *db {
	t.Helper()
	d, err := Open(t.Context(), optionsOf(dsn))
	check(t, err)
	t.Cleanup(func() { check(t, d.Close()) })
	_, _, err = d.Migrate(t.Context())
	check(t, err)
	return &db{d, dsn}
}

var schemas atomic.Int64

// openPostgresTest opens a schema of its own.
func openPostgresTest(t *testing.T) *db {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	admin := func(query string) error {
		db, err := sql.Open("pgx", base)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(context.Background(), query)
		return err
	}
	schema := fmt.Sprintf("database_%d_%d", os.Getpid(), schemas.Add(1))
	check(t, admin("CREATE SCHEMA "+schema))
	t.Cleanup(func() { check(t, admin("DROP SCHEMA "+schema+" CASCADE")) })
	u, err := url.Parse(base)
	check(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return openTest(t, u.String())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
