package providertest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// Same fails with what differs.
func Same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Decode is provider.Options.Decode for a block of settings.
func Decode(block string) func(any) error {
	return func(v any) error {
		d := yaml.NewDecoder(strings.NewReader(block))
		d.KnownFields(true)
		return d.Decode(v)
	}
}

// Service is a service whose answers a test writes down. What it was asked is kept.
type Service struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
}

// Serve answers on loopback until the test ends.
func Serve(t testing.TB, answer http.HandlerFunc) *Service {
	t.Helper()
	s := &Service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) //nolint:errcheck // a call that was broken off has half of one
		kept := r.Clone(context.Background())
		r.Body, kept.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.asked, s.bodies = append(s.asked, kept), append(s.bodies, string(body))
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// Requests are what it was asked; each body can be read once.
func (s *Service) Requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.asked...)
}

// Bodies are what was sent with them.
func (s *Service) Bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

// Paths are the methods and paths of the requests.
func (s *Service) Paths() []string {
	list := []string{}
	for _, r := range s.Requests() {
		list = append(list, r.Method+" "+r.URL.Path)
	}
	return list
}
