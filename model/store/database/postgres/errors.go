package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Broken says whether err is PostgreSQL's, about the database and not about what was asked of it.
func Broken(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58", "XX": // connection, resources, shutdown or cancelled, system, internal
			return true
		}
		return pg.Code == "25006" || pg.Code == "55P03" // read-only; lock not available
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// Again says whether the same transaction may succeed when it is tried again: two replicas met.
func Again(err error) bool {
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
