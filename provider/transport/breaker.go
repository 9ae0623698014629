package transport

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
	"countersign/provider/transport/memory"
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

// breaker lets a service that fails rest: for 30 s, then twice as long with each trial that fails. After a rest one
// call at a time tries the service; the first that succeeds closes the breaker.
type breaker struct {
	now func() time.Time
	log *logrus.Entry

	record  *memory.Record // nil: it is forgotten with the process
	service string
	anew    bool // what an earlier process or generation saved is not gone on with

	mu     sync.Mutex
	failed int       // calls in a row that failed
	rests  int       // rests in a row; 0: closed
	until  time.Time // no call before
	told   int       // newest opening or closing of any process that this one knows of, where several share the account
	own    int       // how often this process has opened or closed it
	said   int       // own, as it was told
	saying int       // own, as it is being told
	trying bool      // a call tries the service after a rest
	round  int       // grows with each opening and closing: calls admitted in an earlier round no longer count
}

func newBreaker(now func() time.Time, log *logrus.Entry) *breaker {
	return &breaker{now: now, log: log}
}

// allow admits a call; done must be told once what became of it: nil, errBroken with its
// cause, or errBeside.
func (b *breaker) allow() (done func(error), err error) {
	if b == nil {
		return func(error) {}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.now().Before(b.until):
		return nil, fmt.Errorf("%w: it failed %d times, left alone for a while", provider.ErrUnavailable, breakAfter)
	case b.trying:
		return nil, fmt.Errorf("%w: another call is trying it", provider.ErrUnavailable)
	}
	b.trying = b.rests > 0
	round := b.round
	return func(err error) { b.done(round, err) }, nil
}

func (b *breaker) done(round int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if round != b.round {
		return
	}
	b.trying = false
	switch {
	case errors.Is(err, errBeside):
	case err == nil && b.rests == 0:
		b.failed = 0
	case err == nil:
		b.failed, b.rests, b.until, b.round, b.own = 0, 0, time.Time{}, b.round+1, b.own+1
		b.record.Changed()
		b.log.Info("provider answers again")
	default:
		if b.failed++; b.rests == 0 && b.failed < breakAfter {
			return
		}
		rest := min(restFirst<<min(b.rests, 10), restMost)
		b.rests, b.until, b.round, b.own = b.rests+1, b.now().Add(rest), b.round+1, b.own+1
		b.record.Changed()
		log := b.log.WithFields(logrus.Fields{"wait": rest.String(), "err": provider.Redact(err)})
		log.Warn("provider fails, account rests")
	}
}

// try ends the rest: the next call tries the service.
func (b *breaker) try() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Time{}
}

// resting says whether the service is left alone now.
func (b *breaker) resting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now().Before(b.until)
}

// open says whether a call would be turned away: the service rests, or one call is trying it.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trying || b.now().Before(b.until)
}
