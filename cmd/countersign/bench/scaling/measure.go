package scaling

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // sizes are asked for with plain SQL

	"countersign/cmd/countersign/bench/child"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
)

// Measure fills a schema of its own on a PostgreSQL server and measures what one more of each row takes, what a callback
// costs, and what partitions give. Nothing of it is left. The processor time of the server is known where it runs on this
// machine.
func Measure(ctx context.Context, env *engine.Env, o stage.Options, long time.Duration) (s Slopes, err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-*")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	s = Slopes{At: env.Now().UTC(), Machine: stage.MachineHere(), Rows: o.Rows}
	name := fmt.Sprintf("countersign_bench_%d", os.Getpid())
	o.Services, o.Idle, o.Open = []string{"onespan"}, true, o.Rows/2
	o.Rows = 0
	o.Postgres = with(o.Postgres, "application_name="+name)
	a, err := stage.New(ctx, env, dir, o)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	db, err := sql.Open("pgx", with(a.Tables, "application_name=countersign_bench_look"))
	if err != nil {
		return s, err
	}
	defer db.Close() //nolint:errcheck // a temporary schema
	db.SetMaxOpenConns(1)
	m := &measuring{Stage: a, db: db, name: name, out: &s}
	return s, m.run(ctx, long)
}

// with adds a parameter to a DSN.
func with(dsn, parameter string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameter
	}
	return dsn + "?" + parameter
}

type measuring struct {
	*stage.Stage
	db   *sql.DB
	name string // of the daemon's sessions
	out  *Slopes
}

// run measures sizes at one half and at the whole, then the load, then partitions.
func (m *measuring) run(ctx context.Context, long time.Duration) error {
	if err := m.db.QueryRowContext(ctx, "SHOW server_version").Scan(&m.out.Server); err != nil {
		return err
	}
	half, err := m.sizes(ctx, "transactions", "callbacks", "history")
	if err != nil {
		return err
	}
	if err := m.Fill(ctx, "onespan", m.out.Rows/2); err != nil {
		return err
	}
	whole, err := m.sizes(ctx, "transactions", "callbacks", "history")
	if err != nil {
		return err
	}
	for i, w := range whole {
		m.out.Tables = append(m.out.Tables, w.beyond(half[i]))
	}
	if _, err := m.db.ExecContext(ctx, "TRUNCATE search"); err != nil { // those of the fill are too few words
		return err
	}
	names := []string{"signers", "documents", "deliveries", "search"}
	empty, err := m.sizes(ctx, names...)
	if err != nil {
		return err
	}
	for _, statement := range others {
		if _, err := m.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	full, err := m.sizes(ctx, names...)
	if err != nil {
		return err
	}
	for i, f := range full {
		m.out.Tables = append(m.out.Tables, f.beyond(empty[i]))
	}
	if err := m.load(ctx, long); err != nil {
		return err
	}
	return m.partitions(ctx)
}

// others are rows that no callback makes: two signers and two documents of each transaction, four announcements, and the
// words of a name and two signers, as worker and providers would write them.
var others = []string{
	`INSERT INTO signers (txn, signer, place, name, email, role, "order", status, viewed_at, signed_at, reason)
SELECT n, md5(n::text || p), p, 'Given' || n % 997 || ' Family' || n % 1009, 'given' || n % 997 || '.' || n || '@example.com', 'signer', p,
'signed', now(), now(), '' FROM transactions, generate_series(0, 1) p`,
	`INSERT INTO documents (id, account, ref, doc_id, kind, name, version, state, reason, sha256, size, path, attempts, stored_at, created_at,
signature, integrity, coverage, trust, signatures)
SELECT 'd' || lpad((n * 2 + p)::text, 12, '0'), account, ref, md5(ref || p), CASE p WHEN 0 THEN 'signed' ELSE 'evidence' END, 'agreement-' || n || '.pdf', 1, 'stored', '',
encode(sha256((ref || p)::bytea), 'hex'), 250000, '2026/01/' || md5(ref) || '/' || p || '.pdf', 1, now(), now(), 'intact', 'intact', 'whole', 'unknown',
CASE p WHEN 0 THEN '[{"name":"seal","integrity":"intact","coverage":"whole","trust":"unknown","signed_at":"2026-01-31T12:00:00Z","by":"' || md5('seal') || '"}]' ELSE '[]' END
FROM transactions, generate_series(0, 1) p`,
	`INSERT INTO deliveries (hook, seq, account, ref, state, attempts, note, latency_ms, created_at, done_at)
SELECT 'crm', n * 4 + p, account, ref, 'sent', 1, '200', 12, now(), now() FROM transactions, generate_series(0, 3) p`,
	`INSERT INTO search (n, words) SELECT n, array_to_tsvector(ARRAY['agreement', n::text, 'given' || n % 997, 'family' || n % 1009,
'given' || n % 997 || '.' || n || '@example.com', 'given' || (n + 1) % 997, 'family' || (n + 1) % 1009, lower(ref)]) FROM transactions`,
}

// used is a table as it stands.
type used struct {
	name           string
	rows           int64
	bytes, indexes int64
}

func (m *measuring) sizes(ctx context.Context, names ...string) (all []used, err error) {
	for _, name := range names {
		u := used{name: name}
		if err := m.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+name).Scan(&u.rows); err != nil {
			return nil, err
		}
		if u.bytes, u.indexes, err = m.size(ctx, name); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

func (m *measuring) size(ctx context.Context, name string) (bytes, indexes int64, err error) {
	err = m.db.QueryRowContext(ctx, `SELECT SUM(pg_total_relation_size(relid)), SUM(pg_indexes_size(relid))
FROM (SELECT relid FROM pg_partition_tree($1::regclass) UNION SELECT $1::regclass) AS parts`, name).Scan(&bytes, &indexes)
	if err == nil {
		return bytes, indexes, nil
	}
	return 0, 0, fmt.Errorf("size of %s: %w", name, err)
}

func (u used) beyond(less used) Table {
	rows := u.rows - less.rows
	return Table{Name: u.name, Rows: u.rows, Bytes: float64(u.bytes-less.bytes) / float64(max(rows, 1)),
		Indexes: float64(u.indexes-less.indexes) / float64(max(rows, 1))}
}

// load sends the daemon as many callbacks as it takes, from 64 connections.
func (m *measuring) load(ctx context.Context, long time.Duration) error {
	if _, err := m.Serve(ctx); err != nil {
		return err
	}
	stock := m.Stocks["onespan"]
	stock.Fill(2000)
	if _, err := stock.Send(ctx, m.Target("onespan"), 64, time.Second/2); err != nil { // its sessions are open then
		return err
	}
	stock.Fill(int(10_000 * long.Seconds()))
	before, served, wal, err := m.state(ctx)
	if err != nil {
		return err
	}
	r, err := stock.Send(ctx, m.Target("onespan"), 64, long)
	if err != nil {
		return err
	}
	after, serving, written, err := m.state(ctx)
	if err != nil {
		return err
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(r.Accepted) }
	m.out.Load = Load{PerSecond: r.PerSecond(), CPU: each(after - before), ServerCPU: each(serving - served),
		WAL: float64(written-wal) / float64(r.Accepted)}
	return m.StopDaemon()
}

// state is what the daemon and the server have spent so far.
func (m *measuring) state(ctx context.Context) (daemon, server time.Duration, wal int64, err error) {
	if daemon, err = m.Daemon.CPU(); err != nil {
		return 0, 0, 0, err
	}
	if wal, err = m.wal(ctx); err != nil {
		return 0, 0, 0, err
	}
	rows, err := m.db.QueryContext(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1", m.name)
	if err != nil {
		return 0, 0, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return 0, 0, 0, err
		}
		if spent, err := child.CPUOf(pid); err == nil { // else the server is elsewhere
			server += spent
		}
	}
	return daemon, server, wal, rows.Err()
}

// wal is how much the server has written ahead, for whomever: others should rest.
func (m *measuring) wal(ctx context.Context) (n int64, err error) {
	err = m.db.QueryRowContext(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint").Scan(&n)
	return n, err
}
