package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"

	sqlite3 "github.com/mattn/go-sqlite3"
	"gorm.io/gorm"

	"countersign/model/store/database/handover"
	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

// explain wraps what keeps the whole database from working in ErrUnavailable; faults of the data or
// of our SQL stay as they are.
func (d *DB) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return ErrNoRow
	case handover.Fenced(err):
		d.goes.Do(func() { close(d.gone) })
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrGone)
	case !broken(err):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// broken says whether err is about the database and not about what was asked of it.
func broken(err error) bool {
	if errors.As(err, new(sqlite3.Error)) {
		return sqlitefile.Broken(err)
	}
	var network net.Error
	return postgres.Broken(err) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) || errors.Is(err, context.DeadlineExceeded)
}
