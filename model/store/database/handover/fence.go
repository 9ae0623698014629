package handover

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// PostgreSQL has no lock of ours that each writer looks at: its own locks keep writers away for as long as the mover's
// transaction lasts, and a condition that no row fulfils for ever after.

// fence is that condition. Rows that are there are not held against it.
const fence = "countersign_moved"

// Lock keeps all others from writing to the tables, in the mover's transaction. Readers go on.
func Lock(ctx context.Context, tx *sql.Tx, tables []string) error {
	if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil { // it may be long
		return err
	}
	_, err := tx.ExecContext(ctx, `LOCK TABLE `+strings.Join(tables, ", ")+` IN EXCLUSIVE MODE`)
	return err
}

const (
	// It is less than what PostgreSQL waits before it takes a wait for a deadlock. Whoever waits for our locks, and has
	// others, gives up after a lock_timeout of its own.
	fencePatience = `SET LOCAL lock_timeout = '900ms'`
	fenceTries    = 20
)

// Fence lets nobody write to the tables any more, once the transaction of Lock is committed.
func Fence(ctx context.Context, tx *sql.Tx, tables []string) error {
	run := func(query string) error { _, err := tx.ExecContext(ctx, query); return err }
	if err := run(fencePatience); err != nil {
		return err
	}
	for _, t := range tables {
		for try := 1; ; try++ {
			err := run(`SAVEPOINT fence`)
			if err == nil {
				err = run(`ALTER TABLE ` + t + ` ADD CONSTRAINT ` + fence + ` CHECK (false) NOT VALID`)
			}
			if err == nil {
				break
			}
			if back := run(`ROLLBACK TO fence`); back != nil || try == fenceTries {
				return errors.Join(err, back)
			}
		}
	}
	return nil
}

// Unfence takes the condition away.
func Unfence(ctx context.Context, tx *sql.Tx, tables []string) error {
	for _, t := range tables {
		if _, err := tx.ExecContext(ctx, `ALTER TABLE `+t+` DROP CONSTRAINT IF EXISTS `+fence); err != nil {
			return err
		}
	}
	return nil
}

// Fenced says whether err came from the fence.
func Fenced(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == fence
}
