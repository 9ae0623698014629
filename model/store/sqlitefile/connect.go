package sqlitefile

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const (
	busyWait = "5000" // ms: how long another process may hold the write lock

	// A statement of many rows keeps what it may have to undo: in memory, where it would go to a file. What is
	// deleted, by retention too, is overwritten. Checkpoints are made by hand: see Keeper,
	// and logLimit.
	writePragmas = `PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 16777216`
	readPragmas  = `PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456`
)

// Writer opens a file to be written, with one connection and an fsync at each commit. slower is how much longer each
// commit takes, as on a slower disk: 0 but in benchmarks.
func Writer(path string, slower time.Duration) *sql.DB {
	return connections(connector{DSN: writeDSN(path), Pragmas: writePragmas, slower: slower}, 1)
}

// Readers opens a file to be read, with several connections.
func Readers(path string, n int) *sql.DB {
	return connections(connector{DSN: readDSN(path), Pragmas: readPragmas}, n)
}

func connections(c connector, n int) *sql.DB {
	db := sql.OpenDB(&utcConnector{c})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

func writeDSN(path string) string {
	return uri(path, url.Values{
		"_journal_mode": {"WAL"}, "_busy_timeout": {busyWait}, "_txlock": {"immediate"}, "_foreign_keys": {"1"},
		"_synchronous": {"FULL"}, "_stmt_cache_size": {"256"}, "_mutex": {"no"}, "mode": {"rwc"},
	})
}

func readDSN(path string) string {
	return uri(path, url.Values{
		"mode": {"ro"}, "_query_only": {"1"}, "_busy_timeout": {busyWait}, "_stmt_cache_size": {"64"}, "_mutex": {"no"},
	})
}

// utcConnector opens SQLite connections that write and read times as they rest.
type utcConnector struct{ connector }

// Connect opens one connection.
func (c *utcConnector) Connect(context.Context) (driver.Conn, error) {
	lite, err := c.Open()
	if err != nil {
		return nil, err
	}
	return &utcConn{SQLiteConn: lite}, nil
}

// utcConn is a connection to which every time goes as a number, and comes back from as a time.
type utcConn struct {
	*sqlite3.SQLiteConn
	values []driver.NamedValue // of the statement that Exec runs
}

// Exec runs a statement on a connection of ours, in the transaction that it is in. It goes past database/sql, which
// looks at each argument twice, keeps all of them and has a goroutine watch each statement, and runs it as a query,
// which takes the driver one crossing into C where its Exec takes one for each argument. args are not kept. Once ctx has
// ended nothing runs: database/sql gives up the transaction then, and what came after would be committed by itself.
func Exec(ctx context.Context, on *sql.Conn, query string, args []any) error {
	return on.Raw(func(c any) error {
		conn, ok := c.(*utcConn)
		if !ok {
			return errors.New("sqlitefile: the connection is none of ours")
		}
		if err := ctx.Err(); err != nil { // looked at while the connection is locked, as it is where it is given up
			return err
		}
		return conn.run(ctx, query, args)
	})
}

func (c *utcConn) run(ctx context.Context, query string, args []any) error {
	c.values = c.values[:0]
	for i, a := range args {
		c.values = append(c.values, driver.NamedValue{Ordinal: i + 1, Value: a})
		if err := c.CheckNamedValue(&c.values[i]); err != nil {
			return err
		}
	}
	rows, err := c.SQLiteConn.QueryContext(ctx, query, c.values)
	clear(c.values)
	if err != nil {
		return err
	}
	for err == nil { // a statement that returns rows is run to its end
		err = rows.Next(nil)
	}
	if closed := rows.Close(); errors.Is(err, io.EOF) {
		err = closed
	}
	return err
}

// CheckNamedValue is asked by database/sql about each argument.
func (*utcConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	switch x := v.Value.(type) {
	case nil, string, int64, []byte, bool, float64:
		return nil
	case int:
		v.Value = int64(x)
	case time.Time:
		v.Value = AtRest(x)
	case *time.Time:
		v.Value = nil
		if x != nil {
			v.Value = AtRest(*x)
		}
	default:
		v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
		if t, ok := v.Value.(time.Time); ok {
			v.Value = AtRest(t)
		}
	}
	return err
}

// QueryContext reads the columns of type STAMP as times.
func (c *utcConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.SQLiteConn.QueryContext(ctx, query, args)
	if lite, ok := rows.(*sqlite3.SQLiteRows); ok && err == nil {
		return &utcRows{SQLiteRows: lite}, nil
	}
	return rows, err
}

type utcRows struct {
	*sqlite3.SQLiteRows
	known  bool
	stamps []int // the columns that are times
}

// Next reads a row.
func (r *utcRows) Next(to []driver.Value) error {
	if err := r.SQLiteRows.Next(to); err != nil {
		return err
	}
	if !r.known {
		r.known = true
		for i, t := range r.DeclTypes() {
			if strings.EqualFold(t, "stamp") {
				r.stamps = append(r.stamps, i)
			}
		}
	}
	for _, i := range r.stamps {
		if to[i] == nil {
			continue
		}
		at, err := ReadAtRest(to[i])
		if err != nil {
			return err
		}
		to[i] = at
	}
	return nil
}
