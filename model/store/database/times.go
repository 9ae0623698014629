package database

import (
	"database/sql"
	"time"

	"countersign/model/store/sqlitefile"
)

// Stamp is t as SQLite's views show it: text in UTC that sorts as time does.
func Stamp(t time.Time) string { return sqlitefile.Stamp(t) }

// ReadStamp reads what Stamp wrote.
func ReadStamp(s string) (time.Time, error) { return sqlitefile.ReadStamp(s) }

// When scans a time, from SQLite's number or PostgreSQL's timestamptz, into a pointer: nil for NULL.
func When(to **time.Time) sql.Scanner { return when{to} }

type when struct{ to **time.Time }

// Scan is called by database/sql.
func (w when) Scan(v any) error {
	*w.to = nil
	if v == nil {
		return nil
	}
	t, err := readTime(v)
	if err == nil {
		*w.to = &t
	}
	return err
}

// Moment scans a time that is always there.
func Moment(to *time.Time) sql.Scanner { return moment{to} }

type moment struct{ to *time.Time }

// Scan is called by database/sql.
func (m moment) Scan(v any) (err error) {
	*m.to, err = readTime(v)
	return err
}

func readTime(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC(), nil
	}
	return sqlitefile.ReadAtRest(v)
}
