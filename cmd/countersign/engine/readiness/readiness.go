// Package readiness says what keeps the daemon from being ready: the checks of /readyz that are the engine's own.
package readiness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/files"
)

// Reload is how the last reload went; a fault is shown until one goes well. It is safe for concurrent use.
type Reload struct {
	mu  sync.Mutex
	err error
}

// Set notes how a reload went.
func (r *Reload) Set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// Err is the fault of the last reload.
func (r *Reload) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Stored is how the last callback fared that had to be stored. A probe that writes one page may go well while a
// callback, which is larger, does not. It is safe for concurrent use.
type Stored struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// shownFor is how long a callback that was not stored counts: without new ones nothing tells that the cause is gone,
// and whoever sends only to the ready would send none.
const shownFor = 10 * time.Second

// Set notes how a callback fared.
func (s *Stored) Set(at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.err = at, err
}

// Err is why the last callback was not stored, as far as that counts at a moment.
func (s *Stored) Err(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || at.Sub(s.at) > shownFor {
		return nil
	}
	return fmt.Errorf("the last callback was not stored: %w", s.err)
}

// Folder checks that documents can be stored now.
func Folder(in files.Archive, least int64) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := in.Ready(ctx); err != nil {
			return err
		}
		free, err := in.Free()
		if err == nil && free < least {
			err = errors.New("the document folder has less than documents_min_free left")
		}
		return err
	}
}

// Credentials names the accounts whose credentials the provider refuses. Their callbacks are still taken, and the
// others work: that is no reason to be not ready.
func Credentials(s *store.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		open, err := s.Incidents(ctx, true)
		if err != nil {
			return err
		}
		var refused []string
		for _, i := range open {
			if i.Kind == model.CredentialsRefused {
				refused = append(refused, i.Account)
			}
		}
		if len(refused) == 0 {
			return nil
		}
		return fmt.Errorf("refused by the provider: account %s", strings.Join(refused, ", "))
	}
}
