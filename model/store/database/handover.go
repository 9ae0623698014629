package database

import (
	"database/sql"
	"fmt"

	"countersign/model/store/database/handover"
	"countersign/model/store/sqlitefile"
)

// LockMove is what the one has who moves the database elsewhere.
const LockMove = "move"

// Gone is closed once this process has met that the database was moved elsewhere.
func (d *DB) Gone() <-chan struct{} { return d.gone }

// refused says why a database may not be used that was moved, that is not whole, or that stands still.
func refused(d *DB, q *Tx) error {
	r, err := handover.Read(q)
	if err != nil || d.mover {
		return err
	}
	if r.State == handover.Still && !d.pg { // PostgreSQL's stands still by its own locks
		held, err := sqlitefile.Locked(d.path, LockMove)
		if held {
			err = fmt.Errorf("%w: it is being moved to %s", ErrUnavailable, r.Other)
		}
		return err
	}
	if err = r.Refusal(); err != nil {
		if r.State == handover.Gone {
			d.goes.Do(func() { close(d.gone) })
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Raw is the transaction itself, for what only one dialect has. What was kept back has been sent.
func (q *Tx) Raw() (*sql.Tx, error) { return q.tx, q.send() }
