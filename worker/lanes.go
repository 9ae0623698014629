package worker

import (
	"context"

	"github.com/sirupsen/logrus"
)

// lane is a loop's work for one account. What holds up one lane, an account whose budget is used up or a file that
// comes by the byte, holds up no other.
type lane struct {
	name  string
	round func(context.Context) error
}

// startLanes starts a round of each lane whose last one has ended. It returns at once; Run waits for them.
func (w *Worker) startLanes(ctx context.Context, loop string, lanes []lane) {
	for _, l := range lanes {
		w.mu.Lock()
		busy := w.running[l.name]
		if !busy {
			w.running[l.name] = true
			w.inWork.Add(1)
		}
		w.mu.Unlock()
		if busy {
			continue
		}
		go func() {
			defer w.inWork.Done()
			defer func() {
				w.mu.Lock()
				delete(w.running, l.name)
				w.mu.Unlock()
			}()
			if err := w.guard(ctx, loop, l.round); err != nil && ctx.Err() == nil {
				w.Log.WithFields(logrus.Fields{"loop": loop, "err": err}).Warn("round failed, trying again")
			}
		}()
	}
}

// inLanes makes a round for every of a loop's lanes.
func (w *Worker) inLanes(loop string, lanes func() []lane) func(context.Context) error {
	return func(ctx context.Context) error {
		w.startLanes(ctx, loop, lanes())
		return nil
	}
}
