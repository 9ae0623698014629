package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
	"countersign/worker/console/login/logintest"
)

// guarded is a daemon whose console wants a login.
func guarded(t *testing.T, console string) *stage {
	t.Helper()
	s := &stage{t: t, browser: chromium(t)}
	s.svc = installtest.PlayServices(t, simulator.Options{Seed: 7, Transactions: 6, BornBefore: 6, QuotaScale: 100})
	s.in = installtest.Install(t, s.svc, 1)
	s.in.Edit(t, `console: \{ address: ("[^"]*") \}`, "console: { address: $1, "+strings.ReplaceAll(console, "BASE", s.base())+" }")
	s.stop = s.in.Daemon(t, "--backfill", "30d")
	return s
}

func TestLogInByToken(t *testing.T) {
	t.Parallel()
	s := guarded(t, `token: config-token-for-the-browser`)
	token := strings.TrimSpace(s.in.Said(t, "token", "add", "ana"))
	token = token[strings.Index(token, "cs_"):]
	token, _, _ = strings.Cut(token, "\n")
	b := s.tab(t, look{lang: "en"})
	require.Equal(t, 200, b.open("/transactions?status=draft"))
	require.Equal(t, "/login?next=%2Ftransactions%3Fstatus%3Ddraft", b.path())
	require.Empty(t, b.violations(axe(t)))
	b.nothingHeard()

	b.fill("#token", "cs_mistyped")
	b.click("#login button")
	require.Equal(t, "/login", b.path())
	require.Contains(t, b.text(), "This token is not known")
	require.Empty(t, b.violations(axe(t)))
	b.quiet() // the browser tells of 401

	b.fill("#token", strings.TrimSpace(token))
	b.click("#login button")
	require.Equal(t, "/transactions?status=draft", b.path())
	b.nothingHeard()
	require.NotContains(t, eval[string](b, `document.cookie`), "countersign=", "no script reads the session")
	require.Contains(t, eval[string](b, `document.cookie`), "countersign-ends=")

	// It is over: the next page leads to the login and back.
	s.in.Write(t, `UPDATE sessions SET expires_at = 0`)
	b.open("/transactions?status=completed")
	require.Equal(t, "/login?next=%2Ftransactions%3Fstatus%3Dcompleted", b.path())
	b.fill("#token", strings.TrimSpace(token))
	b.click("#login button")
	require.Equal(t, "/transactions?status=completed", b.path())

	// Nobody sees the pages of whoever has logged out.
	b.open("/transactions?status=expired")
	b.click("#logout")
	require.Equal(t, "/login", b.path())
	eval[bool](b, `window.left = true`)
	b.back()
	b.until("a login in the place of the page", `!window.left && location.pathname === "/login"`, 10*time.Second)
	require.NotContains(t, b.text(), "Transactions")
}

// Two minutes before its end the session's person is told, and may stay.
func TestTheEndOfASessionIsTold(t *testing.T) {
	t.Parallel()
	s := guarded(t, `token: config-token-for-the-browser`)
	b := s.tab(t, look{lang: "en"})
	b.open("/login?next=/transactions")
	b.fill("#token", "config-token-for-the-browser")
	b.click("#login button")
	require.False(t, eval[bool](b, `document.querySelector("#session").checkVisibility()`))
	eval[string](b, `document.cookie = "countersign-ends=" + Math.floor(Date.now() / 1000 + 100)`)
	b.until("a word of the end", `document.querySelector("#session").checkVisibility()`, 10*time.Second)
	require.Contains(t, b.text(), "Your session ends in two minutes.")
	require.Equal(t, 1, eval[int](b, `document.querySelectorAll("[role=alert]").length`), "in one place")
	require.Empty(t, b.violations(axe(t)))
	s.in.Write(t, `UPDATE sessions SET expires_at = expires_at - 7000000`)
	eval[string](b, fmt.Sprintf(`document.cookie = "countersign-ends=" + %d`, time.Now().Add(time.Second).Unix()))
	b.until("a word that it is over", `document.querySelector("#session").innerText.includes("is over")`, 15*time.Second)
}

func TestLogInThroughAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := logintest.New(t, time.Now)
	issuer.Ask = true
	s := guarded(t, fmt.Sprintf(`url: "BASE", oidc: { issuer: %q, client_id: %q, client_secret: %q, operators: [ops], readers: [all] }`,
		issuer.URL, logintest.ClientID, logintest.ClientSecret))
	b := s.tab(t, look{lang: "es"})
	b.open("/transactions")
	b.nothingHeard()
	b.click("#issuer")
	require.True(t, strings.HasPrefix(eval[string](b, `location.href`), issuer.URL+"/authorize?"))
	issuer.Be("u-1", map[string]any{"groups": []string{"other"}, "preferred_username": "ana"})
	b.click("#yes")
	require.Equal(t, "/login/callback", eval[string](b, `location.pathname`))
	require.Contains(t, b.text(), "Se le conoce como ana")
	require.Empty(t, b.violations(axe(t)))

	issuer.Be("u-1", map[string]any{"groups": []string{"all"}, "preferred_username": "ana"})
	b.click("#issuer")
	b.quiet()
	b.click("#yes")
	require.Equal(t, "/transactions", b.path())
	b.nothingHeard()
	require.Contains(t, b.text(), "ana")
	require.Equal(t, 403, eval[int](b, `fetch("/api/v1/accounts/sim-onespan/poll", {method: "POST"}).then(r => r.status)`))
}

// What pages of others can do to whoever is logged in.
func TestPagesOfOthers(t *testing.T) {
	t.Parallel()
	s := guarded(t, `token: config-token-for-the-browser`)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>evil</title><form method="post" action="%s%s"><button id="go">Go</button></form>
<iframe src="%s/transactions"></iframe>`, s.base(), r.URL.Path, s.base())
	}))
	t.Cleanup(evil.Close)
	b := s.tab(t, look{lang: "en"})
	b.open("/login?next=/transactions")
	b.fill("#token", "config-token-for-the-browser")
	b.click("#login button")
	for _, path := range []string{"/logout", "/login", "/views", "/preferences", "/api/v1/accounts/sim-onespan/poll"} {
		there := newTabAt(b, evil.URL+path)
		resp, err := chromedp.RunResponse(there.ctx, chromedp.Click(chromedp.CSS("#go")))
		require.NoError(t, err)
		require.EqualValues(t, 403, resp.Status, path)
	}
	framed := newTabAt(b, evil.URL+"/logout")
	require.Zero(t, eval[int](framed, `document.querySelector("iframe").contentDocument === null ? 0 : 1`))
	framed.mu.Lock()
	require.Contains(t, strings.Join(framed.said, "\n"), "frame-ancestors")
	framed.mu.Unlock()
	require.Equal(t, 200, b.open("/transactions"))
	require.Equal(t, "/transactions", b.path(), "whoever was logged in still is")
}

// newTabAt is another tab of the same browser at an address of somebody else.
func newTabAt(b *tab, address string) *tab {
	c := b.beside(look{lang: "en"})
	_, err := chromedp.Run(c.ctx, chromedp.NavigateResponse(address))
	require.NoError(b.t, err)
	c.settle()
	return c
}

// A foreign name that leads to this machine reads nothing.
func TestAForeignNameIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := guarded(t, `url: ""`)
	_, port, _ := strings.Cut(s.in.Console, ":")
	b := newTab(s.browser, t, "http://console.test:"+port, look{lang: "en"})
	for _, path := range []string{"/transactions", "/api/v1/transactions", "/metrics", "/healthz"} {
		require.Equal(t, 421, b.open(path), path)
	}
	resp, err := http.Get("http://" + s.in.Console + "/healthz") //nolint:noctx // loopback
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "ok\n", string(text))
}
