// Package memory lets what an account's calls have to know again after a restart outlive the process.
package memory

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Memory is where the state of an account's calls rests: what was spent of each budget, the pauses that the service
// asked for, a breaker that is open. Save returns once the state is on disk. The zero Memory forgets.
type Memory struct {
	Load func(context.Context) (map[string][]byte, error) // every state of the account, by name
	Save func(ctx context.Context, name string, state []byte) error

	// Exchange changes a state, no other process coming between, and returns once the new one is on disk. change is given
	// what is there, nil where nothing is, and the time of one clock for all processes. It may run several times, and nil
	// leaves the state as it is. Where Exchange is nil, one process at a time uses the memory.
	Exchange func(ctx context.Context, name string, change Change) error
	Owner    string // names this life of this process to the others
}

// Change turns one state into the next.
type Change func(state []byte, now time.Time) []byte

// Shared says whether several processes use the memory at a time.
func (m Memory) Shared() bool { return m.Exchange != nil }

// Forgets says whether nothing outlives the process.
func (m Memory) Forgets() bool { return m.Load == nil || m.Save == nil }

// Record writes one state, the newest, one write at a time, and tries again where a write fails. Nothing is written
// before Open and after Close. The nil Record is closed.
type Record struct {
	log *logrus.Entry
	put func(context.Context) (written func(), err error)

	mu    sync.Mutex
	ctx   context.Context // nil: closed
	end   context.CancelFunc
	idle  chan struct{} // closed at the end of the write under way; nil: none is
	again bool          // the state has changed since that began
}

// NewRecord returns a closed record. state returns what is to be written, and what to do once it is on disk.
func NewRecord(m Memory, name string, log *logrus.Entry, state func() (state []byte, written func())) *Record {
	return &Record{log: log, put: func(ctx context.Context) (func(), error) {
		s, written := state()
		return written, m.Save(ctx, name, s)
	}}
}

// NewShared returns a closed record of a state that other processes change too. change makes the next state of the one
// that is there; written is called once it is on disk.
func NewShared(m Memory, name string, log *logrus.Entry, change Change, written func()) *Record {
	return &Record{log: log, put: func(ctx context.Context) (func(), error) {
		return written, m.Exchange(ctx, name, change)
	}}
}

// The waits after writes that failed.
const (
	waitFirst = time.Second
	waitMost  = 5 * time.Second
)

// IsOpen says whether the record writes.
func (r *Record) IsOpen() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ctx != nil
}

// Open makes the record write.
func (r *Record) Open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil {
		r.ctx, r.end = context.WithCancel(context.Background())
	}
}

// Changed has the state written, now or after the write that is under way. It waits for nothing.
func (r *Record) Changed() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ctx == nil:
	case r.idle != nil:
		r.again = true
	default:
		r.idle, r.again = make(chan struct{}), false
		go r.write(r.ctx)
	}
}

func (r *Record) write(ctx context.Context) {
	for wait := waitFirst; ; {
		written, err := r.put(ctx)
		if err == nil {
			written()
			wait = waitFirst
		} else if ctx.Err() == nil {
			r.log.WithField("err", err).Warn("what is spent of the budget cannot be saved: calls wait until it can")
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, waitMost)
		}
		r.mu.Lock()
		if ctx.Err() != nil || err == nil && !r.again {
			close(r.idle)
			r.idle = nil
			r.mu.Unlock()
			return
		}
		r.again = false
		r.mu.Unlock()
	}
}

// Close ends the writing after the write under way, and saves the state as it is then.
func (r *Record) Close(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	if r.ctx == nil {
		r.mu.Unlock()
		return nil
	}
	r.end()
	idle := r.idle
	r.ctx = nil
	r.mu.Unlock()
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	_, err := r.put(ctx)
	return err
}
