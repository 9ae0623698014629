package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

// fails and recovers: broken makes the database unwritable, mended undoes it.
func failsAndRecovers(t *testing.T, d *db, broken, mended func()) {
	t.Helper()
	d.put(t, row1("before"))
	broken()
	var err error
	for i := 0; err == nil && i < 100; i++ { // some room may be left
		err = d.Do(context.Background(), Unit{Apply: func(b *Batch) error {
			for range 20 {
				b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted, At: noon, Note: strings.Repeat("x", 2000)}})
			}
			return nil
		}})
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("a change: got %v, want ErrUnavailable", err)
	}
	if err := d.Healthy(t.Context()); !errors.Is(err, ErrUnavailable) && !strings.Contains(t.Name(), "full") { // a page may have room
		t.Errorf("health: got %v, want ErrUnavailable", err)
	}
	mended()
	calls := d.count(t, "callbacks")
	d.do(t, func(b *Batch) error {
		b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted, At: noon}})
		return nil
	})
	same(t, "callbacks after", d.count(t, "callbacks"), calls+1)
	check(t, d.Healthy(t.Context()))
}

func (d *db) pragma(t *testing.T, text string) {
	t.Helper()
	d.raw(t, "PRAGMA "+text)
}

// raw runs SQL past the store.
func (d *db) raw(t *testing.T, query string) {
	t.Helper()
	raw, err := d.write.DB()
	check(t, err)
	_, err = raw.Exec(query)
	check(t, err)
}

func TestTheDatabaseRecoversByItself(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, d *db){
		"read-only": func(t *testing.T, d *db) {
			failsAndRecovers(t, d, func() { d.pragma(t, "query_only = 1") }, func() { d.pragma(t, "query_only = 0") })
		},
		"full": func(t *testing.T, d *db) {
			failsAndRecovers(t, d, func() { d.pragma(t, "max_page_count = 60") }, func() { d.pragma(t, "max_page_count = 1073741823") })
		},
		"locked": func(t *testing.T, d *db) {
			d.pragma(t, "busy_timeout = 30")
			var release func()
			failsAndRecovers(t, d, func() { release = lockFromOutside(t, d) }, func() { release() })
		},
		"newer": func(t *testing.T, d *db) {
			failsAndRecovers(t, d, func() { d.raw(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)") },
				func() { d.raw(t, "DELETE FROM goose_db_version WHERE version_id = 9999") })
		},
		"gone": func(t *testing.T, d *db) {
			away := d.path + ".away"
			failsAndRecovers(t, d, func() { check(t, os.Rename(d.path, away)) }, func() { check(t, os.Rename(away, d.path)) })
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, openSQLiteTest(t).running(t)) })
	}
}

// lockFromOutside writes in another connection and does not commit.
func lockFromOutside(t *testing.T, d *db) (release func()) {
	t.Helper()
	raw, err := d.again(t).write.DB()
	check(t, err)
	tx, err := raw.Begin()
	check(t, err)
	return func() { check(t, tx.Rollback()) }
}

func TestAFilePutInThePlaceOfTheOldOneIsOpened(t *testing.T) {
	d := openSQLiteTest(t).running(t)
	d.put(t, row1("a"))
	copied := d.path + ".copy"
	raw, err := d.read.DB()
	check(t, err)
	w, err := d.write.DB()
	check(t, err)
	_, err = w.Exec("VACUUM INTO ?", copied)
	check(t, err)
	d.put(t, row1("b")) // after the copy: gone with the old file
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(t, os.Remove(d.path+suffix))
	}
	if err := d.Healthy(t.Context()); err == nil {
		t.Log("health does not look at the file's name")
	}
	check(t, os.Rename(copied, d.path))
	d.put(t, row1("c"))
	var n int
	check(t, raw.QueryRow("SELECT COUNT(*) FROM transactions").Scan(&n))
	same(t, "rows in the new file", n, 2)
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

// A newer database in the place of ours is refused by every change, not only by the first.
func TestANewerFileInThePlaceOfTheOldOneIsRefused(t *testing.T) {
	d := openSQLiteTest(t).running(t)
	d.put(t, row1("a"))
	copied := d.path + ".copy"
	d.raw(t, "VACUUM INTO '"+copied+"'")
	other, err := Open(t.Context(), Options{DSN: "sqlite:" + copied, Key: d.options().Key, Now: d.clock.now})
	check(t, err)
	raw, err := other.write.DB()
	check(t, err)
	_, err = raw.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	check(t, err)
	_, err = raw.Exec("PRAGMA wal_checkpoint(TRUNCATE)") // its file alone is moved
	check(t, err)
	check(t, other.Close())
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(t, os.Remove(d.path+suffix))
	}
	check(t, os.Rename(copied, d.path))
	for range 3 {
		err := d.Do(t.Context(), Unit{Apply: func(b *Batch) error {
			b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted, At: noon}})
			return nil
		}})
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrNewer) {
			t.Errorf("a change: got %v, want ErrNewer", err)
		}
		if err := d.Healthy(t.Context()); !errors.Is(err, ErrNewer) {
			t.Errorf("health: got %v, want ErrNewer", err)
		}
	}
	d.raw(t, "DELETE FROM goose_db_version WHERE version_id = 9999")
	d.put(t, row1("b"))
}

func TestASessionThatBreaksIsReplaced(t *testing.T) {
	d := openPostgresTest(t).running(t)
	d.put(t, row1("a"))
	admin, err := openPgx(d.dsn)
	check(t, err)
	defer admin.Close()
	_, err = admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%counters%' OR query = 'COMMIT' AND pid <> pg_backend_pid()`)
	check(t, err)
	deadline := time.Now().Add(20 * time.Second)
	for i := 0; ; i++ {
		k := key(fmt.Sprint(i))
		err := d.Do(context.Background(), Unit{Keys: []model.Key{k}, Apply: move(k, model.Draft)})
		if err == nil {
			return
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(deadline) {
			t.Fatalf("got %v", err)
		}
	}
}
