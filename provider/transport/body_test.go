package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
)

func TestABodyMustMoveAndEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trickle := func(every time.Duration, times int) func(*http.Request) (*http.Response, error) {
			return func(*http.Request) (*http.Response, error) {
				r, w := io.Pipe()
				go func() {
					for range times {
						time.Sleep(every)
						if _, err := w.Write([]byte("x")); err != nil {
							return
						}
					}
					w.Close()
				}()
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: r, ContentLength: -1}, nil
			}
		}
		for _, c := range []struct {
			every time.Duration
			want  error
		}{{29 * time.Second, nil}, {31 * time.Second, errIdle}} {
			resp, err := get(t, scripted(trickle(c.every, 10)).transport().Client())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := Save(&out, resp); !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, provider.ErrInvalidFile) {
				t.Errorf("a byte each %s: %v", c.every, err)
			}
		}
		for idle, want := range map[time.Duration]error{2 * time.Minute: nil, time.Minute: errIdle} { // provider.Call.Idle
			req, err := http.NewRequestWithContext(provider.WithCall(t.Context(), provider.Call{Idle: idle}), http.MethodGet,
				"https://api.example.org/stream", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := scripted(trickle(90*time.Second, 3)).transport().Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(resp.Body); !errors.Is(err, want) {
				t.Errorf("a byte each 90 s where %s are allowed: %v", idle, err)
			}
			resp.Body.Close()
		}
		resp, _ := get(t, scripted(trickle(29*time.Second, 10)).transport().Client())
		if err := ReadJSON(resp, new(any)); !errors.Is(err, errSlow) {
			t.Errorf("slow JSON: %v", err)
		}
		resp, _ = trickle(31*time.Second, 2)(nil) // a client that is not ours
		if _, err := Save(io.Discard, resp); !errors.Is(err, errIdle) {
			t.Errorf("another client's: %v", err)
		}
		time.Sleep(time.Hour)
	})
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1000)
	s := scripted(answer(200, big))
	for _, c := range []struct {
		ctx  context.Context
		read int
		fail bool
	}{
		{t.Context(), 100, true}, {provider.WithCall(t.Context(), provider.Call{MaxBody: 1000}), 1000,
			false}, {provider.WithCall(t.Context(), provider.Call{MaxBody: 999}), 999, true},
		{provider.WithClass(t.Context(), provider.ClassFiles), 1000, false},
	} {
		req, _ := http.NewRequestWithContext(c.ctx, http.MethodGet, address, nil)
		resp, err := s.transport(func(o *Options) { o.MaxBody = 100 }).Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		if len(raw) != c.read || errors.Is(err, provider.ErrTooLarge) != c.fail {
			t.Errorf("read %d, %v", len(raw), err)
		}
		resp.Body.Close()
	}
}

func TestRealConnections(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	asked := make(chan string, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("User-Agent")
		switch r.URL.Path {
		case "/hang":
			select {
			case <-r.Context().Done():
			case <-release:
			}
		case "/cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "%PDF-1.7 and no more") //nolint:errcheck // the test reads it
		case "/away":
			http.Redirect(w, r, "http://evil.example.com/?x=hush", http.StatusFound)
		default:
			io.WriteString(w, "{}") //nolint:errcheck // the test reads it
		}
	}))
	defer srv.Close()
	defer close(release)
	tr := New(Options{Now: time.Now, Attempts: 1, Budget: map[provider.Class]int{provider.ClassRead: 10}})
	defer tr.CloseIdleConnections()
	c := tr.Client()
	ask := func(ctx context.Context, path string) (*http.Response, error) {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, nil)
		return Do(c, req)
	}
	resp, err := ask(t.Context(), "/")
	if err != nil || ReadJSON(resp, new(any)) != nil || <-asked != "countersign" ||
		tr.BudgetLeft(provider.ClassRead) != 9 {
		t.Errorf("got %v, %d left", err, tr.BudgetLeft(provider.ClassRead))
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := ask(ctx, "/hang"); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "/hang") {
		t.Errorf("cancelled: got %v", err)
	}
	resp, err = ask(t.Context(), "/cut")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(io.Discard, resp); !errors.Is(err, provider.ErrInvalidFile) {
		t.Errorf("cut off: got %v", err)
	}
	resp, err = ask(t.Context(), "/away")
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("a redirect: %v", err)
	}
	if err := ReadJSON(resp, new(any)); err == nil || !strings.Contains(err.Error(), "evil.example.com") ||
		strings.Contains(err.Error(), "hush") {
		t.Errorf("a redirect: got %v", err)
	}
}

func TestTheLogTellsNoAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := logrus.New()
		l.SetOutput(&out)
		l.SetLevel(logrus.TraceLevel)
		tr := scripted(answer(500, "")).transport(func(o *Options) { o.Log, o.Attempts = logrus.NewEntry(l), 1 })
		for range 6 {
			get(t, tr.Client()) //nolint:errcheck,bodyclose // the log matters
		}
		if s := out.String(); !strings.Contains(s, "account=sales") || strings.Contains(s, "example") ||
			strings.Contains(s, "hush") {
			t.Errorf("logged %q", s)
		}
	})
}

// A file beyond the bound is one error of its own, at once where its length is announced; packed or not.
func TestAFileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var to io.Writer = w
		switch r.URL.Path {
		case "/announced":
			w.Header().Set("Content-Length", strconv.Itoa(10<<30))
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close() //nolint:errcheck // the reader has gone
			to = z
		}
		io.WriteString(to, "%PDF-1.7\n") //nolint:errcheck // the reader has gone
		block := make([]byte, 1<<20)
		for range 64 {
			n, err := to.Write(block)
			sent.Add(int64(n))
			if err != nil || r.Context().Err() != nil {
				return
			}
		}
	}))
	defer srv.Close()
	c := NewForeignClient(Options{Now: time.Now, Attempts: 1, MaxFile: 8 << 20, MaxBody: 8 << 20}, true)
	defer c.CloseIdleConnections()
	for _, path := range []string{"/announced", "/endless", "/packed"} {
		req, _ := http.NewRequestWithContext(provider.WithClass(t.Context(), provider.ClassFiles), http.MethodGet,
			srv.URL+path, nil)
		resp, err := Do(c, req)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		_, err = Save(&got, resp)
		if !errors.Is(err, provider.ErrTooLarge) || errors.Is(err, provider.ErrInvalidFile) || got.Len() > 8<<20 ||
			path == "/announced" && got.Len() > 0 {
			t.Errorf("%s: %v after %d bytes", path, err, got.Len())
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/packed", nil)
	resp, err := Do(c, req)
	if err != nil {
		t.Fatal(err)
	}
	if err := ReadJSON(resp, &struct{}{}); !errors.Is(err, provider.ErrTooLarge) {
		t.Errorf("an answer in JSON that unfolds: %v", err)
	}
}
