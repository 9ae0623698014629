package console

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/model/store"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
)

// browses asks a console as a browser does, or as a program where accept is another.
func browses(h http.Handler, method, path, host, accept string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	r.Header.Set("Accept", accept)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const asBrowser = "text/html,application/xhtml+xml,*/*;q=0.8"

// What is refused on the way to a page is a page like the others to browsers, and JSON to whoever else asks.
func TestRefusalsArePages(t *testing.T) {
	t.Parallel()
	open, shut := newDesk(t, "").server.Handler(), newDesk(t, "secret").server.Handler()
	for name, c := range map[string]struct {
		handler                http.Handler
		method, path, host, es string
		status                 int
		header                 []string
		menu                   bool
	}{
		"not found":           {open, "GET", "/nothing/here", "localhost", "No existe", 404, nil, true},
		"not found, by whom?": {shut, "GET", "/nothing/here", "localhost", "No existe", 404, nil, false},
		"method":              {open, "DELETE", "/gaps", "localhost", "no se puede hacer aquí", 405, nil, true},
		"name":                {open, "GET", "/", "example.org", "otros nombres", 421, nil, false},
		"origin": {open, "POST", "/preferences", "localhost", "no tiene permiso", 403,
			[]string{"Sec-Fetch-Site", "cross-site"}, true},
		"nobody":  {shut, "GET", "/metrics", "localhost", "Inicie sesión", 401, nil, false},
		"problem": {open, "GET", "/problems/none", "localhost", "No existe", 404, nil, true},
	} {
		w := browses(c.handler, c.method, c.path, c.host, asBrowser, append(c.header, "Cookie", "cs_lang=es")...)
		text := w.Body.String()
		require.Equal(t, c.status, w.Code, name)
		require.Equal(t, look.Policy, w.Header().Get("Content-Security-Policy"), name)
		require.Contains(t, w.Header().Get("Content-Type"), "text/html", name)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
		require.Contains(t, text, w.Header().Get("X-Request-Id"), name)
		require.Contains(t, strings.ToLower(text), strings.ToLower(c.es), name)
		require.Equal(t, c.menu, strings.Contains(text, "data-nav="), name)
		require.Equal(t, c.menu, strings.Contains(text, "<title>("), "%s: how many incidents are open", name)
		require.Equal(t, c.status == 401, strings.Contains(text, `href="/login"`), name)
		checkPage(t, c.path, "es", text)

		for _, program := range [][]string{{"Accept", "application/json"}, {"Authorization", "Bearer x"}} {
			w := browses(c.handler, c.method, c.path, c.host, asBrowser, append(c.header, program...)...)
			require.GreaterOrEqual(t, w.Code, 400, name)
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), name)
		}
	}
	require.Equal(t, "application/problem+json", browses(shut, "GET", "/api/v1/status", "localhost", asBrowser).Header().
		Get("Content-Type"), "the API answers with JSON alone")
}

// Each problem is explained on a page.
func TestProblemsAreExplained(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	r := d.page("/problems/too-many", "Accept", asBrowser)
	require.Equal(t, 200, r.StatusCode)
	text := bodyOf(t, r)
	require.Contains(t, text, "<h1 id=\"sheet-title\">Too many requests</h1>")
	require.Contains(t, text, "<code>too-many</code>")
	require.NotContains(t, text, "Try again</a>")
}

// Whoever asks too much reads why, and when to try again.
func TestTooManyIsAPage(t *testing.T) {
	t.Parallel()
	h := newDesk(t, "").server.Handler()
	w := browses(h, "GET", "/keys", "localhost", asBrowser)
	for n := 0; w.Code == 200 && n < 1300; n++ {
		w = browses(h, "GET", "/keys", "localhost", asBrowser)
	}
	require.Equal(t, 429, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "<h1 id=\"sheet-title\">Too many requests</h1>")
}

// What cannot answer now says why to whoever may know, and asks again by itself; so does what is being stopped.
func TestUnavailablePagesRenew(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, func(o *Options, _ string) {
		o.Checks = []Check{{Name: "database", Fatal: true, Check: func(context.Context) error { return errors.New("disk <full>") }},
			{Name: "config", Check: func(context.Context) error { return errors.New("line 3") }}}
		o.Acts.Accounts = func(context.Context) ([]objects.Account, error) { return nil, store.ErrUnavailable }
	})
	w := browses(d.server.Handler(), "GET", "/accounts", "localhost", asBrowser)
	require.Equal(t, 503, w.Code, w.Body)
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	require.Equal(t, "5", w.Header().Get("Refresh"))
	require.Contains(t, w.Body.String(), "database: disk &lt;full&gt;")
	require.Contains(t, w.Body.String(), `data-reason="database: disk &lt;full&gt;"`)
	require.NotContains(t, w.Body.String(), "line 3")
	require.Contains(t, w.Body.String(), "asks again by itself")

	gone := newDesk(t, "")
	require.NoError(t, gone.store.Close())
	w = browses(gone.server.Handler(), "GET", "/gaps", "localhost", asBrowser)
	require.Equal(t, 503, w.Code, "nobody can say whether there are tokens: %s", w.Body)
	require.Equal(t, "5", w.Header().Get("Refresh"))
	require.NotContains(t, w.Body.String(), "data-nav=")

	shut := newDesk(t, "secret")
	shut.server.stopping.Store(true)
	w = browses(shut.server.Handler(), "GET", "/gaps", "localhost", asBrowser, "Cookie", "cs_lang=es")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "5", w.Header().Get("Refresh"))
	require.Contains(t, w.Body.String(), "El servicio se está deteniendo.")
	w = browses(shut.server.Handler(), "POST", "/preferences", "localhost", asBrowser)
	require.Equal(t, 503, w.Code)
	require.Empty(t, w.Header().Get("Refresh"), "what was sent is not asked for")
	w = browses(shut.server.Handler(), "GET", "/api/v1/status", "localhost", "*/*")
	require.Contains(t, w.Body.String(), "The daemon is stopping.")
	require.Equal(t, 200, browses(shut.server.Handler(), "GET", "/healthz", "localhost", "*/*").Code)
}
