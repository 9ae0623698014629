package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"countersign/model"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves by hand.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

// db is a database that a test owns: a Store and what it takes to open another on it.
type db struct {
	*Store
	clock *clock
	dsn   string
}

func (d *db) options() Options {
	return Options{DSN: d.dsn, Key: []byte(strings.Repeat("k", 32)), Now: d.clock.now}
}

// again opens the same database once more.
func (d *db) again(t *testing.T, change ...func(*Options)) *Store {
	t.Helper()
	o := d.options()
	for _, c := range change {
		c(&o)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// raw opens a connection past the store.
func (d *db) raw(t testing.TB) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", d.dsn
	if path, ok := strings.CutPrefix(d.dsn, "sqlite:"); ok {
		driver, dsn = "sqlite3", "file:"+path+"?_busy_timeout=5000"
	}
	raw, err := sql.Open(driver, dsn)
	check(t, err)
	t.Cleanup(func() { check(t, raw.Close()) })
	return raw
}

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, d *db)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLiteTest(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openPostgresTest(t)) })
}

func openSQLiteTest(t testing.TB) *db {
	t.Helper()
	return openTest(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

func openTest(t testing.TB, dsn string) *db {
	t.Helper()
	d := &db{clock: &clock{}, dsn: dsn}
	d.clock.ms.Store(noon.UnixMilli())
	var err error
	if d.Store, err = Open(context.Background(), d.options()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

var schemas atomic.Int64

func openPostgresTest(t testing.TB) *db {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	schema := fmt.Sprintf("store_%d_%d", os.Getpid(), schemas.Add(1))
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("pgx", base)
		if err != nil {
			t.Error(err)
			return
		}
		defer admin.Close()
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return openTest(t, u.String())
}

// running keeps the writer at work until the test ends.
func (d *db) running(t testing.TB) *db {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	for {
		d.gate.RLock()
		up := d.Store.running
		d.gate.RUnlock()
		if up {
			break
		}
		time.Sleep(time.Millisecond)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

func key(ref string) model.Key { return model.Key{Account: "acc", Ref: ref} }

// do runs a change that must succeed.
func (d *db) do(t testing.TB, apply func(b *Batch) error, keys ...model.Key) {
	t.Helper()
	if err := d.Do(context.Background(), Unit{Keys: keys, Apply: apply}); err != nil {
		t.Fatal(err)
	}
}

// put writes rows as they are.
func (d *db) put(t testing.TB, rows ...model.Transaction) {
	t.Helper()
	var keys []model.Key
	for _, r := range rows {
		keys = append(keys, r.Key())
	}
	d.do(t, func(b *Batch) error {
		for _, r := range rows {
			b.Put(r, model.Decision{Next: r, Grew: true})
		}
		return nil
	}, keys...)
}

func (d *db) get(t testing.TB, k model.Key) model.Transaction {
	t.Helper()
	r, err := d.Transaction(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func row1(ref string) model.Transaction {
	return model.Transaction{
		Account: "acc", Ref: ref, Provider: "simulated", Status: model.InProgress, FirstSeenAt: noon, ChangedAt: noon,
		Origin: model.OriginPoll, SignersSet: true,
	}
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

func at(t time.Time) *time.Time { return &t }
