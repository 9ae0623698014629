package main

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/announced"
	"countersign/worker/deliver"
	"countersign/worker/hook"
)

// stormFilter has everything announced that happens to a transaction.
func stormFilter() hook.Filter {
	return hook.Filter{Wait: hook.WaitNone, Tests: true, Backfills: true}
}

// listener is a receiver that outlives the daemons. It refuses some, and the answer to some that it has taken is lost.
type listener struct {
	mu     sync.Mutex
	chance *rand.Rand
	told   map[string]int
	last   map[model.Key]int64
	wrong  []string // told after one that it precedes
}

func newListener(seed int) *listener {
	return &listener{chance: rand.New(rand.NewPCG(uint64(seed), 2)), told: map[string]int{}, last: map[model.Key]int64{}} //nolint:gosec // no secret, and seeds are not negative
}

// hook is the listener as one daemon knows it, who tells nothing once it is dead.
func (l *listener) hook(dead func() bool) *deliver.Hook {
	return &deliver.Hook{ID: "function:storm", Filter: stormFilter(), Workers: 4, Timeout: time.Minute, First: 5 * time.Second,
		Most: time.Hour, Life: 72 * time.Hour, Send: func(ctx context.Context, e hook.Event) hook.Answer {
			way, fate := l.draw()
			select {
			case <-ctx.Done():
			case <-time.After(way):
			}
			if dead() || ctx.Err() != nil || fate < 20 {
				return hook.Answer{Note: "refused", Busy: fate == 0, Wait: time.Duration(fate) * time.Minute}
			}
			l.hear(&e)
			return hook.Answer{Taken: fate >= 35, Note: "the answer"}
		}}
}

func (l *listener) draw() (way time.Duration, fate int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(l.chance.IntN(20_000)) * time.Millisecond, l.chance.IntN(100)
}

func (l *listener) hear(e *hook.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[e.ID]++
	k := model.Key{Account: e.Change.Account, Ref: e.Change.Ref}
	if e.Change.Seq < l.last[k] {
		l.wrong = append(l.wrong, e.ID)
	}
	l.last[k] = e.Change.Seq
}

// checkHooks holds that each change was announced, in the order of its transaction.
func (r *rig) checkHooks(t *testing.T) {
	list, err := r.e.Store.Announced(t.Context(), 0, math.MaxInt32)
	require.NoError(t, err)
	r.ear.mu.Lock()
	defer r.ear.mu.Unlock()
	f, n := stormFilter(), 0
	for i := range list {
		if f.Takes(&list[i]) {
			n++
			if r.ear.told[announced.ID(&list[i].Change)] == 0 {
				t.Errorf("seq %d was never announced", list[i].Seq)
			}
		}
	}
	if len(r.ear.wrong) > 0 {
		t.Errorf("announced after one that it precedes: %v", r.ear.wrong)
	}
	r.tell("%d changes announced, %d ids", n, len(r.ear.told))
}
