// Package handover is the row by which a database says how it stands in a move to another database.
package handover

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// State is how a database stands in a move.
type State string

// The states. A database that is in no move has no row.
const (
	Copying State = "copying" // its content is being copied; all goes on
	Still   State = "still"   // nobody but the mover may write, as long as the mover lives
	Gone    State = "gone"    // what it held is elsewhere: nobody may use it
	Filling State = "filling" // the copy, which is not whole: nobody but the mover may use it
	Whole   State = "whole"   // the copy, once it is the install
)

// Errors of a database that may not be used.
var (
	ErrGone    = errors.New("the database was moved")
	ErrFilling = errors.New("the database is an unfinished copy")
)

// Row is what a database says of its move.
type Row struct {
	State State
	Mark  string    // of the move, the same in source and copy
	Other string    // the other database, without a password
	At    time.Time // UTC
}

// Queries is a transaction, with question marks as placeholders.
type Queries interface {
	Each(scan func(*sql.Rows) error, query string, args ...any) error
	Exec(query string, args ...any) error
}

// Read returns the row; the zero Row where there is none.
func Read(q Queries) (r Row, err error) {
	err = q.Each(func(rows *sql.Rows) error { return rows.Scan(&r.State, &r.Mark, &r.Other, &r.At) },
		`SELECT state, mark, other, at FROM handover WHERE id = 1`)
	return r, err
}

// Write puts the row down; the zero Row takes it away.
func Write(q Queries, r Row) error {
	if r.State == "" {
		return q.Exec(`DELETE FROM handover WHERE id = 1`)
	}
	return q.Exec(`INSERT INTO handover (id, state, mark, other, at) VALUES (1, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, mark = excluded.mark, other = excluded.other, at = excluded.at`,
		string(r.State), r.Mark, r.Other, r.At)
}

// Refusal says why nobody but the mover may use the database, and what to do; nil where all may.
func (r Row) Refusal() error {
	switch r.State {
	case Gone:
		return fmt.Errorf("%w to %s: name that one in `database`, or take this one back with `countersign move --reopen`",
			ErrGone, r.Other)
	case Filling:
		return fmt.Errorf("%w of %s: run `countersign move` there again to finish it, or name another", ErrFilling, r.Other)
	}
	return nil
}
