package console

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model/store"
	"countersign/worker/console/access"
)

// browser is somebody's browser, as far as cookies and redirects go.
type browser struct {
	t    *testing.T
	jar  http.CookieJar
	base string
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, jar, base}
}

// answered is what a browser was answered.
type answered struct {
	*http.Response
	body string
}

// ask sends one request; form is what is posted, nil: nothing.
func (b *browser) ask(address string, form url.Values, headers ...string) answered {
	b.t.Helper()
	method, body := "GET", io.Reader(nil)
	if form != nil {
		method, body = "POST", strings.NewReader(form.Encode())
	}
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	require.NoError(b.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	c := http.Client{Jar: b.jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return answered{resp, string(text)}
}

// follow follows redirects from an address to a page.
func (b *browser) follow(address string) answered {
	b.t.Helper()
	for range 10 {
		p := b.ask(address, nil)
		if p.StatusCode != http.StatusSeeOther {
			return p
		}
		to, err := p.Request.URL.Parse(p.Header.Get("Location"))
		require.NoError(b.t, err)
		address = to.String()
	}
	b.t.Fatal("the redirects do not end")
	return answered{}
}

func (b *browser) cookies() map[string]string {
	u, err := url.Parse(b.base)
	require.NoError(b.t, err)
	all := map[string]string{}
	for _, c := range b.jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}

func TestLogInByToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	token := d.token("ana", access.Operate)
	b := newBrowser(t, d.URL)
	p := b.ask("/?a=b&c=d", nil)
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, "/login?next="+url.QueryEscape("/?a=b&c=d"), p.Header.Get("Location"))
	require.Equal(t, 401, b.ask("/api/v1/status", nil).StatusCode, "what is no page is no redirect")
	require.Equal(t, 401, b.ask("/", nil, "Authorization", "Basic x").StatusCode)
	p = b.follow("/?a=b&c=d")
	require.Contains(t, p.body, `name="next" value="/?a=b&amp;c=d"`)
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))

	p = b.ask("/login", url.Values{"token": {token[:50] + "xx"}, "next": {"/"}})
	require.Equal(t, 401, p.StatusCode)
	require.NotContains(t, p.body, token[:50])
	require.Empty(t, b.cookies())
	p = b.ask("/login", url.Values{"token": {token}, "next": {"/?a=b"}})
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, "/?a=b", p.Header.Get("Location"))
	set := p.Header.Values("Set-Cookie")
	require.Len(t, set, 2)
	for _, part := range []string{"countersign=", "HttpOnly", "SameSite=Lax", "Path=/;", "Max-Age=72"} {
		require.Contains(t, set[0], part)
	}
	require.NotContains(t, set[0], "Domain")
	require.NotContains(t, set[0], "Secure", "it is plain http")
	require.NotContains(t, set[1], "HttpOnly", "the page's script reads when the session ends")
	require.Equal(t, 200, b.ask("/", nil).StatusCode)
	require.Equal(t, 202, b.ask("/api/v1/accounts/sales/poll", url.Values{}, "Content-Type", "application/json").StatusCode)
	require.Contains(t, d.asked, `tiers by operator ana sales ["active" "idle" "audit"]`)

	require.Equal(t, 401, newBrowser(t, d.URL).ask("/login", url.Values{"token": {""}}).StatusCode)
	c := newBrowser(t, d.URL)
	require.Equal(t, 303, c.ask("/login", url.Values{"token": {"config-token"}}).StatusCode)
	require.Equal(t, 200, c.ask("/", nil).StatusCode)

	removed, err := d.store.RemoveConsoleToken(t.Context(), "ana")
	require.NoError(t, err)
	require.True(t, removed)
	require.Eventually(t, func() bool { return b.ask("/", nil).StatusCode == 303 }, 5*time.Second, 50*time.Millisecond,
		"a session is over with its token")
	require.Equal(t, 200, c.ask("/", nil).StatusCode)
}

func TestASessionIsRenewedAtLoginAndOverAtLogout(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	b := newBrowser(t, d.URL)
	u, err := url.Parse(d.URL)
	require.NoError(t, err)
	planted := strings.Repeat("A", 43)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "countersign", Value: planted, Path: "/"}})
	in := url.Values{"token": {"config-token"}}
	require.Equal(t, 303, b.ask("/login", in).StatusCode)
	first := b.cookies()["countersign"]
	require.NotEqual(t, planted, first, "an id that somebody else has set is not taken over")
	require.Equal(t, 303, b.ask("/login", in).StatusCode)
	second := b.cookies()["countersign"]
	require.NotEqual(t, first, second)
	with := func(id string) int {
		c := newBrowser(t, d.URL)
		c.jar.SetCookies(u, []*http.Cookie{{Name: "countersign", Value: id, Path: "/"}})
		return c.ask("/", nil).StatusCode
	}
	require.Equal(t, []int{303, 303, 200}, []int{with(planted), with(first), with(second)})

	require.Equal(t, 405, b.ask("/logout", nil).StatusCode, "no link logs anybody out")
	p := b.ask("/logout", url.Values{}, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, p.StatusCode)
	p = b.ask("/logout", url.Values{})
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, `"cache"`, p.Header.Get("Clear-Site-Data"))
	require.Empty(t, b.cookies())
	require.Equal(t, 303, with(second))
	require.Equal(t, 303, b.ask("/logout", url.Values{}).StatusCode, "twice is once")
}

func TestTheTableHasNoIDOfASession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	b := newBrowser(t, d.URL)
	b.ask("/login", url.Values{"token": {"config-token"}})
	id := b.cookies()["countersign"]
	require.NotEmpty(t, id)
	_, found, err := d.store.Session(t.Context(), id)
	require.NoError(t, err)
	require.False(t, found)
	files, err := filepath.Glob(filepath.Join(d.folder, "x.db*"))
	require.NoError(t, err)
	for _, f := range files {
		require.NotContains(t, string(read(t, f)), id)
		require.NotContains(t, string(read(t, f)), "config-token")
	}
}

// A session lasts two hours after the last thing its person did, and twelve at most; what a page asks for by itself does
// not count, and a session that was ended is not brought back by what was under way.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		defer s.Close() //nolint:errcheck // nothing is left in it
		srv := newServer(t, Options{Address: "127.0.0.1:1", Token: "config-token", Store: s})
		ask := func(method, path, cookie, body string, headers ...string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Host = "localhost"
			if body != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if cookie != "" {
				r.AddCookie(&http.Cookie{Name: "countersign", Value: cookie})
			}
			for i := 0; i < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			w := httptest.NewRecorder()
			srv.Handler().ServeHTTP(w, r)
			return w
		}
		cookie := func(w *httptest.ResponseRecorder, name string) string {
			for _, c := range w.Result().Cookies() {
				if c.Name == name {
					return c.Value
				}
			}
			return ""
		}
		in := func() string { return cookie(ask("POST", "/login", "", "token=config-token"), "countersign") }

		id := in()
		for range 5 {
			time.Sleep(2*time.Hour - time.Minute)
			w := ask("GET", "/", id, "")
			require.Equal(t, 200, w.Code)
			ends, err := strconv.ParseInt(cookie(w, access.EndsCookie), 10, 64)
			require.NoError(t, err)
			require.WithinRange(t, time.Unix(ends, 0), time.Now().Add(time.Hour), time.Now().Add(access.IdleFor))
			require.Empty(t, cookie(ask("GET", "/", id, ""), access.EndsCookie), "not written twice in a minute")
		}
		time.Sleep(2*time.Hour + 6*time.Minute)
		require.Equal(t, 303, ask("GET", "/", id, "").Code, "twelve hours are over")

		id = in()
		time.Sleep(access.IdleFor - time.Minute)
		require.Equal(t, 200, ask("GET", "/", id, "", access.BackgroundHeader, "1").Code)
		time.Sleep(time.Minute + time.Second)
		require.Equal(t, 303, ask("GET", "/", id, "").Code, "two hours without anything that somebody did")

		id = in()
		time.Sleep(time.Hour)
		require.Equal(t, 200, ask("GET", "/", id, "").Code)
		require.Equal(t, 303, ask("POST", "/logout", id, "").Code)
		time.Sleep(2 * time.Minute)
		require.Equal(t, 303, ask("GET", "/", id, "").Code)
	})
}

func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	token := d.token("ana", access.Read)
	b := newBrowser(t, d.URL)
	codes := map[int]int{}
	for i := range 130 {
		codes[b.ask("/login", url.Values{"token": {"guess-" + strconv.Itoa(i)}}).StatusCode]++
	}
	require.Positive(t, codes[429], codes)
	require.LessOrEqual(t, codes[401], 2*60)
	require.Equal(t, 303, b.ask("/login", url.Values{"token": {token}}).StatusCode, "a token of ours is no guess")
}

func TestOnlyOurAddressesAreComeBackTo(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/": "/", "/transactions?status=completed&search=a%2Fb": "/transactions?status=completed&search=a%2Fb",
		"/accounts/sales/transactions/a%2Fb?show=all": "/accounts/sales/transactions/a%2Fb?show=all", "/a#b": "/a",
		"": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "/%5Cevil.example": "/",
		"/%2Fevil.example": "/", "https://evil.example/": "/", "https:/evil.example": "/", "javascript:alert(1)": "/",
		"/\t/evil.example": "/", "/\n/evil.example": "/", " //evil.example": "/", "evil.example": "/", "?x": "/",
		"/login": "/", "/login/oidc?next=/": "/", "/logout": "/", "///evil.example": "/", "/a\x00": "/", "/%00": "/",
		"/" + strings.Repeat("a", 3000): "/", "http:evil.example": "/", "/.//evil.example": "/",
	} {
		require.Equal(t, want, access.Local(address), address)
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("/a?b=c#d")
	f.Add("/\\evil.example")
	f.Fuzz(func(t *testing.T, address string) {
		got := access.Local(address)
		base, err := url.Parse("https://ours.example/page")
		require.NoError(t, err)
		to, err := base.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "https://ours.example", to.Scheme+"://"+to.Host)
		require.False(t, got[0] != '/' || len(got) > 1 && (got[1] == '/' || got[1] == '\\'), got)
		require.False(t, strings.ContainsAny(got, "\r\n\t\\"), got)
	})
}

func TestTheConsoleAnswersToItsNames(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	u, err := url.Parse("https://sign.example.com")
	require.NoError(t, err)
	srv := newServer(t, Options{Address: "0.0.0.0:1", Token: "config-token", URL: u, Store: s})
	for host, want := range map[string]int{"sign.example.com": 303, "SIGN.example.com:443": 303, "localhost:8080": 303,
		"127.0.0.1": 303, "10.0.0.7:8080": 303, "[fd00::1]:8080": 303, "sign.example.com:8443": 421, "evil.example": 421,
		"sign.example.com.evil.example": 421, "": 421} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "sign.example.com")
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, r)
		require.Equal(t, want, w.Code, host)
		require.NotContains(t, w.Body.String()+w.Header().Get("Location"), "evil", "nothing is made of the name")
		r.Header.Set("Authorization", "Bearer config-token")
		w = httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, r)
		require.Equal(t, 200, w.Code, "a program may call us as it likes: %s", host)
	}
	r := httptest.NewRequest("POST", "/login", strings.NewReader("token=config-token"))
	r.Host = "sign.example.com"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	srv.Handler().ServeHTTP(w, r)
	require.Equal(t, 303, w.Code)
	require.True(t, strings.HasPrefix(w.Header().Get("Set-Cookie"), "__Host-countersign="), w.Header())
	require.Contains(t, w.Header().Get("Set-Cookie"), "; Secure")
	for origin, want := range map[string]int{"https://sign.example.com": 303, "http://sign.example.com": 303,
		"https://evil.example": 403, "null": 403} {
		r := httptest.NewRequest("POST", "/logout", nil)
		r.Host, r.Header = "sign.example.com", http.Header{"Origin": {origin}}
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, r)
		require.Equal(t, want, w.Code, origin)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return text
}

// openStore is an empty table.
func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db"),
		Key: bytes.Repeat([]byte{1}, 32), Now: time.Now})
	require.NoError(t, err)
	_, _, err = s.Migrate(t.Context())
	require.NoError(t, err)
	return s
}
