package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/provider"
	"countersign/provider/transport/memory"
)

// breakerState is the name of the breaker's state; those of the budgets are named by their class.
const breakerState = "breaker"

// Resume loads what the account's calls have spent, in whatever process, and what its service asked for. From then on,
// until Suspend, calls leave a budget out of reservations only: a reservation is on disk before the first call of it
// leaves, and whoever finds it after a kill takes all its calls for gone at that moment. So no more calls than the
// budget leave in any sixty seconds, however often the process is killed. While the state cannot be saved calls wait.
// Where the memory is shared, any number of processes may be between Resume and Suspend: they spend one budget, and what
// one of them is asked for holds for all. Else it is one at a time: the caller sees to it with a lock.
func (t *Transport) Resume(ctx context.Context) error {
	if t.o.Memory.Forgets() {
		return nil
	}
	states, err := t.o.Memory.Load(ctx)
	if err != nil {
		return fmt.Errorf("load what was spent of the budget: %w", err)
	}
	for class, b := range t.budgets {
		b.Resume(states[string(class)])
	}
	t.breaker.resume(states[breakerState], t.o.Service)
	return nil
}

// Suspend saves what was spent to the call, so that the next process to Resume need not guess. Calls that leave after
// it are only remembered by this process. Where it fails, the reservations stand for what it would have saved.
func (t *Transport) Suspend(ctx context.Context) error {
	if t.o.Memory.Forgets() {
		return nil
	}
	var errs []error
	for _, b := range t.budgets {
		errs = append(errs, b.Suspend(ctx))
	}
	return errors.Join(append(errs, t.breaker.record.Close(ctx))...)
}

// rest is what a breaker saves.
type rest struct {
	Service string `json:"service"` // that fails; another one begins anew
	At      int64  `json:"at"`
	Rests   int    `json:"rests"`
	Until   int64  `json:"until"`
	Told    int    `json:"told,omitempty"` // grows with each opening and closing, where several processes share the account
}

func (b *breaker) save() (state []byte, written func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := rest{Service: b.service, At: b.now().UnixMilli(), Rests: b.rests, Until: b.until.UnixMilli()}
	state, _ = json.Marshal(r) //nolint:errcheck // it always marshals
	return state, func() {}
}

// exchange makes the next state of the one that is there, which another process may have written.
func (b *breaker) exchange(state []byte, now time.Time) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	var r rest
	if json.Unmarshal(state, &r) != nil {
		r = rest{}
	}
	if b.saying = b.own; b.said == b.own {
		return nil
	}
	b.told = max(b.told, r.Told) + 1
	r = rest{Service: b.service, At: now.UnixMilli(), Rests: b.rests, Told: b.told}
	if b.rests > 0 {
		r.Until = now.Add(b.until.Sub(b.now())).UnixMilli()
	}
	state, _ = json.Marshal(r) //nolint:errcheck // it always marshals
	return state
}

// exchanged notes that what this process has to tell is told.
func (b *breaker) exchanged() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.said != b.saying {
		b.said, b.anew = b.saying, false
	}
}

// learn takes over what another process has told at a time of the clock that they have in common.
func (b *breaker) learn(state []byte, at time.Time, service string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var r rest
	if b.said != b.own || b.anew || json.Unmarshal(state, &r) != nil || r.Service != service || r.Told <= b.told {
		return
	}
	left := min(time.UnixMilli(r.Until).Sub(at), restMost)
	b.told, b.failed, b.trying, b.round = r.Told, 0, false, b.round+1
	b.rests, b.until = min(max(r.Rests, 0), 10), time.Time{}
	if b.rests > 0 && left > 0 {
		b.until = b.now().Add(left)
		b.log.WithField("wait", left.Round(time.Second).String()).Info("provider fails another process, account rests")
	}
}

// Learn takes over what other processes have found out of the service: the state named Learned, as it was at a time of
// their common clock. It is called again and again between Resume and Suspend, where the memory is shared.
func (t *Transport) Learn(state []byte, at time.Time) {
	if t.o.Memory.Shared() && t.breaker.record.IsOpen() {
		t.breaker.learn(state, at, t.o.Service)
	}
}

// Learned is the name of the state that Learn takes.
const Learned = breakerState

// resume goes on with a rest of the service that an earlier process began.
func (b *breaker) resume(state []byte, service string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.record == nil || b.record.IsOpen() {
		return
	}
	b.record.Open()
	if b.anew {
		return
	}
	var s rest
	if json.Unmarshal(state, &s) != nil || s.Service != service || s.Rests <= 0 {
		return
	}
	now := b.now()
	// The clock may have been set back.
	left := min(max(min(s.Until-s.At, s.Until-now.UnixMilli()), 0), restMost.Milliseconds())
	b.rests, b.round, b.told = min(s.Rests, 10), b.round+1, max(b.told, s.Told)
	b.until = now.Add(time.Duration(left) * time.Millisecond)
}

// remembers has the budgets and the breaker outlive the process, where there is a memory.
func (t *Transport) remembers() {
	m := t.o.Memory
	if m.Forgets() {
		return
	}
	for class, b := range t.budgets {
		b.Remember(m, string(class), t.o.Log)
	}
	b := t.breaker
	if b.service = t.o.Service; m.Shared() {
		b.record = memory.NewShared(m, breakerState, t.o.Log, b.exchange, b.exchanged)
		return
	}
	b.record = memory.NewRecord(m, breakerState, t.o.Log, b.save)
}

// Continue takes over what old, the account's transport before a reload, has spent. With same, where it has the same
// credentials, its pauses too, and its breaker where the service is the same. It must be called before the first call.
// Calls that are still under way through old are spent as well.
func (t *Transport) Continue(old *Transport, same bool) {
	t.anew, t.breaker.anew = !same, !same
	for class, b := range t.budgets {
		if was, ok := old.budgets[class]; ok {
			was.Become(t.o.Budget[class])
			t.budgets[class] = was
		} else if was := old.budgets[provider.ClassRead]; was != nil {
			b.Inherit(was)
		}
	}
	if same && t.o.Service == old.o.Service {
		t.breaker = old.breaker
	}
}

// Replace puts the transport in the place of old, which it continues: from now on what calls through old meet, a pause
// that the service asks for or a failure, says nothing about calls through this one.
func (t *Transport) Replace(ctx context.Context, old *Transport) error {
	old.over.Store(true)
	if !t.anew {
		return nil
	}
	for _, b := range t.budgets {
		b.Unpause()
	}
	err := old.breaker.record.Close(ctx) // so that it writes nothing over what follows
	t.breaker.closes()
	return err
}

// closes has it told that the breaker is closed.
func (b *breaker) closes() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own++
	b.record.Changed()
}

// End has what calls through the transport meet say nothing any more, and saves what was spent.
func (t *Transport) End(ctx context.Context) error {
	t.over.Store(true)
	return t.Suspend(ctx)
}
