package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"countersign/model/store/database/postgres"
)

// lockClass sets our advisory locks apart from others': "csgn".
const lockClass = 0x6373676e

// lockPing bounds how long a session may be silent before its lock counts as lost.
const lockPing = 5 * time.Second

// lockSession takes an advisory lock on a connection of its own; the server gives it back when the
// connection ends.
func (d *DB) lockSession(ctx context.Context, name string) (
	let func() error, alive func(context.Context) error, err error,
) {
	db, err := postgres.Open(d.dsn)
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (func() error, func(context.Context) error, error) {
		return nil, nil, errors.Join(err, db.Close())
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrUnavailable, err))
	}
	id, err := lockID(ctx, conn, name)
	if err != nil {
		return fail(err)
	}
	var got bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockClass, id).Scan(&got); err != nil {
		return fail(d.explain(err))
	}
	if !got {
		return nil, nil, errors.Join(ErrLocked, conn.Close(), db.Close())
	}
	alive = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, lockPing)
		defer cancel()
		return conn.PingContext(ctx)
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), lockPing)
		defer cancel()
		// The server would see the end of the session too, a moment later.
		conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1, $2)`, lockClass, id) //nolint:errcheck // a session that is gone has given it back
		return errors.Join(conn.Close(), db.Close())
	}, alive, nil
}

func (d *DB) sessionLocked(ctx context.Context, name string) (locked bool, err error) {
	db, err := d.read.DB()
	if err != nil {
		return false, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, d.explain(err)
	}
	defer conn.Close()
	id, err := lockID(ctx, conn, name)
	if err != nil {
		return false, d.explain(err)
	}
	err = conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2 AND d.datname = current_database())`,
		int64(lockClass), int64(uint32(id))).Scan(&locked) //nolint:gosec // the same bits, unsigned
	return locked, d.explain(err)
}

// lockID names a lock of this schema: several installations may share a database.
func lockID(ctx context.Context, conn *sql.Conn, name string) (int32, error) {
	var schema sql.NullString
	if err := conn.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return 0, err
	}
	return int32(crc32.ChecksumIEEE([]byte(schema.String + "\x00" + name))), nil //nolint:gosec // any bits will do
}
