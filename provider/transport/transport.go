// Package transport carries the calls of an account to its provider: it keeps the budget, tries again what may pass,
// lets a service that fails rest, bounds answers, and says what an answer means. A client for foreign hosts fetches
// what links lead to. No error of it holds an address, a key or the text of an answer.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
	"countersign/provider/transport/budget"
	"countersign/provider/transport/memory"
	"countersign/provider/transport/ways"
)

// Options say how an account's calls go out. Only Now must be set.
type Options struct {
	Account string
	// Base sends the requests; nil is a transport with timeouts of its own. Tests and simulators put theirs here.
	Base http.RoundTripper
	// Proxy says through which proxy a request goes; nil is http.ProxyFromEnvironment. Base asks nobody.
	Proxy func(*http.Request) (*url.URL, error)
	// Budget is the requests a minute of each class; a class that is missing shares ClassRead's
	// place, and is not bounded where that is missing too.
	Budget map[provider.Class]int
	// Memory is where what was spent, pauses and the breaker outlive the process: see Resume.
	Memory memory.Memory
	// Service says what the calls go to, such as the base URL. A breaker that was open for another service is closed.
	Service string
	Now     func() time.Time
	Log     *logrus.Entry
	Rand    func() float64 // in [0,1), for jitter; nil: none
	// MaxBlock is the longest that a call sleeps because the service asked it to (default 30 s).
	// Beyond that it is a *RetryAfter.
	MaxBlock   time.Duration
	Timeout    time.Duration // from sending an attempt to its answer's header (default 60 s)
	Idle       time.Duration // the longest that a body may stand still (default 30 s)
	Attempts   int           // default 4
	BackoffMin time.Duration // default 500 ms
	BackoffMax time.Duration // default 30 s
	MaxBody    int64         // an answer's most bytes (default 64 MiB); see provider.Call.MaxBody
	MaxFile    int64         // the same for provider.ClassFiles (default 1 GiB)
}

func (o Options) withDefaults() Options {
	o.MaxBlock = orElse(o.MaxBlock, 30*time.Second)
	o.Timeout = orElse(o.Timeout, time.Minute)
	o.Idle = orElse(o.Idle, 30*time.Second)
	o.Attempts = orElse(o.Attempts, 4)
	o.BackoffMin = orElse(o.BackoffMin, 500*time.Millisecond)
	o.BackoffMax = orElse(o.BackoffMax, 30*time.Second)
	o.MaxBody = orElse(o.MaxBody, 64<<20)
	o.MaxFile = orElse(o.MaxFile, 1<<30)
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = logrus.NewEntry(silent)
	}
	if o.Account != "" {
		o.Log = o.Log.WithField("account", o.Account)
	}
	return o
}

func orElse[T int | int64 | time.Duration](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}

// Transport carries all the calls of one account: they keep its budget, are tried again where that
// can help, and stop while the service fails or asks for a pause. It is safe for concurrent use,
// and an account must not have two of them.
type Transport struct {
	o       Options
	budgets map[provider.Class]*budget.Budget // nil: none is kept
	over    atomic.Bool                       // another has taken its place: what its calls meet says nothing
	anew    bool                              // it takes over no pause of the one before
	breaker *breaker                          // nil: none
	written bool                              // the base tells when a request is on its way

	mu    sync.Mutex // guards tally and the use of o.Rand
	tally map[Tally]uint64
}

// Tally names what attempts are counted by.
type Tally struct {
	Class provider.Class
	Work  provider.Work
}

// New returns the transport of one account.
func New(o Options) *Transport {
	t := newTransport(o, dialer(nil))
	read := budget.New(o.Budget[provider.ClassRead], t.o.MaxBlock, t.o.Now)
	t.budgets = map[provider.Class]*budget.Budget{provider.ClassRead: read}
	for c, n := range o.Budget {
		if c != provider.ClassRead {
			t.budgets[c] = budget.New(n, t.o.MaxBlock, t.o.Now)
		}
	}
	t.breaker = newBreaker(t.o.Now, t.o.Log)
	t.remembers()
	return t
}

// NewClient returns a client whose calls go through a transport of their own: see New.
func NewClient(o Options) *http.Client { return New(o).Client() }

func newTransport(o Options, base *http.Transport) *Transport {
	t := &Transport{o: o.withDefaults(), tally: map[Tally]uint64{}}
	if t.o.Base == nil {
		base.ResponseHeaderTimeout = t.o.Timeout
		if t.o.Proxy != nil {
			base.Proxy = t.o.Proxy
		}
		t.o.Base = base
	}
	_, t.written = t.o.Base.(*http.Transport)
	return t
}

// dialer returns a transport with timeouts. Control, if any, may refuse an address before it is dialled.
func dialer(d *net.Dialer) *http.Transport {
	if d == nil {
		d = &net.Dialer{}
	}
	d.Timeout, d.KeepAlive = 10*time.Second, 30*time.Second
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: d.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second, MaxIdleConnsPerHost: 16, MaxResponseHeaderBytes: 1 << 20,
	}
}

// stay follows no redirect: the credentials would go along. The caller sees the 3xx.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Client returns a client whose calls go through t. It follows no redirect: a 3xx is an answer
// that StatusError, ReadJSON and Save make an error of.
func (t *Transport) Client() *http.Client { return &http.Client{Transport: t, CheckRedirect: stay} }

// RoundTrip is for http.RoundTripper. An answer of 429, or one that asks for a pause beyond
// MaxBlock, is a *RetryAfter; no answer at all is ErrUnavailable.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	done, err := t.breaker.allow()
	if err != nil {
		closeBody(req.Body)
		return nil, err
	}
	marked := provider.CallOf(req.Context()).Retry
	c := &call{again: marked || req.Method == "" || req.Method == http.MethodGet || req.Method == http.MethodHead}
	resp, err := t.tries(req, c)
	resp, err = t.outcome(req.Context(), c, resp, err)
	if t.over.Load() {
		done(errBeside)
	} else {
		done(verdict(req.Context(), c, resp, err))
	}
	return resp, err
}

// verdict says what the breaker learns. 429 and other refusals show a service that lives.
func verdict(ctx context.Context, c *call, resp *http.Response, err error) error {
	var after *provider.RetryAfter
	switch {
	case err == nil && c.odd:
		return fmt.Errorf("%w: a success came that is not the JSON that is due", errBroken)
	case err == nil && resp.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %d %s", errBroken, resp.StatusCode, http.StatusText(resp.StatusCode))
	case err == nil:
		return nil
	case errors.As(err, &after), ctx.Err() != nil, errors.Is(err, errResting), errors.Is(err,
		ways.ErrAddress), errors.Is(err, errBody):
		return errBeside
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// CloseIdleConnections closes what is open to the service and not in use.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.o.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// BudgetLeft returns how many calls of a class could leave now.
func (t *Transport) BudgetLeft(c provider.Class) int {
	if b := t.budget(c); b != nil {
		return b.Left()
	}
	return math.MaxInt32
}

// PausedUntil returns the time before which no call of the class leaves, because the service asked
// for a pause; zero when there is none.
func (t *Transport) PausedUntil(c provider.Class) time.Time {
	if b := t.budget(c); b != nil {
		return b.Paused()
	}
	return time.Time{}
}

// BreakerOpen says whether calls are turned away because the service fails.
func (t *Transport) BreakerOpen() bool { return t.breaker != nil && t.breaker.open() }

// Try lets a call try a service that is left alone because it failed.
func (t *Transport) Try() {
	if t.breaker != nil {
		t.breaker.try()
	}
}

// Calls returns how many requests were sent so far, by class and work.
func (t *Transport) Calls() map[Tally]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[Tally]uint64, len(t.tally))
	for k, n := range t.tally {
		all[k] = n
	}
	return all
}

func (t *Transport) budget(c provider.Class) *budget.Budget {
	if b, ok := t.budgets[c]; ok {
		return b
	}
	return t.budgets[provider.ClassRead]
}

func (t *Transport) count(c provider.Class, w provider.Work) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tally[Tally{c, w}]++
}

// chance returns the next number of the source of jitter.
func (t *Transport) chance() float64 {
	if t.o.Rand == nil {
		return 1
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.o.Rand()
}

func closeBody(c io.Closer) {
	if c != nil {
		c.Close()
	}
}
