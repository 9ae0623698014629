package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// Unit is one change: the rows and dedupe keys that it looks at, and what it does to them in memory.
// Apply may run several times; what it leaves outside the Batch must allow for that. It must not block.
type Unit struct {
	Keys   []model.Key
	Dedupe []DedupeKey
	Apply  func(b *Batch) error
}

// DedupeKey identifies the callbacks that are copies of each other.
type DedupeKey struct {
	Account, Ref, Key string
}

// unit is a Unit on its way.
type unit struct {
	Unit
	ctx   context.Context
	state atomic.Int32
	done  chan error
	err   error // what Apply returned the last time
	later bool  // nobody waits for it
}

// The states of a unit. Whoever moves it from waiting owns it.
const (
	unitWaiting = iota
	unitTaken   // a group has it: the caller waits for its answer
	unitDropped // the caller went away before
)

// Do queues a change and returns when its group is on disk, or with the reason why it is not: the error of Apply,
// ErrBusy when too many changes wait, ErrUnavailable when the database cannot be written. Without a running Run it
// writes at once by itself, so that short-lived verbs need no Run. When ctx ends, a change that no group has taken yet
// is dropped; Do waits for one that was taken.
func (s *Store) Do(ctx context.Context, u Unit) error {
	if err := s.Writable(); err != nil {
		return err
	}
	w := &unit{Unit: u, ctx: ctx, done: make(chan error, 1)}
	s.gate.RLock()
	running := s.running
	if running {
		select {
		case s.queue <- w:
		default:
			s.gate.RUnlock()
			return ErrBusy
		}
	}
	s.gate.RUnlock()
	if !running {
		s.commit([]*unit{w})
		return <-w.done
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if w.state.CompareAndSwap(unitWaiting, unitDropped) {
			return context.Cause(ctx)
		}
		return <-w.done
	}
}

// Later queues a change whose end nobody waits for, and which may be lost where the database fails: it stands before
// whatever is queued after it. Where the queue is full or nothing runs, it is written before Later returns.
func (s *Store) Later(ctx context.Context, u Unit) error {
	w := &unit{Unit: u, ctx: context.WithoutCancel(ctx), done: make(chan error, 1), later: true}
	s.gate.RLock()
	queued := false
	if s.running {
		select {
		case s.queue <- w:
			queued = true
		default:
		}
	}
	s.gate.RUnlock()
	if queued {
		return nil
	}
	return s.DoPatiently(ctx, u)
}

// Run writes what is queued, a group at a time, until ctx ends; it then writes what is still queued
// and returns nil. One Run at a time.
func (s *Store) Run(ctx context.Context) error {
	if err := s.Writable(); err != nil {
		return err
	}
	s.gate.Lock()
	if s.running {
		s.gate.Unlock()
		return errors.New("store: Run is under way already")
	}
	s.running = true
	s.gate.Unlock()
	defer s.keep(ctx)()
	group := make([]*unit, 0, s.groupMax)
	for {
		select {
		case u := <-s.queue:
			group = s.gather(ctx, s.await(ctx, append(group[:0], u)))
			s.commit(group)
			s.pace.wrote(len(group) + len(s.queue))
			clear(group)
		case <-ctx.Done():
			s.gate.Lock()
			s.running = false
			s.gate.Unlock()
			for group = s.fill(group[:0]); len(group) > 0; group = s.fill(group[:0]) {
				s.commit(group)
			}
			return nil
		}
	}
}

// keep looks after the database's log, makes dictionaries and fills the search index beside the writing; what it returns ends that.
func (s *Store) keep(ctx context.Context) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	var ends sync.WaitGroup
	ends.Go(func() { s.Keep(ctx) })
	ends.Go(func() { s.trains(ctx) })
	ends.Go(func() { s.fills(ctx) })
	return func() {
		stop()
		ends.Wait()
	}
}

// pace is what the last groups tell about the next.
type pace struct {
	callers int           // how many wait for an answer at a time
	sync    time.Duration // what a commit takes
}

// mostGather is the longest that a group waits for more.
const mostGather = 10 * time.Millisecond

// synced learns what a commit took.
func (p *pace) synced(took time.Duration) { p.sync += (took - p.sync) / 8 }

// wrote learns how many were waiting for a group. Fewer are believed by and by.
func (p *pace) wrote(waiting int) { p.callers = max(waiting, p.callers*7/8) }

// mostLater is how long changes that nobody waits for wait for one that somebody does wait for. Each commit makes
// the readers read their pages anew, so one is better than many.
const mostLater = 20 * time.Millisecond

// await goes on filling a group while nobody waits for any of it.
func (s *Store) await(ctx context.Context, group []*unit) []*unit {
	for _, u := range group {
		if !u.later {
			return group
		}
	}
	late := time.NewTimer(mostLater)
	defer late.Stop()
	for len(group) < s.groupMax {
		select {
		case u := <-s.queue:
			group = append(group, u)
			if !u.later {
				return group
			}
		case <-late.C:
			return group
		case <-ctx.Done():
			return group
		}
	}
	return group
}

// gather fills a group. Callers who were answered together come back one after the other, and each group costs a sync,
// so one waits for most of them, for no longer than a sync takes. A caller who is alone waits for nobody.
func (s *Store) gather(ctx context.Context, group []*unit) []*unit {
	group = s.fill(group)
	enough := min(s.pace.callers*9/10, s.groupMax)
	if len(group) >= enough || s.pace.sync <= 0 {
		return group
	}
	late := time.NewTimer(min(s.pace.sync, mostGather))
	defer late.Stop()
	for len(group) < enough {
		select {
		case u := <-s.queue:
			group = append(group, u)
		case <-late.C:
			return group
		case <-ctx.Done():
			return group
		}
	}
	return s.fill(group)
}

// fill takes what is queued, without waiting for more.
func (s *Store) fill(group []*unit) []*unit {
	for len(group) < s.groupMax {
		select {
		case u := <-s.queue:
			group = append(group, u)
		default:
			return group
		}
	}
	return group
}

// commit writes a group and answers its callers.
func (s *Store) commit(group []*unit) {
	s.group.Lock()
	defer s.group.Unlock()
	taken := group[:0]
	for _, u := range group {
		switch {
		case u.ctx.Err() != nil:
			u.done <- context.Cause(u.ctx)
		case u.state.CompareAndSwap(unitWaiting, unitTaken):
			taken = append(taken, u)
		}
	}
	s.write(taken)
}

// mostFailed limits how often a group is written again without the unit that failed. After that each unit is written
// alone.
const mostFailed = 4

// write writes the units of a group together. A failed unit changes nothing, and the others are written without it.
func (s *Store) write(group []*unit) {
	var failed []*unit
	var err error
	for len(group) > 0 {
		var u *unit
		u, err = s.attempt(group)
		if u == nil && (err == nil || len(group) == 1 || errors.Is(err, ErrUnavailable)) {
			break
		}
		if u == nil || len(failed) == mostFailed { // something in the data, or many faults: each on its own
			for _, u := range group {
				s.write([]*unit{u})
			}
			group, err = nil, nil
			break
		}
		failed = append(failed, u)
		group = slices.DeleteFunc(group, func(o *unit) bool { return o == u })
		err = nil
	}
	for _, u := range failed {
		if err != nil { // it saw changes of its group that were not written
			u.err = err
		}
		u.done <- u.err
	}
	for _, u := range group {
		u.done <- err
	}
	if err == nil {
		s.Checkpoint()
	}
}

// errFailed gives up the transaction of a group in which a unit failed.
var errFailed = errors.New("a change of the group failed")

// attempt writes a group in one transaction. If a unit fails, nothing is written, and attempt returns that unit with
// its err.
func (s *Store) attempt(group []*unit) (failed *unit, err error) {
	ctx := context.Background()
	if s.Postgres() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, groupTime)
		defer cancel()
	}
	durable.CrashPoint("group before begin")
	var b *Batch
	defer func() { s.entries.give(b) }()
	var written time.Time
	err = s.Write(ctx, func(q *database.Tx) error {
		durable.CrashPoint("group begun")
		var err error
		if b, failed, err = s.writeGroup(q, group); err != nil {
			return err
		}
		written = s.clock()
		durable.CrashPoint("group before commit")
		return nil
	})
	if err != nil {
		if failed == nil {
			s.known = known{} // what became of it is not known
		}
		return failed, err
	}
	durable.CrashPoint("group committed")
	s.pace.synced(s.clock().Sub(written))
	s.dictionaries.committed(b)
	s.known.learn(b)
	s.tell(b)
	if b.searchable {
		select {
		case s.searchable <- struct{}{}:
		default:
		}
	}
	return nil, nil
}

// writeGroup applies the units of a group and writes what they changed.
func (s *Store) writeGroup(q *database.Tx, group []*unit) (b *Batch, failed *unit, err error) {
	b, err = s.newBatch(q, group)
	if err != nil {
		return b, nil, err
	}
	for _, u := range group {
		u.err = u.apply(b)
		if b.broken != nil { // a lazy query failed: no unit is at fault
			return b, nil, b.broken
		}
		if u.err != nil {
			return b, u, errFailed
		}
	}
	return b, nil, b.flush()
}

// apply runs a unit's Apply; one that panics fails.
func (u *unit) apply(b *Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("store: a change panicked: %v", r)
		}
	}()
	return u.Apply(b)
}
