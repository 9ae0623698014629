// Package console is the private listener: health, readiness, metrics and the JSON API. The pages will stand beside
// them.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/api"
	"countersign/worker/console/feed"
	"countersign/worker/console/ledger"
	"countersign/worker/console/live"
	"countersign/worker/console/login"
	"countersign/worker/console/look"
	"countersign/worker/console/page"
	"countersign/worker/console/pages"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
	"countersign/worker/console/row"
	"countersign/worker/console/views"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Options is what a Server needs.
type Options struct {
	Address  string        // what will be listened on: without a token or a login it must be loopback
	Token    string        // bearer token: where it is set, only /healthz and the bare code of /readyz go without
	URL      *url.URL      // the outside address; nil: none is known
	Issuer   *login.Issuer // who people log in through; nil: nobody. It needs URL
	Checks   []Check
	Now      func() time.Time
	Registry *prometheus.Registry
	Log      *logrus.Entry

	Store   *store.Store // nil: there are no tokens but Token, and no API
	Acts    acts.Acts
	Version string
}

// Server serves the console. It is safe for concurrent use.
type Server struct {
	Options
	handler http.Handler
	door    *access.Door
	feed    *feed.Feed
	reads   *reads.Reads
	look    *look.Look
	live    *live.Live
	probes  []*probe
	bare    bare

	stopping atomic.Bool
}

// ErrOpen is returned for an address that others reach, without a token and a login.
var ErrOpen = errors.New("console.address is not loopback: set console.token or console.token_file, or console.oidc")

// New returns a server. It does not listen yet.
func New(o Options) (*Server, error) {
	if o.Token == "" && o.Issuer == nil && !access.Loopback(o.Address) {
		return nil, ErrOpen
	}
	if o.Registry == nil || o.Now == nil || o.Issuer != nil && (o.URL == nil || o.Store == nil) {
		return nil, errors.New("console: Registry and Now are needed; for an issuer URL and Store too")
	}
	if o.Log == nil {
		o.Log = logrus.NewEntry(&logrus.Logger{Out: io.Discard, Formatter: &logrus.TextFormatter{}})
	}
	s := &Server{Options: o, feed: feed.New(feed.Options{Store: o.Store, Now: o.Now}),
		reads: reads.New(reads.Options{Store: o.Store, Acts: o.Acts, Now: o.Now})}
	for _, c := range o.Checks {
		s.probes = append(s.probes, &probe{Check: c})
	}
	var err error
	s.door, err = access.New(access.Options{Store: o.Store, Token: o.Token, URL: o.URL, Now: o.Now,
		Judged: o.Issuer.Judged()})
	if err != nil {
		return nil, err
	}
	s.look, err = look.New(look.Options{URL: o.URL, Version: o.Version, Now: o.Now, Open: s.open})
	if err != nil {
		return nil, err
	}
	s.live = live.New(live.Options{Store: o.Store, Feed: s.feed, Now: o.Now, Log: o.Log, Version: s.look.Assets.Hash()})
	s.handler = s.routes()
	return s, nil
}

// routes is every route of the private listener.
func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	served := page.New(page.Options{Look: s.look, Reads: s.reads, Log: s.Log, Version: s.Version, Who: s.door.Who, Why: s.why})
	r.Use(middleware.GetHead, withPages(served.Problem), s.door.Begin, s.door.Meant, s.whileServing)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { problem.New(problem.NotFound, "").Write(w, r) })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		problem.Of(http.StatusMethodNotAllowed, "").Write(w, r)
	})
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	r.Get("/readyz", s.ready)
	r.Get("/assets/{hash}/{name}", s.look.Assets.Serve)
	if s.Store != nil {
		login.Routes(r, login.Options{Door: s.door, Issuer: s.Issuer, Now: s.Now, Log: s.Log, Render: s.loginPage})
	}
	r.Group(func(r chi.Router) {
		r.Use(s.door.Pages, s.door.Limited)
		if s.Store == nil {
			r.Get("/", s.index)
			return
		}
		views.Routes(r, views.Options{Store: s.Store, Door: s.door, Now: s.Now})
		pages.New(r, served, row.New(r, served).Page)
		ledger.New(r, served)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.door.Authenticated)
		r.Get("/problems/{name}", problem.Page)
		r.Group(func(r chi.Router) {
			r.Use(access.Operators)
			profiles(r)
		})
		r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{
			ErrorLog: lines{s.Log}, ErrorHandling: promhttp.ContinueOnError, // some numbers are better than none
		}))
		if s.Store == nil {
			return
		}
		r.With(s.door.Limited).Get("/live", s.live.Serve)
		r.Group(func(r chi.Router) {
			r.Use(s.door.Limited, access.Writes, access.Conditional)
			api.New(r, api.Options{Store: s.Store, Acts: s.Acts, Reads: s.reads, Feed: s.feed, Version: s.Version,
				Now: s.Now, Log: s.Log})
		})
	})
	return r
}

// open is how many incidents are open, as they were read last.
func (s *Server) open(ctx context.Context) int {
	if s.Store == nil {
		return 0
	}
	n, err := s.reads.OpenIncidents(ctx)
	if err != nil {
		return 0 // the page says itself what cannot be read
	}
	return len(n)
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on ln until ctx ends. It closes ln. What listens where others reach it needs a token,
// whatever Options.Address said.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	if s.Token == "" && s.Issuer == nil && ln.Addr().Network() == "tcp" && !access.Loopback(ln.Addr().String()) {
		return errors.Join(ErrOpen, ln.Close())
	}
	bound := newConnections(mostConnections)
	srv := &http.Server{
		Handler: bound.answering(timely(s.Now, s.handler)), ConnState: bound.state, ConnContext: bound.with,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(lines{s.Log}, "", 0),
	}
	defer s.live.Stop()
	defer s.feed.Stop()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("console listener: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	s.feed.Stop() // streams end at once, or they would be waited for
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		err = srv.Close()
		<-served
		return err
	}
	<-served
	return nil
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "countersign: /api/v1 (described by /openapi.json), /healthz, /readyz and /metrics are served here. "+
		"`countersign status` and `countersign list` show the table.")
}

// lines takes what libraries have to say, a line at a time.
type lines struct{ log *logrus.Entry }

func (l lines) Write(p []byte) (int, error) {
	l.Println(strings.TrimSpace(string(p)))
	return len(p), nil
}

// Println is for promhttp.
func (l lines) Println(v ...any) {
	l.log.WithField("reason", fmt.Sprint(v...)).Debug("console request ended badly")
}
