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
	"countersign/model/store/database"
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
				b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Verdict: model.Accepted, At: noon,
					Note: strings.Repeat("x", 2000)}})
			}
			return nil
		}})
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("a change: got %v, want ErrUnavailable", err)
	}
	// a page may have room
	if err := d.Healthy(t.Context()); !errors.Is(err, ErrUnavailable) && !strings.Contains(t.Name(), "full") {
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

// pragma sets one of the connection that writes.
func (d *db) pragma(t *testing.T, text string) {
	t.Helper()
	check(t, d.Change(t.Context(), func(q *database.Tx) error { return q.Exec("PRAGMA " + text) }))
}

// exec runs SQL past the store.
func (d *db) exec(t *testing.T, query string) {
	t.Helper()
	_, err := d.raw(t).Exec(query)
	check(t, err)
}

func TestTheDatabaseRecoversByItself(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, d *db){
		"full": func(t *testing.T, d *db) {
			failsAndRecovers(t, d, func() { d.pragma(t, "max_page_count = 60") },
				func() { d.pragma(t, "max_page_count = 1073741823") })
		},
		"locked": func(t *testing.T, d *db) {
			d.pragma(t, "busy_timeout = 30")
			var release func()
			failsAndRecovers(t, d, func() { release = lockFromOutside(t, d) }, func() { release() })
		},
		"newer": func(t *testing.T, d *db) {
			failsAndRecovers(t, d,
				func() { d.exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)") },
				func() { d.exec(t, "DELETE FROM goose_db_version WHERE version_id = 9999") })
		},
		"gone": func(t *testing.T, d *db) {
			away := d.Path() + ".away"
			failsAndRecovers(t, d, func() { check(t, os.Rename(d.Path(), away)) },
				func() { check(t, os.Rename(away, d.Path())) })
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, openSQLiteTest(t).running(t)) })
	}
}

// lockFromOutside writes in another connection and does not commit.
func lockFromOutside(t *testing.T, d *db) (release func()) {
	t.Helper()
	tx, err := d.raw(t).Begin()
	check(t, err)
	_, err = tx.Exec("UPDATE counters SET seq = seq")
	check(t, err)
	return func() { check(t, tx.Rollback()) }
}

func TestAFilePutInThePlaceOfTheOldOneIsOpened(t *testing.T) {
	d := openSQLiteTest(t).running(t)
	d.put(t, row1("a"))
	copied := d.Path() + ".copy"
	d.exec(t, "VACUUM INTO '"+copied+"'")
	d.put(t, row1("b")) // after the copy: gone with the old file
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(t, os.Remove(d.Path()+suffix))
	}
	if err := d.Healthy(t.Context()); err == nil {
		t.Log("health does not look at the file's name")
	}
	check(t, os.Rename(copied, d.Path()))
	d.put(t, row1("c"))
	n, err := d.Count(t.Context(), Filter{})
	check(t, err)
	same(t, "rows in the new file", n, 2)
}

// A newer database in the place of ours is refused by every change, not only by the first.
func TestANewerFileInThePlaceOfTheOldOneIsRefused(t *testing.T) {
	d := openSQLiteTest(t).running(t)
	d.put(t, row1("a"))
	copied := d.Path() + ".copy"
	d.exec(t, "VACUUM INTO '"+copied+"'")
	other := &db{dsn: "sqlite:" + copied}
	other.exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(t, os.Remove(d.Path()+suffix))
	}
	check(t, os.Rename(copied, d.Path()))
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
	d.exec(t, "DELETE FROM goose_db_version WHERE version_id = 9999")
	d.put(t, row1("b"))
}

func TestASessionThatBreaksIsReplaced(t *testing.T) {
	d := openPostgresTest(t).running(t)
	d.put(t, row1("a"))
	_, err := d.raw(t).Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%counters%' OR query = 'COMMIT' AND pid <> pg_backend_pid()`)
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
