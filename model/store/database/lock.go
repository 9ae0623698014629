package database

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

// The locks: of the daemons, and of those who spend budgets and tokens. On SQLite one process has each; on PostgreSQL
// daemons share both, and a verb has them for itself or not at all.
const (
	LockServe = "serve"
	LockWork  = "work"
)

const (
	lockLook  = 250 * time.Millisecond // how often a holder looks whether it is asked to give up
	lockTries = 5                      // somebody may just be looking whether it is held
	lockPause = 20 * time.Millisecond
	lockStale = 10 * time.Minute // a sharer whose heart has not beaten for so long is listed no more
)

// Lock is a lock that this process has. It ends with Release or with the process: on SQLite a file
// lock of the system carries it, on PostgreSQL a session. The row in locks only tells people.
type Lock struct {
	db        *DB
	name      string
	owner     string
	shared    bool
	since     time.Time
	carrier   carrier
	lost      chan struct{}
	wanted    chan struct{}
	stop      context.CancelFunc
	done      chan struct{}
	beat      time.Duration
	releasing sync.Once
}

// carrier is what holds a lock for us.
type carrier struct {
	let   func() error
	alive func(context.Context) error
	alone bool                        // nobody else has it in any form, until join
	join  func(context.Context) error // lets others share it
}

// gone is what carries a lock that is given up.
func gone() carrier {
	return carrier{let: func() error { return nil }, alive: func(context.Context) error { return nil }}
}

// Lock takes a lock for this process alone or says who has it (ErrLocked). ttl is how old the heartbeat in its row may
// get: it is renewed three times in that span.
func (d *DB) Lock(ctx context.Context, name, owner string, ttl time.Duration) (*Lock, error) {
	return (&Lock{db: d, name: name, owner: owner}).obtain(ctx, ttl, nil)
}

// ShareLock takes a lock beside others who share it; on SQLite it is Lock. Where nobody has it, alone, unless nil, is
// called before anybody else can. A session that breaks is asked for again: the lock is lost only where somebody has
// taken it for himself meanwhile.
func (d *DB) ShareLock(ctx context.Context, name, owner string, ttl time.Duration, alone func(context.Context) error) (*Lock, error) {
	return (&Lock{db: d, name: name, owner: owner, shared: d.pg}).obtain(ctx, ttl, alone)
}

func (h *Lock) obtain(ctx context.Context, ttl time.Duration, alone func(context.Context) error) (*Lock, error) {
	h.beat = max(ttl/3, lockLook)
	for try := 1; ; try++ {
		c, err := h.db.takeLock(ctx, h.name, h.shared)
		if err == nil {
			h.carrier = c
			if err := h.enter(ctx, alone); err != nil {
				return nil, errors.Join(err, c.let())
			}
			return h.begin(ctx), nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, err
		}
		if try == lockTries {
			row, err := h.db.lockRow(ctx, h.name)
			if err != nil {
				row = LockRow{}
			}
			row.Name = h.name
			return nil, &LockedError{row}
		}
		if err := pause(ctx, lockPause); err != nil {
			return nil, err
		}
	}
}

// enter does what only somebody alone may do, and then lets others in.
func (h *Lock) enter(ctx context.Context, alone func(context.Context) error) error {
	if h.carrier.alone && alone != nil {
		if err := alone(ctx); err != nil {
			return err
		}
	}
	return h.carrier.join(ctx)
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

// begin writes the lock's row and starts its heartbeat.
func (h *Lock) begin(ctx context.Context) *Lock {
	h.lost, h.wanted, h.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	h.since = h.db.now()
	h.write(ctx, true)
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	go h.run(ctx)
	return h
}

// write puts the row down; the lock is held without it too (a schema that is not migrated yet). The rows of those who
// cannot have the lock any more go.
func (h *Lock) write(ctx context.Context, first bool) {
	now := h.db.now()
	err := h.db.Change(ctx, func(q *Tx) error {
		gone, others := `DELETE FROM locks WHERE name = ? AND owner <> ?`, []any{h.name, h.owner}
		if h.shared {
			gone, others = gone+` AND beat_at < ?`, append(others, now.Add(-lockStale))
		}
		if err := q.Exec(gone, others...); err != nil {
			return err
		}
		keep := `beat_at = excluded.beat_at, version = excluded.version`
		if first {
			keep += `, since = excluded.since, wanted_at = NULL`
		}
		return q.Exec(`INSERT INTO locks (name, owner, since, beat_at, wanted_at, version) VALUES (?, ?, ?, ?, NULL, ?)
ON CONFLICT (name, owner) DO UPDATE SET `+keep, h.name, h.owner, h.since, now, h.db.version)
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrOlder) {
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
		if h.carrier.alive(ctx) != nil && ctx.Err() == nil && !h.regain(ctx) {
			close(h.lost)
			return
		}
		if since += lockLook; since >= h.beat {
			since = 0
			h.write(ctx, false)
		}
		if wanted {
			continue
		}
		if row, err := h.row(ctx); err == nil && row.WantedAt != nil {
			wanted = true
			close(h.wanted)
		}
	}
}

// row is the lock's own row.
func (h *Lock) row(ctx context.Context) (row LockRow, err error) {
	err = h.db.View(ctx, func(q *Tx) error {
		return q.Take(&row, `SELECT * FROM locks WHERE name = ? AND owner = ?`, h.name, h.owner)
	})
	return row, err
}

// regain asks for a shared lock whose session broke until it has it again, or ctx ends; false: somebody has it for
// himself, or it cannot be shared.
func (h *Lock) regain(ctx context.Context) bool {
	if !h.shared {
		return false
	}
	h.db.log.WithField("reason", h.name).Warn("the session that carries a lock broke, asking for it again")
	h.carrier.let() //nolint:errcheck // the server has given it back
	for {
		c, err := h.db.takeLock(ctx, h.name, true)
		if err == nil {
			if err = c.join(ctx); err == nil {
				h.carrier = c
				return true
			}
			c.let() //nolint:errcheck // it is of no use
		}
		if errors.Is(err, ErrLocked) {
			h.carrier = gone()
			return false
		}
		if pause(ctx, time.Second) != nil {
			h.carrier = gone()
			return true // it is given up
		}
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
		err = h.carrier.let()
	})
	return err
}

const lockRelease = 6 * time.Second

// WithLock runs f while it has the lock; f's context ends when the lock is lost.
func (d *DB) WithLock(ctx context.Context, name, owner string, f func(context.Context) error) error {
	h, err := d.Lock(ctx, name, owner, withLockTTL)
	if err != nil {
		return err
	}
	return h.During(ctx, f)
}

// During runs f and gives the lock back; f's context ends when the lock is lost.
func (h *Lock) During(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() { err = errors.Join(err, h.Release()) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-h.Lost():
			cancel(fmt.Errorf("lock %s was lost", h.name))
		case <-stop:
		}
	}()
	return f(ctx)
}

const withLockTTL = 15 * time.Second

// takeLock takes the lock of the system that carries one of ours.
func (d *DB) takeLock(ctx context.Context, name string, shared bool) (carrier, error) {
	if !d.pg {
		let, there, err := sqlitefile.Lock(d.path, name)
		return carrier{let, func(context.Context) error { return there() }, true,
			func(context.Context) error { return nil }}, err
	}
	s, err := postgres.Hold(ctx, d.dsn, name, shared)
	if errors.Is(err, postgres.ErrHeld) {
		return carrier{}, ErrLocked
	}
	if err != nil {
		return carrier{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return carrier{s.Release, s.Alive, s.Alone, s.Join}, nil
}

func (d *DB) isLocked(ctx context.Context, name string) (bool, error) {
	if !d.pg {
		return sqlitefile.Locked(d.path, name)
	}
	db, err := d.read.DB()
	if err != nil {
		return false, err
	}
	held, err := postgres.Held(ctx, db, name)
	return held, d.explain(err)
}
