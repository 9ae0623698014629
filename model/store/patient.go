package store

import (
	"context"
	"errors"
	"time"
)

// DoPatiently is Do, but waits while the queue is full: the worker can wait, a provider that calls the listener
// cannot.
func (s *Store) DoPatiently(ctx context.Context, u Unit) error {
	for {
		err := s.Do(ctx, u)
		if !errors.Is(err, ErrBusy) {
			return err
		}
		t := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}
