package transport

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAForeignClientGivesNothingAway(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 20)
	file := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		io.WriteString(w, "%PDF-1.7 %%EOF") //nolint:errcheck // the test reads it
	}))
	defer file.Close()
	var first *httptest.Server
	first = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		if r.URL.Path == "/round" {
			http.Redirect(w, r, first.URL+"/round", http.StatusFound)
			return
		}
		http.Redirect(w, r, file.URL+"/file", http.StatusTemporaryRedirect)
	}))
	defer first.Close()
	ask := func(c *http.Client, path string) (*http.Response, error) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL+path, nil)
		req.SetBasicAuth("user", "hush")
		req.Header.Set("Cookie", "hush=1")
		return Do(c, req)
	}
	c := NewForeignClient(Options{Now: time.Now, Attempts: 1}, true)
	defer c.CloseIdleConnections()
	resp, err := ask(c, "/?token=hush")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(io.Discard, resp); err != nil {
		t.Error(err)
	}
	for range 2 {
		h := <-got
		for name := range h {
			if strings.Contains(strings.Join(h[name], " "), "hush") || name == "Referer" || name == "Authorization" {
				t.Errorf("sent %s: %v", name, h[name])
			}
		}
	}
	if _, err := ask(c, "/round?x=hush"); err == nil || strings.Contains(err.Error(), "hush") ||
		!strings.Contains(err.Error(), "redirects") || len(got) != 4 {
		t.Errorf("in a circle: %v after %d", err, len(got))
	}
}

func TestAForeignClientRefusesPrivateAddresses(t *testing.T) {
	t.Parallel()
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer srv.Close()
	c := NewForeignClient(Options{Now: time.Now}, false)
	for _, at := range []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), "file:///etc/passwd",
		"ftp://example.org/"} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		began := time.Now()
		if _, err := Do(c, req); err == nil || !strings.Contains(err.Error(), "address refused") ||
			time.Since(began) > 300*time.Millisecond {
			t.Errorf("%s: got %v", at, err)
		}
	}
	if asked != 0 {
		t.Error("it was asked")
	}
}

func TestARedirectIsNotLessSafe(t *testing.T) {
	t.Parallel()
	s := scripted(answer(302, "", "Location", "http://api.example.org/plain"))
	c := NewForeignClient(Options{Now: time.Now, Base: s}, false)
	if _, err := get(t, c); err == nil || !strings.Contains(err.Error(), "from https to http") || len(s.asked) != 1 { //nolint:bodyclose // no body
		t.Errorf("got %v", err)
	}
}

// A public host that sends on to a private address is not followed there: what counts is the address that is dialled.
func TestARedirectToAPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	asked := 0
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer private.Close()
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "localhost"} {
		c := NewForeignClient(Options{Now: time.Now, Attempts: 1}, false)
		inner := c.Transport.(foreign).t.o.Base //nolint:forcetypeassert // it is made so
		c.Transport.(foreign).t.o.Base = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "public.example.org" {
				return answer(302, "", "Location", strings.Replace(private.URL, "127.0.0.1", host, 1)+"/metadata")(r)
			}
			return inner.RoundTrip(r)
		})
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://public.example.org/file", nil)
		if _, err := Do(c, req); err == nil || !strings.Contains(err.Error(), "is not a public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked != 0 {
		t.Error("it was asked")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
