// Package callback is the public listener: it takes what providers call, has it stored and
// applied, and answers only then. Nothing else is served here.
package callback

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback/caller"
	"countersign/worker/callback/odd"
)

// Apply stores a callback and applies what it says, in one database transaction that is on disk
// when it returns. After an error nothing was stored, and the listener answers 503.
type Apply func(ctx context.Context, in Incoming) (Result, error)

// What the listener and the loops both speak of.
type (
	// Incoming is a callback that has been judged.
	Incoming = apply.Incoming
	// Result is what became of it.
	Result = apply.Result
	// Account is one configured connection.
	Account = apply.Account
)

// Hint makes the row that a hint names due, and returns its status in our words; "" for a ref that the table does not
// know. It believes nothing of h and asks no provider: a signer waits for it.
type Hint func(ctx context.Context, account string, h provider.Hinted) (status string, err error)

// Options is what a Listener needs.
type Options struct {
	Lookup         func(id string) *Account // nil: there is none
	Apply          Apply
	Hint           Hint           // nil: return URLs and hints are 404
	HintsAMinute   int            // from one client address, then 429; 60 if zero
	MaxBody        int64          // 10 MiB if zero
	MaxWaiting     int            // callbacks read and not yet answered, then 503; 1024 if zero
	ReadTimeout    time.Duration  // for a whole request to come in; 30 s if zero
	ApplyTimeout   time.Duration  // for a read one to be stored, then 503; 15 s if zero
	MaxConns       int            // connections that may be open; 2048 if zero
	MaxConnsEach   int            // of one client address, unless it is a trusted proxy; 512 if zero
	RefusedAMinute int            // refused callbacks stored of one client address, then 429; 600 if zero
	RefusedBytes   int64          // of an account's refused bodies stored in an hour; 256 MiB if zero
	TrustedProxies []netip.Prefix // whose word on the caller is believed
	HMACKey        []byte         // the installation key, needed
	Now            func() time.Time
	Log            *logrus.Entry
	Count          func(account string, verdict model.Verdict) // for metrics; may be nil
	CountOdd       func(kind string)                           // for metrics: one of odd.Kinds; may be nil
}

// Listener serves callbacks. It is safe for concurrent use.
type Listener struct {
	Options
	handler http.Handler
	waiting chan struct{} // an element for each callback that was read and waits for its answer
	small   *memory       // of the first headOfBody bytes of each body
	large   *memory       // of the bytes beyond them
	buffers sync.Pool     // *[]byte of firstBytes, for bodies

	hinters     *rates
	refused     *refusals
	connections *connections

	mu       sync.Mutex
	loggedAt map[string]time.Time // when a message was last logged, by account and message
}

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 8 * time.Second
	maxHeader     = 64 << 10
)

// New returns a listener. It does not listen yet.
func New(o Options) (*Listener, error) {
	if o.Lookup == nil || o.Apply == nil || o.Now == nil || o.Log == nil || len(o.HMACKey) == 0 {
		return nil, errors.New("callback: Lookup, Apply, HMACKey, Now and Log are needed")
	}
	if min(o.MaxBody, o.RefusedBytes, int64(o.MaxConns), int64(o.MaxConnsEach), int64(o.RefusedAMinute)) <= 0 {
		return nil, errors.New("callback: MaxBody, MaxConns, MaxConnsEach, RefusedAMinute and RefusedBytes are needed")
	}
	o.MaxWaiting, o.HintsAMinute = cmp.Or(o.MaxWaiting, 1024), cmp.Or(o.HintsAMinute, 60)
	o.ReadTimeout, o.ApplyTimeout = cmp.Or(o.ReadTimeout, 30*time.Second), cmp.Or(o.ApplyTimeout, 15*time.Second)
	trusted := caller.Networks(o.TrustedProxies)
	l := &Listener{
		Options: o, waiting: make(chan struct{}, o.MaxWaiting), loggedAt: map[string]time.Time{},
		small: &memory{limit: smallBodies}, large: &memory{limit: max(largeBodies, 2*o.MaxBody)},
		hinters: perMinute(o.HintsAMinute), refused: newRefusals(o.RefusedAMinute, o.RefusedBytes),
		connections: newConnections(o.MaxConns, o.MaxConnsEach, trusted.Contain),
	}
	l.handler = l.recovered(l.served(trusted))
	return l, nil
}

// served names the caller of each request and routes it.
func (l *Listener) served(trusted caller.Networks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn := connectionOf(r.Context()); conn != nil {
			conn.unserved.Store(false)
		}
		from, agreed := trusted.Find(r)
		r = caller.With(r, from)
		if !agreed {
			l.oddRequest(r, odd.Caller)
		}
		l.route(w, r)
	})
}

// route finds the account. The path is decoded and never cleaned: `..` is a name like others.
func (l *Listener) route(w http.ResponseWriter, r *http.Request) {
	path, rooted := strings.CutPrefix(r.URL.Path, "/")
	kind, id, _ := strings.Cut(path, "/")
	var serve func(http.ResponseWriter, *http.Request, *Account)
	switch kind {
	case "callbacks":
		serve = l.callback
	case "return":
		serve = l.returned
	case "hints":
		serve = l.hints
	}
	acc := l.Lookup(id)
	switch {
	case acc != nil && rooted && serve != nil:
		serve(w, r, acc)
		return
	case rooted && kind == "callbacks" && accountID.MatchString(id):
		l.oddRequest(r, odd.Account)
	default:
		l.oddRequest(r, odd.Path)
	}
	status(w, http.StatusNotFound)
}

var accountID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// method answers 405 unless the request's method is one of those allowed.
func (l *Listener) method(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	if slices.Contains(allowed, r.Method) {
		return true
	}
	l.oddRequest(r, odd.Method)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	status(w, http.StatusMethodNotAllowed)
	return false
}

// Handler returns the routes, for tests and other servers.
func (l *Listener) Handler() http.Handler { return l.handler }

// Run serves on ln until ctx ends, then answers the requests that are open, for at most eight seconds. A
// nil tls config means plain HTTP. It closes ln.
func (l *Listener) Run(ctx context.Context, ln net.Listener, secure *tls.Config) error {
	srv := &http.Server{
		Handler:           l.handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       l.ReadTimeout,
		WriteTimeout:      l.ReadTimeout + l.ApplyTimeout + 5*time.Second,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         secure,
		ErrorLog:          log.New(serverLog{l}, "", 0),
		ConnContext:       withConnection,
		ConnState:         l.connectionState,

		DisableGeneralOptionsHandler: true, // OPTIONS * is 404 like all that is not ours
	}
	l.connections.secure = secure != nil
	l.connections.opened = func(c *connection, kind string) { l.odd(kind, c.from(), "") }
	ln = limitedListener{ln, l.connections}
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("public listener: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		l.Log.Warn("requests were still open after eight seconds, closing them")
		err = srv.Close()
	}
	<-served
	return err
}

// recovered turns a panic into a 500 without detail: never an acknowledgement.
func (l *Listener) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				l.Log.WithFields(logrus.Fields{"reason": fmt.Sprintf("%T", p),
					"stack": string(debug.Stack())}).Error("callback handling panicked")
				status(w, http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// status answers with a status code and its usual words. After an error the client has to connect again: thousands of
// fruitless requests on one connection would delay others.
func status(w http.ResponseWriter, code int) {
	if code >= http.StatusBadRequest {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, http.StatusText(code)) //nolint:errcheck // the caller may be gone
}
