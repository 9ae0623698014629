// Package console is the private listener: health, readiness and metrics. The dashboard and the
// JSON API will stand beside them.
package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sirupsen/logrus"
)

// Options is what a Server needs.
type Options struct {
	Address  string // what will be listened on: without a token it must be loopback
	Token    string // bearer token: where it is set, only /healthz and the bare code of /readyz go without
	Checks   []Check
	Now      func() time.Time
	Registry *prometheus.Registry
	Log      *logrus.Entry
}

// Server serves the console. It is safe for concurrent use.
type Server struct {
	Options
	handler http.Handler
	probes  []*probe
	bare    bare
}

// ErrOpen is returned for an address that others reach and no token.
var ErrOpen = errors.New("console.address is not loopback: set console.token or console.token_file")

// New returns a server. It does not listen yet.
func New(o Options) (*Server, error) {
	if o.Token == "" && !loopback(o.Address) {
		return nil, ErrOpen
	}
	if o.Registry == nil || o.Now == nil {
		return nil, errors.New("console: Registry and Now are needed")
	}
	if o.Log == nil {
		o.Log = logrus.NewEntry(&logrus.Logger{Out: io.Discard, Formatter: &logrus.TextFormatter{}})
	}
	s := &Server{Options: o}
	for _, c := range o.Checks {
		s.probes = append(s.probes, &probe{Check: c})
	}
	r := chi.NewRouter()
	r.Use(middleware.GetHead, s.meant)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	r.Get("/readyz", s.ready)
	r.Group(func(r chi.Router) {
		r.Use(s.authorized)
		r.Get("/", s.index)
		profiles(r)
		r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{
			ErrorLog: lines{o.Log}, ErrorHandling: promhttp.ContinueOnError, // some numbers are better than none
		}))
	})
	s.handler = r
	return s, nil
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on ln until ctx ends. It closes ln. What listens where others reach it needs a token,
// whatever Options.Address said.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	if s.Token == "" && ln.Addr().Network() == "tcp" && !loopback(ln.Addr().String()) {
		return errors.Join(ErrOpen, ln.Close())
	}
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(lines{s.Log}, "", 0),
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

// meant refuses, where no token is asked for, what was sent to a name that is not this machine: a web
// page whose name was made to lead to 127.0.0.1 would read with its visitor's browser otherwise.
func (s *Server) meant(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token == "" && !local(r.Host) {
			http.Error(w, "the console answers to localhost and loopback addresses; for other names set console.token",
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local says whether a Host header names this machine, with a port or without.
func local(host string) bool {
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "0")
	}
	return loopback(strings.ToLower(host))
}

func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token != "" && !bears(r.Header.Get("Authorization"), s.Token) {
			unauthorized(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="countersign"`)
	http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
}

// bears says whether an Authorization header holds a token, in a time that tells nothing about it.
func bears(header, token string) bool {
	scheme, given, _ := strings.Cut(header, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "countersign: /healthz /readyz /metrics are served here. `countersign status` and `countersign list` show the table.")
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
