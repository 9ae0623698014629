package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
)

// Memory is where the state of an account's transport outlives the process: what was spent of each budget, the pauses
// that the service asked for, and a breaker that is open. Save returns once the state is on disk. A transport without
// a memory forgets with its process.
type Memory struct {
	Load func(context.Context) (map[string][]byte, error) // every state of the account, by name
	Save func(ctx context.Context, name string, state []byte) error
}

// breakerState is the name of the breaker's state; those of the budgets are named by their class.
const breakerState = "breaker"

// Resume loads what the account's calls have spent, in whatever process, and what its service asked for. From then on,
// until Suspend, calls leave a budget out of reservations only: a reservation is on disk before the first call of it
// leaves, and whoever finds it after a kill takes all its calls for gone at that moment. So no more calls than the
// budget leave in any sixty seconds, however often the process is killed. While the state cannot be saved calls wait.
// One process at a time may be between Resume and Suspend: the caller sees to it with a lock.
func (t *Transport) Resume(ctx context.Context) error {
	if t.o.Memory.Load == nil {
		return nil
	}
	states, err := t.o.Memory.Load(ctx)
	if err != nil {
		return fmt.Errorf("load what was spent of the budget: %w", err)
	}
	for class, b := range t.budgets {
		b.resume(states[string(class)])
	}
	t.breaker.resume(states[breakerState], t.o.Service)
	return nil
}

// Suspend saves what was spent to the call, so that the next process to Resume need not guess. Calls that leave after
// it are only remembered by this process. Where it fails, the reservations stand for what it would have saved.
func (t *Transport) Suspend(ctx context.Context) error {
	if t.o.Memory.Save == nil {
		return nil
	}
	var errs []error
	for _, b := range t.budgets {
		errs = append(errs, b.suspend(ctx))
	}
	return errors.Join(append(errs, t.breaker.record.close(ctx))...)
}

// record writes the newest state of its owner, one write at a time, and tries again where a write fails.
type record struct {
	name   string
	memory Memory
	log    *logrus.Entry
	// state returns what is to be written, and what to do once it is on disk. It takes the owner's lock.
	state func() (state []byte, written func())

	mu    sync.Mutex
	ctx   context.Context // nil: closed, nothing is written
	end   context.CancelFunc
	idle  chan struct{} // of the write under way; nil: none is
	again bool          // the state has changed since that began
}

// The waits after writes that failed.
const (
	writeFirst = time.Second
	writeMost  = 30 * time.Second
)

// open says whether the record writes.
func (r *record) open() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ctx != nil
}

// start makes a closed record write.
func (r *record) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx == nil {
		r.ctx, r.end = context.WithCancel(context.Background())
	}
}

// changed has the state written, now or after the write that is under way. The caller may have its lock.
func (r *record) changed() {
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

func (r *record) write(ctx context.Context) {
	for wait := writeFirst; ; {
		state, written := r.state()
		err := r.memory.Save(ctx, r.name, state)
		if err == nil {
			written()
			wait = writeFirst
		} else if ctx.Err() == nil {
			r.log.WithField("err", err).Warn("what is spent of the budget cannot be saved: calls wait until it can")
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, writeMost)
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

// close ends the writing after the write under way, and saves the state as it is then.
func (r *record) close(ctx context.Context) error {
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
	state, _ := r.state()
	return r.memory.Save(ctx, r.name, state)
}

// spent is what a budget saves. Times are milliseconds since 1970.
type spent struct {
	At       int64      `json:"at"`       // when it was written
	Reserved int        `json:"reserved"` // calls that may have left since
	Gone     [][2]int64 `json:"gone"`     // calls that have left: when at the latest, how many
	Until    int64      `json:"until"`    // no call before
	Since    int64      `json:"since"`
	Refused  int        `json:"refused"`
}

// grain is how exactly the time of a departure is saved: never earlier, and at most so much later.
const grain = 250 * time.Millisecond

// save returns the state with the next reservation in it, if one is wanted.
func (b *budget) save() (state []byte, written func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	b.used(now)
	more := 0
	if b.wanted {
		more = min(max(2*b.size, 1), max(b.limit/10, 1))
	}
	s := spent{
		At: now.UnixMilli(), Reserved: b.out + b.credit + more,
		Until: milli(b.until), Since: milli(b.since), Refused: b.refused,
	}
	for _, at := range b.log {
		ms := at.Add(grain-1).UnixNano() / int64(grain) * grain.Milliseconds()
		if n := len(s.Gone); n > 0 && s.Gone[n-1][0] == ms {
			s.Gone[n-1][1]++
			continue
		}
		s.Gone = append(s.Gone, [2]int64{ms, 1})
	}
	state, _ = json.Marshal(s) //nolint:errcheck // numbers always marshal
	return state, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if more > 0 && b.record.open() {
			b.credit, b.size, b.wanted = b.credit+more, more, false
		}
		b.dispatch()
	}
}

// reserved says whether a call may leave, and else has a reservation written, after which dispatch is called. The first
// reservation is one call, each next one twice as many up to a tenth of the budget: little is lost by a kill soon
// after a start, and one write serves many calls later.
func (b *budget) reserved() bool {
	if b.limit == 0 || b.credit > 0 || !b.record.open() {
		return true
	}
	b.wanted = true
	b.record.changed()
	return false
}

// resume takes over what was saved. What may have left since then has left now.
func (b *budget) resume(state []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.record == nil || b.record.open() {
		return
	}
	now := b.clock()
	s := spent{At: now.UnixMilli()}
	if err := json.Unmarshal(state, &s); err != nil && len(state) > 0 {
		s = spent{At: now.UnixMilli(), Reserved: b.limit}
		b.record.log.WithField("class", b.record.name).Warn("what was spent of the budget cannot be read: it counts as spent")
	}
	var log []time.Time
	note := func(at time.Time, n int64) {
		for range min(n, int64(b.limit)) {
			log = append(log, earlier(at, now))
		}
	}
	for _, g := range s.Gone {
		note(time.UnixMilli(g[0]), g[1])
	}
	note(now, int64(s.Reserved))
	for _, at := range b.log {
		if at.After(b.suspended) {
			log = append(log, at)
		}
	}
	slices.SortFunc(log, time.Time.Compare)
	b.log = log
	if left := min(s.Until-s.At, s.Until-now.UnixMilli()); left > 0 { // the clock may have been set back
		b.until = later(b.until, now.Add(min(time.Duration(left)*time.Millisecond, longestWait)))
	}
	if since := time.UnixMilli(s.Since); s.Since > 0 && since.After(b.since) {
		b.since, b.refused = earlier(since, now), min(max(s.Refused, 0), 10)
	}
	b.credit, b.size, b.wanted = 0, 0, false
	b.record.start()
	b.dispatch()
}

func (b *budget) suspend(ctx context.Context) error {
	if b.record == nil {
		return nil
	}
	b.mu.Lock()
	b.credit, b.wanted, b.suspended = 0, false, b.clock()
	b.mu.Unlock()
	return b.record.close(ctx)
}

// rest is what a breaker saves.
type rest struct {
	Service string `json:"service"` // that fails; another one begins anew
	At      int64  `json:"at"`
	Rests   int    `json:"rests"`
	Until   int64  `json:"until"`
}

func (b *breaker) save() (state []byte, written func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state, _ = json.Marshal(rest{b.service, b.now().UnixMilli(), b.rests, milli(b.until)}) //nolint:errcheck // it always marshals
	return state, func() {}
}

// resume goes on with a rest of the service that an earlier process began.
func (b *breaker) resume(state []byte, service string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.record == nil || b.record.open() {
		return
	}
	b.record.start()
	var s rest
	if json.Unmarshal(state, &s) != nil || s.Service != service || s.Rests <= 0 {
		return
	}
	now := b.now()
	left := time.Duration(min(s.Until-s.At, s.Until-now.UnixMilli())) * time.Millisecond
	b.rests, b.round = min(s.Rests, 10), b.round+1
	b.until = now.Add(min(max(left, 0), restMost))
}

// remembers gives the budgets and the breaker a record each.
func (t *Transport) remembers() {
	if t.o.Memory.Load == nil || t.o.Memory.Save == nil {
		return
	}
	of := func(name string, state func() ([]byte, func())) *record {
		return &record{name: name, memory: t.o.Memory, log: t.o.Log, state: state}
	}
	for class, b := range t.budgets {
		b.record = of(string(class), b.save)
	}
	t.breaker.record, t.breaker.service = of(breakerState, t.breaker.save), t.o.Service
}

// Continue takes over what old, the account's transport before a reload, has spent, its pauses, and its breaker where
// the service is the same. It must be called before the first call. Calls that are still under way through old
// count as well.
func (t *Transport) Continue(old *Transport) {
	for class, b := range t.budgets {
		if was, ok := old.budgets[class]; ok {
			was.become(b.limit)
			t.budgets[class] = was
		} else if was := old.budgets[provider.ClassRead]; was != nil {
			b.inherit(was)
		}
	}
	if t.o.Service == old.o.Service {
		t.breaker = old.breaker
	}
}

// become changes the limit.
func (b *budget) become(limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limit
	b.dispatch()
}

func milli(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
