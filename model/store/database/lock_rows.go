package database

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LockRow says who has a lock, or shares it.
type LockRow struct {
	Name     string
	Owner    string
	Since    time.Time
	BeatAt   time.Time
	WantedAt *time.Time
	Version  string // of the program
}

// LockedError is the ErrLocked of a Lock: who has it, since when.
type LockedError struct{ LockRow }

func (e *LockedError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("lock %s is held", e.Name)
	}
	return fmt.Sprintf("lock %s is held by %s since %s", e.Name, e.Owner, e.Since.UTC().Format(time.RFC3339))
}

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// WantLock asks the holder of a lock to give it up.
func (d *DB) WantLock(ctx context.Context, name string) error {
	return d.Change(ctx, func(q *Tx) error {
		return q.Exec(`UPDATE locks SET wanted_at = ? WHERE name = ?`, d.now(), name)
	})
}

// LockOwner says who has a lock now; ErrNoRow if nobody has. What a process that died has left in the
// row does not count.
func (d *DB) LockOwner(ctx context.Context, name string) (LockRow, error) {
	locked, err := d.isLocked(ctx, name)
	if err != nil {
		return LockRow{}, err
	}
	if !locked {
		return LockRow{}, ErrNoRow
	}
	h, err := d.lockRow(ctx, name)
	h.Name = name
	if errors.Is(err, ErrNoRow) || errors.Is(err, ErrOlder) {
		err = nil // locked, and the row is not there yet
	}
	return h, err
}

// LockLeft returns the row of a lock that nobody has: whoever had it ended without giving it back. ErrNoRow where there
// is none.
func (d *DB) LockLeft(ctx context.Context, name string) (LockRow, error) {
	switch _, err := d.LockOwner(ctx, name); {
	case err == nil:
		return LockRow{}, ErrNoRow
	case !errors.Is(err, ErrNoRow):
		return LockRow{}, err
	}
	h, err := d.lockRow(ctx, name)
	h.Name = name
	return h, err
}

// lockRow is the row of the one who has a lock; of several the one whose heart beat last.
func (d *DB) lockRow(ctx context.Context, name string) (h LockRow, err error) {
	err = d.View(ctx, func(q *Tx) error {
		return q.Take(&h, `SELECT * FROM locks WHERE name = ? ORDER BY beat_at DESC, owner LIMIT 1`, name)
	})
	return h, err
}

// LockRows lists who has or shares a lock, or did and has not been forgotten, by how long. A row whose BeatAt is old is
// of a process that is gone, or cannot reach the database.
func (d *DB) LockRows(ctx context.Context, name string) (out []LockRow, err error) {
	err = d.View(ctx, func(q *Tx) error {
		return q.Find(&out, `SELECT * FROM locks WHERE name = ? ORDER BY since, owner`, name)
	})
	return out, err
}
