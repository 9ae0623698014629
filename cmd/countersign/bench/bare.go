package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver of the plain SQL that we are measured against

	"countersign/model/store"
)

// openPlain opens a SQLite file as carefully as we do, with nothing above database/sql.
func openPlain(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", (&url.URL{
		Scheme: "file", Path: path,
		RawQuery: "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=5000&_stmt_cache_size=64",
	}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// bare writes rows like ours by prepared statements and group commit, and does nothing else. What
// the rows hold is copied from ours; what makes them differ is made anew.
type bare struct {
	db, from *sql.DB
	queue    chan chan error
	stopped  chan struct{}
	once     sync.Once
	tables   []*bareTable
	failed   error
	n        atomic.Int64
}

// bareTable is one insert, with a row to copy.
type bareTable struct {
	name    string
	columns []string
	row     []any
	query   string
	st      *sql.Stmt
}

func newBare(ctx context.Context, dir string, from *sql.DB) (*bare, error) {
	path := filepath.Join(dir, "bare.db")
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path, Key: make([]byte, 32), Now: time.Now})
	if err != nil {
		return nil, err
	}
	_, _, err = s.Migrate(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	db, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	b := &bare{db: db, from: from, queue: make(chan chan error, 4096), stopped: make(chan struct{})}
	go b.run()
	return b, nil
}

func (b *bare) close() error {
	close(b.queue)
	<-b.stopped
	return b.db.Close()
}

func (b *bare) count(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM callbacks").Scan(&n)
	return n, err
}

func (b *bare) do(ctx context.Context, _ []byte) error {
	b.once.Do(func() { b.failed = b.learn(ctx) })
	if b.failed != nil {
		return b.failed
	}
	done := make(chan error, 1)
	b.queue <- done
	return <-done
}

// learn takes a row of each table from ours, as patterns.
func (b *bare) learn(ctx context.Context) error {
	for _, name := range []string{"transactions", "callbacks", "history", "outbox"} {
		t := &bareTable{name: name}
		rows, err := b.from.QueryContext(ctx, "SELECT * FROM "+name+" ORDER BY 1 DESC LIMIT 1")
		if err != nil {
			return err
		}
		if t.columns, err = rows.Columns(); err == nil && rows.Next() {
			t.row = make([]any, len(t.columns))
			into := make([]any, len(t.columns))
			for i := range into {
				into[i] = &t.row[i]
			}
			err = rows.Scan(into...)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return err
		}
		if t.row == nil {
			return fmt.Errorf("%s holds no row to copy", name)
		}
		t.query = "INSERT INTO " + name + " (" + strings.Join(t.columns, ", ") + ") VALUES (?" +
			strings.Repeat(", ?", len(t.columns)-1) + ")"
		if name == "transactions" {
			t.query += " ON CONFLICT (n) DO UPDATE SET status = excluded.status, provider_status = excluded.provider_status, changed_at = excluded.changed_at," +
				" next_check_at = excluded.next_check_at, version = excluded.version, seq = excluded.seq"
		}
		if t.st, err = b.db.PrepareContext(ctx, t.query); err != nil {
			return err
		}
		b.tables = append(b.tables, t)
	}
	return nil
}

func (b *bare) run() {
	defer close(b.stopped)
	for first := range b.queue {
		group := []chan error{first}
		for more := true; more && len(group) < 512; {
			select {
			case next, ok := <-b.queue:
				if more = ok; ok {
					group = append(group, next)
				}
			default:
				more = false
			}
		}
		err := b.write(len(group))
		for _, done := range group {
			done <- err
		}
	}
	for _, t := range b.tables {
		t.st.Close() //nolint:errcheck // the database is closed next
	}
}

func (b *bare) write(n int) error {
	tx, err := b.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	for _, t := range b.tables {
		st := tx.Stmt(t.st)
		for i := range n {
			if _, err := st.Exec(t.values(b.n.Load() + int64(i) + 1)...); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	b.n.Add(int64(n))
	return tx.Commit()
}

// values is the pattern's row as number n; four events are of one transaction.
func (t *bareTable) values(n int64) []any {
	at := n - 1
	txn := at/4096*1024 + at%1024 + 1
	row := slices.Clone(t.row)
	for i, column := range t.columns {
		switch column {
		case "n", "seq":
			row[i] = n
			if t.name == "transactions" && column == "n" {
				row[i] = txn
			}
		case "txn":
			row[i] = txn
		case "ref":
			row[i] = fmt.Sprintf("%08x-bench-package=", uint32(txn)*2654435761) //nolint:gosec // any bits will do
		case "dedupe_key":
			row[i] = fmt.Sprintf("%032x", uint64(n)*0x9E3779B97F4A7C15) //nolint:gosec // any bits will do
		}
	}
	return row
}
