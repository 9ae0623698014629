package provider

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sony/gobreaker/v2"
)

const (
	breakAfter = 5 // failed calls in a row
	restFirst  = 30 * time.Second
	restMost   = 10 * time.Minute
)

var (
	errBroken = errors.New("the call failed")                // counts against the service
	errBeside = errors.New("the call says nothing about it") // counts neither way
)

// breaker lets a service that fails rest: for 30 s, then twice as long with each trial that fails.
// gobreaker counts and admits the one trial; how long it rests is told by our clock.
type breaker struct {
	now func() time.Time
	log *logrus.Entry
	cb  *gobreaker.TwoStepCircuitBreaker[struct{}]

	mu    sync.Mutex
	until time.Time
	rests int
}

func newBreaker(now func() time.Time, log *logrus.Entry) *breaker {
	b := &breaker{now: now, log: log}
	b.cb = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   1,
		Timeout:       1, // the rest is counted in until
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
		OnStateChange: func(_ string, _, to gobreaker.State) { b.changed(to) },
		IsExcluded:    func(err error) bool { return errors.Is(err, errBeside) },
	})
	return b
}

func (b *breaker) changed(to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch to {
	case gobreaker.StateOpen:
		rest := min(restFirst<<min(b.rests, 10), restMost)
		b.rests++
		b.until = b.now().Add(rest)
		b.log.WithField("wait", rest.String()).Warn("provider fails, account rests")
	case gobreaker.StateClosed:
		b.rests, b.until = 0, time.Time{}
		b.log.Info("provider answers again")
	}
}

// resting says whether the service is left alone now.
func (b *breaker) resting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Before(b.until)
}

// open says whether a call would be turned away: the service rests, or one call is trying it.
func (b *breaker) open() bool {
	if b.resting() {
		return true
	}
	return b.cb.State() == gobreaker.StateHalfOpen && b.cb.Counts().Requests > b.cb.Counts().TotalExclusions
}

// allow admits a call; done is told nil, errBroken or errBeside.
func (b *breaker) allow() (done func(error), err error) {
	if b == nil {
		return func(error) {}, nil
	}
	if b.resting() {
		return nil, fmt.Errorf("%w: it failed %d times, left alone for a while", ErrUnavailable, breakAfter)
	}
	done, err = b.cb.Allow()
	if err != nil {
		return nil, fmt.Errorf("%w: another call is trying it", ErrUnavailable)
	}
	return done, nil
}
