// Package console is the private listener: health, readiness and metrics. The dashboard and the
// JSON API will stand beside them.
package console

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Check is one thing that readiness depends on.
type Check struct {
	Name  string
	Check func(ctx context.Context) error
	Fatal bool // its failure makes us not ready; otherwise it is only shown
}

// Options is what a Server needs.
type Options struct {
	Address  string // what will be listened on: without a token it must be loopback
	Token    string // bearer token, needed for everything but /healthz where it is set
	Checks   []Check
	Registry *prometheus.Registry
	Log      *logrus.Entry
}

// Server serves the console. It is safe for concurrent use.
type Server struct {
	Options
	handler http.Handler
}

// ErrOpen is returned for an address that others reach and no token.
var ErrOpen = errors.New("console.address is not loopback: set console.token or console.token_file")

// New returns a server. It does not listen yet.
func New(o Options) (*Server, error) {
	if o.Token == "" && !loopback(o.Address) {
		return nil, ErrOpen
	}
	s := &Server{Options: o}
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	r.Group(func(r chi.Router) {
		r.Use(s.authorized)
		r.Get("/", s.index)
		r.Get("/readyz", s.ready)
		r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{ErrorLog: o.Log}))
	})
	s.handler = r
	return s, nil
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on ln until ctx ends.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	logged := s.Log.Logger.WriterLevel(logrus.DebugLevel)
	defer logged.Close() //nolint:errcheck // a log pipe
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: log.New(logged, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("console listener: %w", err)
	case <-ctx.Done():
	}
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

func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if s.Token != "" && (!ok || subtle.ConstantTimeCompare([]byte(got), []byte(s.Token)) != 1) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="countersign"`)
			http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "countersign: /healthz /readyz /metrics are served here. `countersign status` and `countersign list` show the table.")
}

// state is one line of /readyz.
type state struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// ready says whether we can do our work: 503 where a fatal check fails.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	answer := struct {
		Ready  bool    `json:"ready"`
		Checks []state `json:"checks"`
	}{Ready: true, Checks: []state{}}
	for _, c := range s.Checks {
		st := state{Name: c.Name, OK: true}
		if err := c.Check(ctx); err != nil {
			st.OK, st.Error = false, err.Error()
			answer.Ready = answer.Ready && !c.Fatal
		}
		answer.Checks = append(answer.Checks, st)
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the caller may be gone
}

// loopback says whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
