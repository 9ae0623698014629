package database

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"countersign/model/store/sqlitefile"
)

// keeps starts the keeper.
func (d *db) keeps(t *testing.T, every time.Duration) *logtest.Hook {
	t.Helper()
	log, said := logtest.NewNullLogger()
	log.SetLevel(logrus.InfoLevel)
	d.keeper.Log, d.keeper.Every = logrus.NewEntry(log), every
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		d.Keep(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return said
}

// fills commits a few MB, as many times as told.
func (d *db) fills(t *testing.T, times int) {
	t.Helper()
	for range times {
		check(t, d.Change(t.Context(), func(q *Tx) error {
			return q.Exec(`INSERT OR REPLACE INTO filling (n, x) VALUES (1, randomblob(4000000))`)
		}))
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func countSaid(said *logtest.Hook, text string) (n int) {
	for _, e := range said.AllEntries() {
		if strings.Contains(e.Message, text) {
			n++
		}
	}
	return n
}

// A reader that stays in one transaction keeps the log from beginning anew: that is told once, and once he is gone the
// log is small again, whether or not anybody writes, and nobody who writes waits for it.
func TestTheLogIsSmallAgainOnceALongReaderIsGone(t *testing.T) {
	for name, writes := range map[string]bool{"nobody writes": false, "somebody writes": true} {
		t.Run(name, func(t *testing.T) {
			d := openSQLiteTest(t)
			d.raw(t, `CREATE TABLE filling (n INTEGER PRIMARY KEY, x BLOB)`)
			said := d.keeps(t, 20*time.Millisecond)
			raw, err := sqlitefile.ReadPlain(d.Path())
			check(t, err)
			defer raw.Close()
			reader, err := raw.BeginTx(t.Context(), nil)
			check(t, err)
			seq := func() (n int64) {
				check(t, reader.QueryRow(`SELECT seq FROM counters`).Scan(&n))
				return n
			}
			was := seq()
			for LogSize(d.Path()) < sqlitefile.LogBound+8<<20 {
				d.fills(t, 1)
			}
			check(t, d.Change(t.Context(), func(q *Tx) error { return q.Exec(`UPDATE counters SET seq = 77`) }))
			eventually(t, "a warning", func() bool { return countSaid(said, "stays large") > 0 })
			for range 20 { // the keeper has looked some times more
				d.fills(t, 1)
			}
			if n := countSaid(said, "stays large"); n != 1 {
				t.Errorf("warned %d times", n)
			}
			if size, ok := said.AllEntries()[0].Data["size"].(string); !ok || !strings.HasSuffix(size, " MiB") {
				t.Errorf("the warning names the size as %q", size)
			}
			same(t, "what the reader sees", seq(), was)
			check(t, reader.Rollback())
			eventually(t, "a small log", func() bool {
				if writes {
					d.fills(t, 1)
				}
				return LogSize(d.Path()) <= 16<<20
			})
			eventually(t, "a word of it", func() bool { return countSaid(said, "small again") == 1 })
			check(t, d.View(t.Context(), func(q *Tx) error { return q.QueryRow(`SELECT seq FROM counters`).Scan(&was) }))
			same(t, "what was written meanwhile", was, 77)
			check(t, d.Check(t.Context()))
		})
	}
}

// With nobody in the way the log begins anew again and again.
func TestTheLogStaysSmall(t *testing.T) {
	d := openSQLiteTest(t)
	d.raw(t, `CREATE TABLE filling (n INTEGER PRIMARY KEY, x BLOB)`)
	said := d.keeps(t, time.Hour)
	for range 300 {
		check(t, d.Change(t.Context(), func(q *Tx) error {
			return q.Exec(`INSERT OR REPLACE INTO filling (n, x) VALUES (1, randomblob(800000))`)
		}))
		if size := LogSize(d.Path()); size > sqlitefile.LogBound {
			t.Fatalf("the log has %d bytes", size)
		}
	}
	if len(said.AllEntries()) > 0 {
		t.Errorf("said %v", said.LastEntry())
	}
}
