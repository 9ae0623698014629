package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Within gives f the transaction that is under way on a connection of ours, as pgx has it. f can neither end it nor begin
// another one.
func Within(conn *sql.Conn, f func(pgx.Tx) error) error {
	return conn.Raw(func(c any) error { return f(within{c.(*stdlib.Conn).Conn()}) })
}

// within is a transaction that somebody else began and will end.
type within struct{ conn *pgx.Conn }

var errNotOurs = errors.New("the transaction is somebody else's to begin and to end")

func (within) Begin(context.Context) (pgx.Tx, error) { return nil, errNotOurs }
func (within) Commit(context.Context) error          { return errNotOurs }
func (within) Rollback(context.Context) error        { return errNotOurs }
func (within) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }
func (w within) Conn() *pgx.Conn                     { return w.conn }

func (w within) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, from pgx.CopyFromSource) (int64, error) {
	return w.conn.CopyFrom(ctx, table, columns, from)
}

func (w within) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return w.conn.SendBatch(ctx, b)
}

func (w within) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return w.conn.Prepare(ctx, name, query)
}

func (w within) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return w.conn.Exec(ctx, query, args...)
}

func (w within) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return w.conn.Query(ctx, query, args...)
}

func (w within) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return w.conn.QueryRow(ctx, query, args...)
}
