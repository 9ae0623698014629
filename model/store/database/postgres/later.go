package postgres

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Later keeps statements back, so that many take one way to the server.
type Later struct{ batch pgx.Batch }

// Queue adds a statement.
func (l *Later) Queue(query string, args ...any) { l.batch.Queue(query, args...) }

// Send runs those that wait, in their order, on a connection of ours; the first error is returned.
func (l *Later) Send(ctx context.Context, conn *sql.Conn) error {
	if l.batch.Len() == 0 {
		return nil
	}
	batch := l.batch
	l.batch = pgx.Batch{}
	return conn.Raw(func(c any) error { return c.(*stdlib.Conn).Conn().SendBatch(ctx, &batch).Close() })
}
