package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/model/store/sqlitefile"
)

// The locks: one daemon, and one spender of budgets and tokens.
const (
	LockServe = "serve"
	LockWork  = "work"
)

const (
	lockLook  = 250 * time.Millisecond // how often a holder looks whether it is asked to give up
	lockTries = 5                      // somebody may just be looking whether it is held
	lockPause = 20 * time.Millisecond
)

// LockRow says who has a lock.
type LockRow struct {
	Name     string
	Owner    string
	Since    time.Time
	BeatAt   time.Time
	WantedAt *time.Time
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

// Lock is a lock that this process has. It ends with Release or with the process: on SQLite a file
// lock of the system carries it, on PostgreSQL a session. The row in locks only tells people.
type Lock struct {
	db        *DB
	name      string
	owner     string
	let       func() error // gives the system's lock back
	alive     func(context.Context) error
	lost      chan struct{}
	wanted    chan struct{}
	stop      context.CancelFunc
	done      chan struct{}
	beat      time.Duration
	releasing sync.Once
}

// Lock takes a lock or says who has it (ErrLocked). ttl is how old the heartbeat in its row may get:
// it is renewed three times in that span.
func (d *DB) Lock(ctx context.Context, name, owner string, ttl time.Duration) (*Lock, error) {
	for try := 1; ; try++ {
		let, alive, err := d.takeLock(ctx, name)
		if err == nil {
			return d.locked(ctx, &Lock{db: d, name: name, owner: owner, let: let, alive: alive, beat: max(ttl/3, lockLook)}), nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, err
		}
		if try == lockTries {
			h, err := d.lockRow(ctx, name)
			if err != nil {
				h = LockRow{}
			}
			h.Name = name
			return nil, &LockedError{h}
		}
		if err := pause(ctx, lockPause); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// locked writes the lock's row and starts its heartbeat.
func (d *DB) locked(ctx context.Context, h *Lock) *Lock {
	h.lost, h.wanted, h.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	h.write(ctx)
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	go h.run(ctx)
	return h
}

// write puts the row down; the lock is held without it too (a schema that is not migrated yet).
func (h *Lock) write(ctx context.Context) {
	now := h.db.now()
	err := h.db.Change(ctx, func(q *Tx) error {
		return q.Exec(`INSERT INTO locks (name, owner, since, beat_at, wanted_at) VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, since = excluded.since, beat_at = excluded.beat_at, wanted_at = NULL`,
			h.name, h.owner, now, now)
	})
	if err != nil && !errors.Is(err, ErrOlder) {
		h.db.log.WithField("err", err).Debug("lock row not written")
	}
}

// run renews the heartbeat, notices a loss, and sees when another process wants the lock.
func (h *Lock) run(ctx context.Context) {
	defer close(h.done)
	look := time.NewTicker(lockLook)
	defer look.Stop()
	wanted, since := false, time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if h.alive(ctx) != nil && ctx.Err() == nil {
			close(h.lost)
			return
		}
		if since += lockLook; since >= h.beat {
			since = 0
			h.renew(ctx)
		}
		if wanted {
			continue
		}
		if row, err := h.db.lockRow(ctx, h.name); err == nil && row.WantedAt != nil {
			wanted = true
			close(h.wanted)
		}
	}
}

func (h *Lock) renew(ctx context.Context) {
	now := h.db.now()
	err := h.db.Change(ctx, func(q *Tx) error {
		return q.Exec(`UPDATE locks SET beat_at = ? WHERE name = ? AND owner = ?`, now, h.name, h.owner)
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrOlder) {
		h.db.log.WithField("err", err).Debug("lock row not renewed")
	}
}

// Lost is closed when the lock is no longer ours: the session to PostgreSQL broke, or somebody
// removed the lock file.
func (h *Lock) Lost() <-chan struct{} { return h.lost }

// Wanted is closed when another process has asked for the lock with WantLock.
func (h *Lock) Wanted() <-chan struct{} { return h.wanted }

// Release gives the lock back. It may be called twice.
func (h *Lock) Release() (err error) {
	h.releasing.Do(func() {
		h.stop()
		<-h.done
		ctx, cancel := context.WithTimeout(context.Background(), lockRelease)
		defer cancel()
		gone := h.db.Change(ctx, func(q *Tx) error {
			return q.Exec(`DELETE FROM locks WHERE name = ? AND owner = ?`, h.name, h.owner)
		})
		if gone != nil {
			h.db.log.WithField("err", gone).Debug("lock row not removed")
		}
		err = h.let()
	})
	return err
}

const lockRelease = 6 * time.Second

// WithLock runs f while it has the lock; f's context ends when the lock is lost.
func (d *DB) WithLock(ctx context.Context, name, owner string, f func(context.Context) error) (err error) {
	h, err := d.Lock(ctx, name, owner, withLockTTL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Release()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-h.Lost():
			cancel(fmt.Errorf("lock %s was lost", name))
		case <-stop:
		}
	}()
	return f(ctx)
}

const withLockTTL = 15 * time.Second

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

func (d *DB) lockRow(ctx context.Context, name string) (h LockRow, err error) {
	err = d.View(ctx, func(q *Tx) error { return q.Take(&h, `SELECT * FROM locks WHERE name = ?`, name) })
	return h, err
}

// takeLock takes the lock of the system that carries one of ours.
func (d *DB) takeLock(ctx context.Context, name string) (
	let func() error, alive func(context.Context) error, err error,
) {
	if d.pg {
		return d.lockSession(ctx, name)
	}
	let, there, err := sqlitefile.Lock(d.path, name)
	return let, func(context.Context) error { return there() }, err
}

func (d *DB) isLocked(ctx context.Context, name string) (bool, error) {
	if d.pg {
		return d.sessionLocked(ctx, name)
	}
	return sqlitefile.Locked(d.path, name)
}

// LockFiles takes the locks of a SQLite database that need not be there or be whole: no daemon, no move and no verb that
// asks providers uses it until release. ErrLocked if one does.
func LockFiles(path string) (release func() error, err error) {
	var locks []func() error
	release = func() (err error) {
		for _, let := range locks {
			err = errors.Join(err, let())
		}
		return err
	}
	for _, name := range []string{LockServe, LockWork, LockMove} {
		let, _, err := sqlitefile.Lock(path, name)
		if err != nil {
			return nil, errors.Join(err, release())
		}
		locks = append(locks, let)
	}
	return release, nil
}
