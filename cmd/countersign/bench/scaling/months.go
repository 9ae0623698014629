package scaling

import (
	"context"
	"fmt"
	"time"
)

// months is over how many the callbacks of the trial are spread.
const months = 6

// parted is a table of callbacks by months. What is unique there is unique within a month only: a key of a partitioned
// table must hold the column that parts it.
var parted = []string{
	`CREATE TABLE parted (LIKE callbacks) PARTITION BY RANGE (at)`,
	`CREATE INDEX ON parted (n)`,
	`CREATE UNIQUE INDEX ON parted (txn, dedupe_key, at) WHERE txn IS NOT NULL`,
	`CREATE UNIQUE INDEX ON parted (account, ref, dedupe_key, at) WHERE txn IS NULL`,
	`CREATE INDEX ON parted (verdict, n) WHERE verdict IN ('refused', 'not_understood')`,
}

// partitions writes the callbacks that are there into one table and into one by months, six times over a month apart, and
// takes the oldest month away from both.
func (m *measuring) partitions(ctx context.Context) error {
	tables := append([]string{`CREATE TABLE plain (LIKE callbacks INCLUDING ALL)`}, parted...)
	for i := range months {
		tables = append(tables, fmt.Sprintf("CREATE TABLE parted_%d PARTITION OF parted FOR VALUES FROM ('2026-%02d-01Z') TO ('2026-%02d-01Z')", i, i+1, i+2))
	}
	for _, statement := range tables {
		if _, err := m.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("partitions: %w", err)
		}
	}
	p := &m.out.Partitions
	for _, way := range []struct {
		table string
		to    *Way
		drop  []string
	}{
		{"plain", &p.Plain, []string{"DELETE FROM plain WHERE at < '2026-02-01Z'", "VACUUM plain"}},
		{"parted", &p.Parted, []string{"DROP TABLE parted_0"}},
	} {
		if err := m.way(ctx, way.table, way.to, way.drop); err != nil {
			return fmt.Errorf("partitions, %s: %w", way.table, err)
		}
	}
	return m.db.QueryRowContext(ctx, "SELECT COUNT(*) * 6 FROM callbacks").Scan(&p.Rows)
}

func (m *measuring) way(ctx context.Context, table string, w *Way, drop []string) (err error) {
	fill := `INSERT INTO ` + table + ` SELECT (SELECT MAX(n) FROM callbacks) * k + n, txn + (SELECT MAX(n) FROM transactions) * k, account, ref, dedupe_key,
type, event_id, verdict, outcome, note, '2026-01-01Z'::timestamptz + k * interval '1 month' + n % 28 * interval '1 day', remote_addr, body_hash, sealed,
unproved, body FROM callbacks, generate_series(0, 5) k ORDER BY k, n`
	if w.Fill, w.FillWAL, err = m.timed(ctx, fill); err != nil {
		return err
	}
	const finds = 20_000
	find := fmt.Sprintf(`DO $$ DECLARE c record; BEGIN FOR c IN SELECT txn, dedupe_key FROM callbacks WHERE txn IS NOT NULL LIMIT %d LOOP
PERFORM 1 FROM %s WHERE txn = c.txn AND dedupe_key = c.dedupe_key; END LOOP; END $$`, finds, table)
	took, _, err := m.timed(ctx, "ANALYZE "+table)
	if err == nil {
		took, _, err = m.timed(ctx, find)
	}
	if err != nil {
		return err
	}
	w.Find = took * 1e6 / finds
	if w.Before, _, err = m.size(ctx, table); err != nil {
		return err
	}
	for _, statement := range drop {
		took, wal, err := m.timed(ctx, statement)
		if err != nil {
			return err
		}
		w.Drop, w.DropWAL = w.Drop+took, w.DropWAL+wal
	}
	w.After, _, err = m.size(ctx, table)
	return err
}

// timed runs a statement and says how many seconds it took and what it wrote ahead.
func (m *measuring) timed(ctx context.Context, statement string) (seconds float64, wal int64, err error) {
	before, err := m.wal(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if _, err := m.db.ExecContext(ctx, statement); err != nil {
		return 0, 0, err
	}
	seconds = time.Since(began).Seconds()
	after, err := m.wal(ctx)
	return seconds, after - before, err
}
