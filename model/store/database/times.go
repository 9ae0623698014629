package database

import (
	"database/sql"
	"time"

	"countersign/model/store/database/values"
	"countersign/model/store/sqlitefile"
)

// Stamp is t as SQLite's views show it: text in UTC that sorts as time does.
func Stamp(t time.Time) string { return sqlitefile.Stamp(t) }

// ReadStamp reads what Stamp wrote.
func ReadStamp(s string) (time.Time, error) { return sqlitefile.ReadStamp(s) }

// When scans a time, from SQLite's number or PostgreSQL's timestamptz, into a pointer: nil for NULL.
func When(to **time.Time) sql.Scanner { return values.When{To: to} }

// Moment scans a time that is always there.
func Moment(to *time.Time) sql.Scanner { return values.Moment{To: to} }
