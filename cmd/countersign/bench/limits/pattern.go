package limits

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"countersign/cmd/countersign/bench/load"
)

// Driver is asked for by database/sql.
func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(c.dsn)
	if err != nil || c.delay == 0 {
		return conn, err
	}
	lite, ok := conn.(*sqlite3.SQLiteConn)
	if !ok {
		return nil, errors.New("another driver than was asked for")
	}
	lite.RegisterCommitHook(func() int { time.Sleep(c.delay); return 0 })
	return lite, nil
}

// table is one insert, with rows to copy: those that the four callbacks of one transaction left.
type table struct {
	name    string
	columns []string
	rows    [4][][]any // by the callback that they came with
	per     int64      // how many rows a transaction has
	then    string     // what follows the values
	st      *sql.Stmt
}

// marked is a query with the marks of its dialect.
func (b *Bare) marked(query string) string {
	if b.postgres {
		return strings.ReplaceAll(query, "?", "$1")
	}
	return query
}

// moved are the columns of a transaction that a later callback about it changes, where the schema has them.
var moved = []string{"status", "provider_status", "changed_at", "next_check_at", "due_reason", "due_since", "version",
	"seq", "reported_status", "signers_done"}

// learn takes the rows of an account's newest transaction with four callbacks as patterns.
func (b *Bare) learn(ctx context.Context, from *sql.DB, account string) error {
	var txn int64
	if err := from.QueryRowContext(ctx, b.marked(`SELECT MAX(txn) FROM (SELECT txn FROM callbacks WHERE txn IS NOT NULL AND account = ?
		GROUP BY txn HAVING COUNT(*) = 4) AS whole`), account).Scan(&txn); err != nil {
		return fmt.Errorf("no transaction with four callbacks to copy: %w", err)
	}
	for name, where := range map[string]string{
		"transactions": "n = ?", "callbacks": "txn = ?", "history": "txn = ?",
		"outbox": "seq IN (SELECT seq FROM history WHERE txn = ?)",
	} {
		t := &table{name: name}
		var err error
		if t.columns, err = columnsIn(ctx, from, name, b.postgres); err != nil {
			return err
		}
		if err := t.learn(ctx, from, where, txn, b.postgres); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if t.per == 0 {
			continue // the daemon writes none either
		}
		query := "INSERT INTO " + name + " (" + quoted(t.columns, "") + ") VALUES (?" +
			strings.Repeat(", ?", len(t.columns)-1) + ")"
		if name == "transactions" {
			set := []string{}
			for _, c := range moved {
				if slices.Contains(t.columns, c) {
					set = append(set, c+" = excluded."+c)
				}
			}
			t.then = " ON CONFLICT (n) DO UPDATE SET " + strings.Join(set, ", ")
		}
		b.tables = append(b.tables, t)
		if b.postgres {
			continue
		}
		if t.st, err = b.db.PrepareContext(ctx, query+t.then); err != nil {
			return err
		}
	}
	return nil
}

// learn reads a table's rows of one transaction. A plus before a column's name has the driver leave its value as the
// file holds it.
func (t *table) learn(ctx context.Context, from *sql.DB, where string, txn int64, postgres bool) error {
	plus := "+"
	if postgres {
		plus, where = "", strings.ReplaceAll(where, "?", "$1")
	}
	rows, err := from.QueryContext(ctx, "SELECT "+quoted(t.columns, plus)+" FROM "+t.name+" WHERE "+where+" ORDER BY 1", txn)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	all := [][]any{}
	for rows.Next() {
		values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range into {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		all = append(all, values)
	}
	t.per = int64(len(all))
	for i, values := range all {
		if t.name == "transactions" { // written by each
			t.rows = [4][][]any{{values}, {values}, {values}, {values}}
			break
		}
		step := min(i, 3)
		t.rows[step] = append(t.rows[step], values)
	}
	return rows.Err()
}

// values are the rows of callback n, made from the patterns.
func (t *table) values(n int64, at time.Time, r *row) (out [][]any) {
	txn, step := load.Of(n)
	for place, pattern := range t.rows[step] {
		v := slices.Clone(pattern)
		for i, column := range t.columns {
			switch column {
			case "n", "seq":
				v[i] = n + 1
				if t.per > 4 {
					v[i] = n*(t.per-3) + int64(place) + 1
				}
				if t.name == "transactions" && column == "n" {
					v[i] = txn + 1
				}
			case "txn":
				v[i] = txn + 1
			case "ref":
				v[i] = fmt.Sprintf("%027x=", uint64(txn+1)*0x9E3779B97F4A7C15) //nolint:gosec // any bits will do
			case "dedupe_key", "event_id":
				v[i] = unlike(v[i], n)
			case "body":
				if r.body != nil {
					v[i] = r.body
				}
			case "body_hash":
				v[i] = unlike(v[i], n)
				if b, ok := v[i].([]byte); ok && r.sum != nil {
					v[i] = r.sum[:min(len(b), len(r.sum))]
				}
			case "provider_time", "created_at", "sent_at", "expires_at": // the provider's own
			default:
				if column == "at" || strings.HasSuffix(column, "_at") {
					v[i] = moment(v[i], at)
				}
			}
		}
		out = append(out, v)
	}
	return out
}

// unlike is a value of the same kind and length that no other callback has.
func unlike(v any, n int64) any {
	x := uint64(n+1) * 0x9E3779B97F4A7C15 //nolint:gosec // any bits will do
	switch old := v.(type) {
	case string:
		if old == "" {
			return old
		}
		return fmt.Sprintf("%0*x", len(old), x)[:len(old)]
	case []byte:
		b := binary.BigEndian.AppendUint64(nil, x)
		for len(b) < len(old) {
			b = binary.BigEndian.AppendUint64(b, x+uint64(len(b)))
		}
		return b[:len(old)]
	}
	return v
}

// moment is a time written as the pattern's is: as text, or as a number of milliseconds.
func moment(v any, at time.Time) any {
	switch v.(type) {
	case string:
		return at.Format("2006-01-02T15:04:05.000Z")
	case time.Time:
		return at
	case int64:
		return at.UnixMilli()
	}
	return v
}
