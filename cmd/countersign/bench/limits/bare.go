// Package limits is what the daemon is measured beside: plain SQL that groups rows into commits, with and without the
// work that a callback is, and handlers as people write them.
package limits

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	"github.com/klauspost/compress/zstd"

	"countersign/cmd/countersign/bench/load"
	"countersign/model/store"
	"countersign/provider"
)

// Producers is how many callers the limits in process have.
const Producers = 256

// open opens a SQLite file as carefully as we do, with nothing above database/sql. Each commit takes delay longer, where
// a slower disk would take it.
func open(path, settings string, delay time.Duration) *sql.DB {
	db := sql.OpenDB(connector{delay: delay, dsn: (&url.URL{Scheme: "file", Path: path, RawQuery: settings}).String()})
	return db
}

// careful are the settings of those who read about them.
const careful = "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=5000&_stmt_cache_size=64"

// Bare writes rows like the daemon's by prepared statements and group commit, and does nothing else. What its rows hold
// is copied from the daemon's; what makes them differ is made anew.
type Bare struct {
	db       *sql.DB
	path     string
	postgres bool // many rows to a statement
	queue    chan *row
	stopped  chan struct{}
	tables   []*table
	n        int64
}

// row waits for its commit.
type row struct {
	body []byte // compressed; nil: the pattern's
	sum  []byte
	done chan error
}

// OpenBare makes a database beside the daemon's, whose rows of an account are its patterns.
func OpenBare(ctx context.Context, dir, patterns, account string, delay time.Duration) (*Bare, error) {
	path := filepath.Join(dir, "bare.db")
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path, Key: make([]byte, 32), Now: time.Now})
	if err != nil {
		return nil, err
	}
	_, _, err = s.Migrate(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	db := open(path, careful, delay)
	db.SetMaxOpenConns(1)
	b := &Bare{db: db, path: path, queue: make(chan *row, 4096), stopped: make(chan struct{})}
	from := open(patterns, "mode=ro", 0)
	defer from.Close() //nolint:errcheck // only read
	if err := b.learn(ctx, from, account); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go b.run()
	return b, nil
}

// Close ends the writer and closes the database.
func (b *Bare) Close() error {
	close(b.queue)
	<-b.stopped
	return b.db.Close()
}

// Path is the database's file.
func (b *Bare) Path() string { return b.path }

// Count is how many callbacks stand in the table.
func (b *Bare) Count(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM callbacks").Scan(&n)
	return n, err
}

// Do writes the rows of one callback and returns when they are on disk.
func (b *Bare) Do(context.Context) error { return b.write(&row{}) }

func (b *Bare) write(r *row) error {
	r.done = make(chan error, 1)
	b.queue <- r
	return <-r.done
}

// Worker returns what writes the rows of the next callback of a stock after verifying, parsing, hashing and compressing
// it, as the daemon must.
func (b *Bare) Worker(s *load.Stock, p provider.Service) (func(context.Context) error, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithWindowSize(64<<10), zstd.WithEncoderCRC(false),
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return func(context.Context) error {
		c := s.Next()
		got, err := p.Receive(provider.Callback{Account: "load", Header: c.Header, Body: c.Body, ReceivedAt: s.At()})
		if err != nil {
			return err
		}
		body := c.Body
		if got.Clean != nil {
			body = got.Clean
		}
		sum := sha256.Sum256(c.Body)
		return b.write(&row{body: enc.EncodeAll(body, make([]byte, 0, len(body)/2)), sum: sum[:]})
	}, nil
}

func (b *Bare) run() {
	defer close(b.stopped)
	for first := range b.queue {
		group := []*row{first}
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
		err := b.commit(group)
		for _, r := range group {
			r.done <- err
		}
	}
	for _, t := range b.tables {
		if t.st == nil {
			continue
		}
		t.st.Close() //nolint:errcheck // the database is closed next
	}
}

func (b *Bare) commit(group []*row) error {
	tx, err := b.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	at := time.Now().UTC()
	for _, t := range b.tables {
		if b.postgres {
			if err := t.insertMany(tx, b.n, at, group); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			continue
		}
		st := tx.Stmt(t.st)
		for i, r := range group {
			for _, values := range t.values(b.n+int64(i), at, r) {
				if _, err := st.Exec(values...); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	b.n += int64(len(group))
	return nil
}

// connector opens connections whose commits take longer.
type connector struct {
	dsn   string
	delay time.Duration
}

// Used is how many bytes of a database's file hold something, its log brought in.
func Used(ctx context.Context, file string) (int64, error) {
	db := open(file, "_busy_timeout=5000", 0)
	defer db.Close() //nolint:errcheck // looked at
	var busy, log, done, pages, free, size int64
	err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done)
	if err == nil {
		err = db.QueryRowContext(ctx, `SELECT page_count, freelist_count, page_size
			FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&pages, &free, &size)
	}
	return (pages - free) * size, err
}
