package postgres

import (
	"context"
	"database/sql"
	"errors"
	"hash/crc32"
	"time"
)

// lockClass sets our advisory locks apart from others': "csgn".
const lockClass = 0x6373676e

// sessionPing bounds how long a session may be silent before its lock counts as lost.
const sessionPing = 5 * time.Second

// ErrHeld says that another session has the lock.
var ErrHeld = errors.New("another session has the lock")

// Session is an advisory lock and the connection of its own that carries it: the server gives the lock back when the
// connection ends.
type Session struct {
	db     *sql.DB
	conn   *sql.Conn
	id     int32
	shared bool
	Alone  bool // no other session has the lock in either form, until Join
}

// Hold takes a lock for one, or, where shared, beside others who share it. Errors are the server's own, or ErrHeld.
// Who shares a lock that nobody has begins Alone: the others get it after Join.
func Hold(ctx context.Context, dsn, name string, shared bool) (s *Session, err error) {
	db, err := Open(dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s = &Session{db: db, shared: shared}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.conn, err = db.Conn(ctx); err != nil {
		return s, err
	}
	if s.id, err = lockID(ctx, s.conn, name); err != nil {
		return s, err
	}
	if err = s.ask(ctx, `SELECT pg_try_advisory_lock($1, $2)`, &s.Alone); err != nil || s.Alone {
		return s, err
	}
	got := false
	if shared {
		err = s.ask(ctx, `SELECT pg_try_advisory_lock_shared($1, $2)`, &got)
	}
	if err == nil && !got {
		err = ErrHeld
	}
	return s, err
}

func (s *Session) ask(ctx context.Context, query string, to *bool) error {
	return s.conn.QueryRowContext(ctx, query, lockClass, s.id).Scan(to)
}

// Join lets others share the lock that this session began Alone.
func (s *Session) Join(ctx context.Context) error {
	if !s.shared || !s.Alone {
		return nil
	}
	got := false
	if err := s.ask(ctx, `SELECT pg_try_advisory_lock_shared($1, $2)`, &got); err != nil {
		return err
	}
	if !got {
		return ErrHeld
	}
	s.Alone = false
	return s.ask(ctx, `SELECT pg_advisory_unlock($1, $2)`, &got)
}

// Alive is an error once the session, and its lock with it, is gone.
func (s *Session) Alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sessionPing)
	defer cancel()
	return s.conn.PingContext(ctx)
}

// Release gives the lock back. The server would see the end of the session too, a moment later.
func (s *Session) Release() error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionPing)
	defer cancel()
	s.conn.ExecContext(ctx, `SELECT pg_advisory_unlock_all()`) //nolint:errcheck // a session that is gone has given it back
	return s.close()
}

func (s *Session) close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	return errors.Join(err, s.db.Close())
}

// Held says whether any session has a lock, in either form.
func Held(ctx context.Context, db *sql.DB, name string) (held bool, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	id, err := lockID(ctx, conn, name)
	if err != nil {
		return false, err
	}
	err = conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2 AND d.datname = current_database())`,
		int64(lockClass), int64(uint32(id))).Scan(&held) //nolint:gosec // the same bits, unsigned
	return held, err
}

// lockID names a lock of this schema: several installations may share a database.
func lockID(ctx context.Context, conn *sql.Conn, name string) (int32, error) {
	var schema sql.NullString
	if err := conn.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return 0, err
	}
	return int32(crc32.ChecksumIEEE([]byte(schema.String + "\x00" + name))), nil //nolint:gosec // any bits will do
}
