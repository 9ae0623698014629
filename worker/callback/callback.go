// Package callback is the public listener: it takes what providers call, has it stored and
// applied, and answers only then. Nothing else is served here.
package callback

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// Apply stores a callback and applies what it says, in one database transaction that is on disk
// when it returns. After an error nothing was kept, and the listener answers 503.
type Apply func(ctx context.Context, in Incoming) (Result, error)

// Incoming is a callback that has been looked at: its verdict stands, its outcome does not.
type Incoming struct {
	Callback     store.Callback
	Provider     provider.Service
	Observations []model.Observation
	Links        []provider.Link // documents that only this callback tells how to get
	Test         bool
	Ignored      string

	cut bool // the provider has cut what must not be kept out of the body
}

// Result is what became of it.
type Result struct {
	ID      string
	Verdict store.Verdict
	Outcome store.Outcome
}

// Account is what the listener needs to know of one.
type Account struct {
	ID            string
	ProviderName  string
	Provider      provider.Service
	ReturnPage    string
	IncludeTest   bool
	SecretHeaders []string // headers that are themselves the secret: kept as an HMAC
	Hints         bool     // POST /hints is open
	Origins       []string // whose pages may post there: https://www.example.com
	// Sources are the networks that callbacks may come from, empty: any. To others the account is not there.
	Sources []netip.Prefix
}

// Hint makes a row due for what a hint names, and returns its status in our words; "" for a ref that the
// table does not know. It believes nothing of h. It must be quick: it asks no provider.
type Hint func(ctx context.Context, account string, h provider.Hinted) (status string, err error)

// Options is what a Listener needs.
type Options struct {
	Lookup         func(id string) (Account, bool)
	Apply          Apply
	Hint           Hint          // nil: return URLs and hints are 404
	HintsAMinute   int           // from one client address, then 429; 60 if zero
	Nudge          func()        // called after a callback was applied; may be nil
	MaxBody        int64         // 10 MiB if zero
	MaxWaiting     int           // callbacks read and not yet answered, then 503; 1024 if zero
	ReadTimeout    time.Duration // for a whole request to come in; 30 s if zero
	ApplyTimeout   time.Duration // for a read one to be stored, then 503; 15 s if zero
	MaxConns       int           // connections that may be open; 2048 if zero
	MaxConnsEach   int           // of one client address, unless it is a trusted proxy; 512 if zero
	RefusedAMinute int           // callbacks without proof that are kept, of one client address, then 429; 600 if zero
	RefusedBytes   int64         // how much of an account's refused bodies is kept, at most in an hour; 256 MiB if zero
	TrustedProxies []string      // addresses and networks whose X-Forwarded-For is believed
	HMACKey        []byte        // the installation key, needed
	Now            func() time.Time
	Log            *logrus.Entry
	Count          func(account string, verdict store.Verdict) // for metrics; may be nil
}

// Listener serves callbacks. It is safe for concurrent use.
type Listener struct {
	Options
	handler http.Handler
	room    chan struct{} // a place for each callback that was read; one that is still coming has none
	small   *bytesInHand  // the first headOfBody bytes of each body
	large   *bytesInHand  // what is beyond them

	guests  *guests // who sends hints
	refused *refusals
	doors   *doors

	mu     sync.Mutex
	warned map[string]time.Time // when something was last logged loudly, by account and message
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
	if o.MaxBody <= 0 {
		o.MaxBody = 10 << 20
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 1024
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 30 * time.Second
	}
	if o.ApplyTimeout <= 0 {
		o.ApplyTimeout = 15 * time.Second
	}
	o.HintsAMinute = orElse(o.HintsAMinute, 60)
	o.MaxConns, o.MaxConnsEach = orElse(o.MaxConns, 2048), orElse(o.MaxConnsEach, 512)
	o.RefusedAMinute, o.RefusedBytes = orElse(o.RefusedAMinute, 600), orElse(o.RefusedBytes, 256<<20)
	proxies, err := Networks(o.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("public.trusted_proxies: %w", err)
	}
	l := &Listener{
		Options: o, room: make(chan struct{}, o.MaxWaiting), warned: map[string]time.Time{},
		small: &bytesInHand{most: smallInHand}, large: &bytesInHand{most: max(largeInHand, 2*o.MaxBody)},
		guests: newGuests(o.HintsAMinute), refused: newRefusals(o.RefusedAMinute, o.RefusedBytes),
		doors: newDoors(o.MaxConns, o.MaxConnsEach, func(ip netip.Addr) bool { return within(proxies, ip) }),
	}
	from := middleware.ClientIPFromRemoteAddr
	if len(proxies) > 0 {
		trusted := make([]string, len(proxies))
		for i, p := range proxies {
			trusted[i] = p.String()
		}
		from = middleware.ClientIPFromXFF(trusted...)
	}
	l.handler = l.recovered(from(http.HandlerFunc(l.route)))
	return l, nil
}

func orElse[T int | int64](v, fallback T) T {
	if v > 0 {
		return v
	}
	return fallback
}

// Networks reads addresses and networks; an address is a network of one.
func Networks(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			ip, bad := netip.ParseAddr(s)
			if bad != nil || ip.Zone() != "" {
				return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", s)
			}
			p = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		}
		out[i] = p.Masked()
	}
	return out, nil
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// route finds the account. A path is taken as it was meant: decoded, and never cleaned.
func (l *Listener) route(w http.ResponseWriter, r *http.Request) {
	path, rooted := strings.CutPrefix(r.URL.Path, "/")
	door, id, _ := strings.Cut(path, "/")
	var serve func(http.ResponseWriter, *http.Request, Account)
	switch door {
	case "callbacks":
		serve = l.callback
	case "return":
		serve = l.returned
	case "hints":
		serve = l.hints
	}
	if acc, ok := l.Lookup(id); ok && rooted && serve != nil {
		serve(w, r, acc)
		return
	}
	plain(w, http.StatusNotFound)
}

// method answers 405 unless the request's method is one of those allowed.
func method(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	if slices.Contains(allowed, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	plain(w, http.StatusMethodNotAllowed)
	return false
}

// Handler returns the routes, for tests and other servers.
func (l *Listener) Handler() http.Handler { return l.handler }

// Run serves on ln until ctx ends, then answers what it has in hand, for at most eight seconds. A
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
		ErrorLog:          log.New(serverLog{l.Log}, "", 0),
		ConnContext:       withDoor,

		DisableGeneralOptionsHandler: true, // OPTIONS * is 404 like all that is not ours
	}
	ln = bounded{ln, l.doors}
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
				l.Log.WithFields(logrus.Fields{"reason": fmt.Sprintf("%T", p), "stack": string(debug.Stack())}).Error("callback handling panicked")
				plain(w, http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// plain answers with a status and its usual words, the same for everybody. Whoever was turned away has to connect again:
// thousands of requests on one connection that lead to nothing would cost others their turn.
func plain(w http.ResponseWriter, code int) {
	if code >= http.StatusBadRequest {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, http.StatusText(code)) //nolint:errcheck // the caller may be gone
}
