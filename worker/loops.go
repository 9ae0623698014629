package worker

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
)

// Nudge wakes every loop: anything may be due, as after a reload. A loop in the middle of a round does another one after.
func (w *Worker) Nudge() {
	w.mu.Lock()
	names := slices.Collect(maps.Keys(w.nudges))
	w.mu.Unlock()
	for _, name := range names {
		w.wake(name)
	}
}

// wake wakes one loop.
func (w *Worker) wake(loop string) {
	select {
	case w.nudged(loop) <- struct{}{}:
	default: // it is woken already
	}
}

// waking is what wakes a loop, for those who know nothing of loops.
func (w *Worker) waking(loop string) func() { return func() { w.wake(loop) } }

// nudged is where a loop waits for nudges.
func (w *Worker) nudged(loop string) chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch, ok := w.nudges[loop]
	if !ok {
		ch = make(chan struct{}, 1)
		w.nudges[loop] = ch
	}
	return ch
}

// guard calls round and turns a panic into an error: one row that cannot be handled must not end the daemon.
func (w *Worker) guard(ctx context.Context, loop string, round func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			w.log.WithFields(logrus.Fields{"loop": loop, "stack": string(debug.Stack())}).Error("round panicked")
			err = fmt.Errorf("panic in %s", loop)
		}
	}()
	return round(ctx)
}

// every calls round now, then each tick or nudge, until ctx ends. A round's error is logged: the next round tries
// again.
func (w *Worker) every(ctx context.Context, loop string, tick time.Duration, round func(context.Context) error) error {
	nudged := w.nudged(loop)
	t := time.NewTicker(max(tick, w.tick))
	defer t.Stop()
	for {
		if err := w.guard(ctx, loop, round); err != nil && ctx.Err() == nil {
			w.log.WithFields(logrus.Fields{"loop": loop, "err": err}).Warn("round failed, trying again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-nudged:
		}
	}
}
