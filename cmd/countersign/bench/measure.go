package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	_ "github.com/mattn/go-sqlite3" // the table is counted with plain SQL

	"countersign/cmd/countersign/bench/load"
)

// measure runs each subject in turns, round by round, and takes medians.
func (s *stand) measure(ctx context.Context, service string, connections int) ([]Line, error) {
	var lines []Line
	var of []subject
	for _, sub := range s.list {
		callers := connections
		if sub.fixed > 0 {
			callers = sub.fixed
		}
		of = append(of, sub)
		lines = append(lines, Line{Service: service, What: sub.name, Connections: connections, Callers: callers})
	}
	long := time.Duration(s.o.Seconds * float64(time.Second))
	for round := range s.o.Rounds {
		for i, sub := range of {
			if err := s.round(ctx, sub, &lines[i], long); errors.Is(err, errOther) {
				continue
			} else if err != nil {
				return nil, fmt.Errorf("%s, %s, %d connections, round %d: %w", sub.name, service, connections, round+1, err)
			}
		}
	}
	lines = slices.DeleteFunc(lines, func(l Line) bool { return len(l.Rounds) == 0 })
	for i := range lines {
		lines[i].summarize()
	}
	relate(lines)
	return lines, nil
}

// round is one round of one subject: what was accepted must stand in the table afterwards.
func (s *stand) round(ctx context.Context, sub subject, l *Line, long time.Duration) error {
	before, err := s.state(ctx, sub)
	if err != nil {
		return err
	}
	runtime.GC()
	r, err := sub.round(ctx, l.Service, l.Callers, long)
	if err != nil {
		return err
	}
	after, err := s.state(ctx, sub)
	if err != nil {
		return err
	}
	if sub.count != nil {
		if err := counted(before.rows, after.rows, r.Accepted); err != nil {
			return err
		}
	}
	l.add(Round{PerSecond: r.PerSecond(), P50: r.Quantile(0.5), P99: r.Quantile(0.99), P999: r.Quantile(0.999),
		Accepted: r.Accepted, CPU: after.cpu - before.cpu, Services: after.served - before.served,
		Commits: after.commits - before.commits})
	if sub.daemon {
		m := s.Daemon.Most()
		l.Anonymous, l.Resident = max(l.Anonymous, m.Anonymous), max(l.Resident, m.Resident)
	}
	return nil
}

// counted compares what was accepted with what stands in the table.
func counted(before, after, accepted int64) error {
	if after-before != accepted {
		return fmt.Errorf("%d requests were accepted and %d stand in the table", accepted, after-before)
	}
	return nil
}

// state is what is compared before and after a round.
type state struct {
	rows, commits int64
	cpu, served   time.Duration // of the daemon, and of the simulated services
}

func (s *stand) state(ctx context.Context, sub subject) (t state, err error) {
	if sub.count != nil {
		if t.rows, err = sub.count(ctx); err != nil {
			return t, err
		}
	}
	if !sub.daemon {
		return t, nil
	}
	if t.commits, err = s.Commits(ctx); err != nil {
		return t, err
	}
	if t.cpu, err = s.CPU(); err != nil {
		return t, err
	}
	t.served, err = s.Services.CPU()
	return t, err
}

// counter counts callbacks of the loaded accounts in the daemon's table, each row once.
type counter struct {
	query string
	db    *sql.DB
	last  int64
	sum   int64
}

func newCounter(file, postgres string) (*counter, error) {
	driver, dsn, mark := "sqlite3", (&url.URL{Scheme: "file", Path: file, RawQuery: "mode=ro&_busy_timeout=5000"}).String(),
		"?"
	if postgres != "" {
		driver, dsn, mark = "pgx", postgres, "$1"
	}
	db, err := sql.Open(driver, dsn)
	return &counter{db: db, query: `SELECT COUNT(*) FILTER (WHERE account LIKE 'load-%'), COALESCE(MAX(n), 0)
		FROM callbacks WHERE n > ` + mark}, err
}

func (c *counter) close() error { return c.db.Close() }

func (c *counter) count(ctx context.Context) (int64, error) {
	var n, last int64
	err := c.db.QueryRowContext(ctx, c.query, c.last).Scan(&n, &last)
	c.last, c.sum = max(c.last, last), c.sum+n
	return c.sum, err
}

// Sync is how long this disk takes to make 4 KiB durable.
type Sync struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// measureSync appends to a file and syncs, again and again.
func measureSync(dir string) (out Sync, err error) {
	f, err := os.Create(filepath.Join(dir, "sync.probe"))
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var r load.Result
	page := make([]byte, 4096)
	for range 300 {
		at := time.Now()
		if _, err := f.Write(page); err != nil {
			return out, err
		}
		if err := f.Sync(); err != nil {
			return out, err
		}
		r.Times = append(r.Times, time.Since(at))
	}
	slices.Sort(r.Times)
	return Sync{r.Quantile(0.5), r.Quantile(0.99)}, nil
}
