package console

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestNoCheckHoldsUpTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var runs atomic.Int32
		s := newServer(t, Options{Address: "localhost:1", Checks: []Check{
			{Name: "deaf", Check: func(context.Context) error { runs.Add(1); <-release; return nil }},
			{Name: "slow", Check: func(ctx context.Context) error { <-ctx.Done(); return errors.New("gave up") }},
			{Name: "broken", Check: func(context.Context) error { panic("with a secret") }},
			{Name: "well", Check: func(context.Context) error { return nil }, Fatal: true},
		}})
		for range 3 {
			w := get(s, "/readyz", "")
			if w.Code != 200 || !strings.Contains(w.Body.String(), `"well","ok":true`) ||
				!strings.Contains(w.Body.String(), errNoAnswer.Error()) ||
				!strings.Contains(w.Body.String(), "panicked") || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("a check that hangs was started %d times", n)
		}
		close(release)
		synctest.Wait()
		if w := get(s, "/readyz", ""); !strings.Contains(w.Body.String(), `"deaf","ok":true`) {
			t.Errorf("it works again: %s", w.Body)
		}
	})
}

// Where a token is set, whoever shows none is told the code and not a word more.
func TestReadyWithoutAToken(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var database error
	runs := 0
	s := newServer(t, Options{Address: "0.0.0.0:1", Token: "secret", Now: func() time.Time { return clock },
		Checks: []Check{
			{Name: "database", Fatal: true, Check: func(context.Context) error { runs++; return database }},
			{Name: "credentials", Check: func(context.Context) error { return errors.New("account sales") }},
		}})
	ask := func(host, authorization string, code, body int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/readyz", nil)
		r.Host = host
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != code || body >= 0 && w.Body.Len() != body ||
			(body == -1) != strings.Contains(w.Body.String(), "account sales") {
			t.Errorf("%q: %d %q", authorization, w.Code, w.Body)
		}
		if body == 0 && len(w.Header()) != 8 { // those of every answer, and Cache-Control
			t.Errorf("headers that say more: %v", w.Header())
		}
	}
	for range 5 {
		ask("10.1.2.3:18080", "", 200, 0)
	}
	if runs != 1 {
		t.Errorf("checked %d times in a second", runs)
	}
	database = errors.New("disk full")
	ask("10.1.2.3:18080", "Bearer secret", 503, -1)
	clock = clock.Add(bareFor)
	ask("10.1.2.3:18080", "", 503, 0)
	ask("10.1.2.3:18080", "Bearer wrong", 401, -2)
	database = nil
	ask("10.1.2.3:18080", "Bearer secret", 200, -1)
}

func TestFatalThatHangsIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Address: "localhost:1", Checks: []Check{
			{Name: "database", Check: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, Fatal: true},
		}})
		if w := get(s, "/readyz", ""); w.Code != 503 {
			t.Errorf("got %d", w.Code)
		}
		synctest.Wait()
	})
}

func TestWhatListensIsWhatCounts(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Options{Address: "127.0.0.1:0"})
	if err := s.Run(t.Context(), ln); !errors.Is(err, ErrOpen) {
		t.Errorf("open to everybody, without a token: %v", err)
	}
}

func TestMethodsAndSchemes(t *testing.T) {
	t.Parallel()
	s := newServer(t, Options{Address: "localhost:1", Token: "secret"})
	for _, c := range []struct {
		method, path, authorization string
		code                        int
	}{
		{"HEAD", "/healthz", "", 200},
		{"HEAD", "/readyz", "", 200},
		{"HEAD", "/readyz", "Bearer wrong", 401},
		{"HEAD", "/metrics", "", 401},
		{"POST", "/healthz", "", 405},
		{"GET", "/metrics", "bearer secret", 200},
		{"GET", "/metrics", "Bearer Secret", 401},
		{"GET", "/metrics", "Token secret", 401},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Authorization", c.authorization)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != c.code {
			t.Errorf("%+v: got %d", c, w.Code)
		}
	}
	for _, o := range []Options{
		{Address: "localhost:1", Now: time.Now}, {Address: "localhost:1", Registry: prometheus.NewRegistry()},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("taken: %+v", o)
		}
	}
}

// failing is a collector whose number cannot be had.
type failing struct{}

func (failing) Describe(chan<- *prometheus.Desc) {}

func (failing) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "", nil, nil), errors.New("no number"))
}

func TestSomeNumbersAreBetterThanNone(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	good := prometheus.NewCounter(prometheus.CounterOpts{Name: "good_total", Help: "Good."})
	reg.MustRegister(good, failing{})
	w := get(newServer(t, Options{Address: "localhost:1", Registry: reg}), "/metrics", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "good_total 0") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReadingTakesItsShareOnly(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	now := func() time.Time { return clock }
	took, reads := time.Duration(0), 0
	p := &part{share: 20, read: func(context.Context) []prometheus.Metric { reads++; clock = clock.Add(took); return nil }}
	for _, c := range []struct {
		wait, took time.Duration
		reads      int
	}{
		{0, 0, 1}, {4 * time.Second, 0, 1}, {time.Second, 2 * time.Second, 2}, {39 * time.Second, 0, 2}, {time.Second, 0, 3},
	} {
		clock, took = clock.Add(c.wait), c.took
		if p.collect(now); reads != c.reads {
			t.Errorf("%+v: read %d times", c, reads)
		}
	}
}
