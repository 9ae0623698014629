// Package deliver brings changes to hooks: it reads the feed for each, keeps the announcements of a transaction in
// order, sends them again until they are taken or dead, and writes down what was answered.
package deliver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/hook"
	"countersign/worker/incidents"
)

// Hook is one receiver, as it is configured.
type Hook struct {
	ID      string
	Filter  hook.Filter
	Send    hook.Sender
	Workers int           // announcements under way at once, of different transactions
	Timeout time.Duration // the longest that Send takes

	First, Most time.Duration // the waits after attempts that failed: the first, and how far they grow
	Life        time.Duration // how long one is sent again until it is dead
}

// Options is what a Deliver needs. All of it is required.
type Options struct {
	Store     *store.Store
	Incidents *incidents.Table
	Hooks     func() []*Hook // the current ones; a reload swaps them
	Now       func() time.Time
	Rand      func() float64 // 0 ≤ x < 1, for jitter
	Log       *logrus.Entry
	Owner     string // names this process in leases
}

// Deliver brings changes to hooks. It is safe for concurrent use.
type Deliver struct {
	o Options

	mu     sync.Mutex
	looked map[string]time.Time // when a hook's backlog was last looked at
}

// New returns a Deliver.
func New(o Options) *Deliver {
	return &Deliver{o: o, looked: map[string]time.Time{}}
}

// Lane is the work for one hook. What holds up one holds up no other.
type Lane struct {
	Name  string
	Round func(context.Context) error
}

// None says that no hook is configured.
func (d *Deliver) None() bool { return len(d.o.Hooks()) == 0 }

// Lanes are those of the hooks that there are.
func (d *Deliver) Lanes() (out []Lane) {
	for _, h := range d.o.Hooks() {
		out = append(out, Lane{h.ID, func(ctx context.Context) error { return d.Round(ctx, h) }})
	}
	return out
}

// Round sends to a hook what is due, until nothing is.
func (d *Deliver) Round(ctx context.Context, h *Hook) error {
	row, err := d.o.Store.Hook(ctx, h.ID)
	if errors.Is(err, store.ErrNoRow) {
		return nil // it was taken out of the config
	}
	if err != nil {
		return err
	}
	l := &lane{Deliver: d, hook: h, row: row, results: make(chan result, h.Workers)}
	err = l.work(ctx)
	if !l.current() { // its incidents are those of the next one, or nobody's
		return err
	}
	return errors.Join(err, d.watch(context.WithoutCancel(ctx), h, &l.row))
}

// How often a hook's backlog is looked at, and how late an announcement may be until the operator is told.
const (
	lookEvery = 30 * time.Second
	overdue   = time.Hour
)

// watch gives up what is too old, and opens and closes the hook's incidents.
func (d *Deliver) watch(ctx context.Context, h *Hook, row *store.Hook) error {
	now := d.o.Now()
	gone := row.GoneAt != nil
	err := d.o.Incidents.Set(ctx, model.HookAccount(h.ID), model.HookGone,
		"the receiver said 410 Gone: nothing is sent until `hooks test "+h.ID+"` goes well, or the hook is taken out", gone)
	d.mu.Lock()
	last := d.looked[h.ID]
	due := now.Sub(last) >= lookEvery || now.Before(last)
	if due {
		d.looked[h.ID] = now
	}
	d.mu.Unlock()
	if err != nil || !due {
		return err
	}
	if gone {
		if err := d.expire(ctx, h, "the receiver is gone"); err != nil {
			return err
		}
	}
	oldest, err := d.o.Store.OldestWaiting(ctx, h.ID)
	if err != nil {
		return err
	}
	late := oldest != nil && now.Sub(*oldest) > overdue || row.FailedAt != nil && now.Sub(*row.FailedAt) > overdue
	return d.o.Incidents.Set(ctx, model.HookAccount(h.ID), model.HookOverdue,
		"changes have waited for more than an hour to be announced: `hooks list` says why", late && !gone)
}

// expire gives up what has waited too long.
func (d *Deliver) expire(ctx context.Context, h *Hook, why string) error {
	n, err := d.o.Store.ExpireDeliveries(ctx, h.ID, d.o.Now().Add(-h.Life), why)
	if n > 0 {
		d.o.Log.WithFields(logrus.Fields{"hook": h.ID, "count": n}).Warn("announcements given up")
	}
	return err
}
