package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Check is one thing that readiness depends on.
type Check struct {
	Name  string
	Check func(ctx context.Context) error
	Fatal bool // its failure makes us not ready; otherwise it is only shown
}

// checkTimeout bounds what /readyz waits for, also for a check that does not heed its context.
const checkTimeout = 5 * time.Second

var errNoAnswer = errors.New("no answer in time")

// probe runs a check, one at a time: whoever asks meanwhile gets the same answer.
type probe struct {
	Check
	mu      sync.Mutex
	running chan struct{} // closed when the run in hand has ended; nil: none is
	err     error         // what the last run found
}

// ask returns what the check finds before ctx ends.
func (p *probe) ask(ctx context.Context) error {
	p.mu.Lock()
	done := p.running
	if done == nil {
		done = make(chan struct{})
		p.running = done
		go p.run(context.WithoutCancel(ctx), done)
	}
	p.mu.Unlock()
	select {
	case <-done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-ctx.Done():
		return errNoAnswer
	}
}

func (p *probe) run(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := p.try(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.running = err, nil
	close(done)
}

// try is the check itself. A panic here would end the process, so it is a failure like any other.
func (p *probe) try(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %T", r)
		}
	}()
	return p.Check.Check(ctx)
}

// state is one line of /readyz.
type state struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// readiness is what /readyz answers.
type readiness struct {
	Ready  bool    `json:"ready"`
	Checks []state `json:"checks"`
}

// ready serves /readyz: 200, or 503 where a fatal check fails. Probes and load balancers carry no token, so the bare
// code goes to whoever shows none; what the checks found goes to the token alone.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("Authorization") == "" && !s.door.Open(r.Context()) {
		if !s.bareReady(r.Context()) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	if _, p := s.door.Who(r); p != nil {
		p.Write(w, r)
		return
	}
	states, ready := s.check(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(readiness{ready, states}) //nolint:errcheck // the caller may be gone
}

// check runs the checks side by side.
func (s *Server) check(ctx context.Context) (states []state, ready bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	states = make([]state, len(s.probes))
	var all sync.WaitGroup
	for i, p := range s.probes {
		all.Go(func() {
			err := p.ask(ctx)
			states[i] = state{Name: p.Name, OK: err == nil}
			if err != nil {
				states[i].Error = err.Error()
			}
		})
	}
	all.Wait()
	ready = true
	for i, p := range s.probes {
		ready = ready && (states[i].OK || !p.Fatal)
	}
	return states, ready
}

// bareFor is how long a bare answer serves others too: a check writes to the database, and strangers must not choose
// how often.
const bareFor = time.Second

// bare is the last answer that was given without a token.
type bare struct {
	mu    sync.Mutex
	until time.Time
	ready bool
}

// bareReady checks at most once a second, whoever asks.
func (s *Server) bareReady(ctx context.Context) bool {
	s.bare.mu.Lock()
	defer s.bare.mu.Unlock()
	if s.Now().Before(s.bare.until) {
		return s.bare.ready
	}
	_, s.bare.ready = s.check(context.WithoutCancel(ctx))
	s.bare.until = s.Now().Add(bareFor)
	return s.bare.ready
}
