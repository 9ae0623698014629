package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "github.com/mattn/go-sqlite3"
	"gorm.io/gorm"
)

// explain wraps what keeps the whole database from working in ErrUnavailable; faults of the data or
// of our SQL stay as they are.
func (d *DB) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return ErrNoRow
	case !broken(err):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// broken says whether err is about the database and not about what was asked of it.
func broken(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) {
		switch lite.Code {
		case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrReadonly, sqlite3.ErrIoErr, sqlite3.ErrCorrupt, sqlite3.ErrFull,
			sqlite3.ErrCantOpen, sqlite3.ErrNotADB, sqlite3.ErrPerm, sqlite3.ErrNomem, sqlite3.ErrProtocol, sqlite3.ErrAuth:
			return true
		}
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58", "XX": // connection, resources, shutdown or cancelled, system, internal
			return true
		}
		return pg.Code == "25006" || pg.Code == "55P03" // read-only; lock not available
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.DeadlineExceeded) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// again says whether the same transaction may succeed when it is tried again: two replicas met.
func again(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", "40P01", "23505": // serialization, deadlock, unique
		return true
	}
	return false
}
