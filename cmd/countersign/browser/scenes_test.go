package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// within is how long a scene waits for what it does not measure.
const within = 30 * time.Second

// scenes are what people do on the pages.
func (s *stage) scenes(t *testing.T) {
	for name, scene := range map[string]func(*testing.T){
		"back through three filters": s.backThroughFilters, "a list to its end and back": s.listToItsEnd,
		"ask now": s.askNow, "find": s.find, "a list as a file": s.exported,
		"a number that has changed": s.numberChanged, "release": s.release,
		"a refused callback": s.refusedCallback, "by the keyboard alone": s.byKeyboard, "on paper": s.onPaper,
	} {
		t.Run(name, scene)
	}
	t.Run("a transaction followed by order", s.tracked)
	t.Run("a run to its end", s.runToItsEnd)
	t.Run("nine tabs, one stream", s.nineTabs) // from here on the table moves
	t.Run("a proxy that holds back", s.proxyHoldsBack)
	t.Run("a page that cannot be read", s.cannotBeRead)
	t.Run("the daemon begins anew", s.beginsAnew)
	t.Run("a refused callback is replayed", s.replayed)
}

func (s *stage) backThroughFilters(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	for _, path := range []string{"/transactions", "/transactions?status=completed", "/transactions?attention=true"} {
		b.open(path)
	}
	b.fill("#search", "nobody-of-this-name")
	b.until("a search as one types", `location.search.includes("search=nobody")`, within)
	for _, path := range []string{"/transactions?status=completed", "/transactions"} {
		b.back()
		b.until("back at "+path, fmt.Sprintf(`location.pathname + location.search === %q`, path), within)
	}
	b.nothingHeard()
}

func (s *stage) listToItsEnd(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	b.open("/transactions")
	seen := map[string]bool{}
	rows := func() {
		for _, id := range eval[[]string](b, `[...document.querySelectorAll("tr[data-row]")].map(r => r.dataset.row)`) {
			require.False(t, seen[id], "%s stands twice", id)
			seen[id] = true
		}
	}
	rows()
	pages := 0
	for eval[bool](b, `document.querySelector("a[rel=next]") !== null`) {
		b.click("a[rel=next]")
		rows()
		pages++
	}
	require.Equal(t, s.in.Rows(t), len(seen))
	require.Empty(t, b.violations(axe(t)))
	last := b.path()
	for range pages { // by the key, and below without script
		was := b.path()
		b.do(chromedp.KeyEvent("["))
		b.until("the page before", fmt.Sprintf(`location.pathname + location.search !== %q || !document.querySelector("a[rel=prev]")`, was), within)
		b.settle()
	}
	require.NotContains(t, b.path(), "cursor")
	b.nothingHeard()
	bare := s.tab(t, look{lang: "es", withoutScript: true})
	bare.open(last)
	for range pages {
		bare.click("a[rel=prev]")
	}
	require.Equal(t, "/transactions", bare.path())
}

// exported is the file that a list's page offers: it has the rows that the list says it has.
func (s *stage) exported(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	for _, list := range []string{"/transactions?status=completed", "/documents?state=stored", "/gaps?kind=missed&since=2000-01-01"} {
		b.open(list)
		require.Contains(t, b.text(), "Export")
		want := len(s.api(t, "/api/v1"+list+"&limit=1000"))
		require.NotZero(t, want, list)
		require.Equal(t, want, eval[int](b, `fetch([...document.querySelectorAll("a")].find(a => a.textContent === "NDJSON").href)
			.then(a => a.text()).then(text => text.split("\n").length - 1)`), list)
		b.nothingHeard()
	}
}

// tracked is who asked to follow a transaction: its page says so.
func (s *stage) tracked(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	b.open("/accounts/" + simulator.AccountOneSpan + "/track")
	b.fill("#sheet textarea", "asked-for-by-hand")
	b.click("#sheet .main-act")
	require.Equal(t, "/accounts/"+simulator.AccountOneSpan+"/transactions/asked-for-by-hand", b.path())
	require.Contains(t, b.text(), "followed by order")
	require.Contains(t, b.text(), "local, an operator, said so")
	b.nothingHeard()
}

func (s *stage) askNow(t *testing.T) {
	path := s.row(t, "/api/v1/transactions?status=in_progress")
	b := s.tab(t, look{lang: "en"})
	b.open(path)
	b.press(`button[data-key=p]`)
	b.until("a dialog with the safe answer in focus", `document.activeElement?.matches("#dialog [data-safe]")`, within)
	require.Empty(t, b.violations(axe(t)))
	b.press(`#dialog .main-act`)
	b.until("a receipt", `document.querySelector("#receipt").innerText.includes("run")`, within)
	require.NotEmpty(t, s.api(t, "/api/v1/runs?kind=ref"))
	b.until("the run's end", `!document.querySelector("#receipt [data-run]") ||
		["done", "partial"].includes(document.querySelector("#receipt [data-run]").dataset.state)`, within)
	b.nothingHeard()

	bare := s.tab(t, look{lang: "en", withoutScript: true})
	bare.open(path)
	bare.click(`button[data-key=p]`)
	require.Contains(t, bare.path(), "/transactions/ask?")
	bare.click(`#sheet .main-act`)
	require.Contains(t, bare.path(), path)
	require.Contains(t, bare.text(), "run")
}

func (s *stage) numberChanged(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	before := len(s.api(t, "/api/v1/runs?limit=1000"))
	b.open("/transactions?status=in_progress")
	b.press(`#bulk button[value=all]`)
	b.until("a dialog", `document.querySelector("#dialog .main-act")`, within)
	fits := eval[int](b, `(() => { const n = document.querySelector("#dialog input[name=count]"); const was = Number(n.value); n.value = was + 1; return was })()`)
	b.press(`#dialog .main-act`)
	b.until("a word that the number is another", fmt.Sprintf(`document.querySelector("#dialog #sheet-title") &&
		document.querySelector("#dialog").innerText.includes("%d") && !document.querySelector("#dialog input[name=count]")`, fits), within)
	require.Contains(t, eval[string](b, `document.querySelector("#dialog").innerText`), "fits another number now")
	b.mu.Lock()
	require.Contains(t, b.asked, "409 /transactions/ask")
	b.mu.Unlock()
	require.Equal(t, before, len(s.api(t, "/api/v1/runs?limit=1000")), "nothing was asked")
	require.Empty(t, b.violations(axe(t)))
	b.click(`#dialog a[data-safe]`)
	require.Equal(t, "/transactions?status=in_progress", b.path(), "the list again")
	b.press(`#bulk button[value=all]`)
	b.until("the number that fits", fmt.Sprintf(`document.querySelector("#dialog input[name=count]")?.value === "%d"`, fits), within)
}

func (s *stage) release(t *testing.T) {
	id := s.first(t, "/api/v1/documents?state=quarantined&signature=altered", "id")
	b := s.tab(t, look{lang: "en"})
	b.open("/documents/" + id)
	b.press(`form[action$="/release"] button`)
	b.until("a dialog", `document.querySelector("#dialog input[name=reason]")`, within)
	b.fill(`#dialog input[name=reason]`, "compared with the paper")
	b.press(`#dialog .main-act`)
	installtest.Eventually(t, "a file that is stored", func() bool {
		code, text := s.in.Looked(t, "/api/v1/documents?state=stored&limit=1000", "", "")
		return code == http.StatusOK && strings.Contains(text, id)
	})
	b.open("/documents/" + id)
	require.Contains(t, b.text(), "compared with the paper")
}

func (s *stage) refusedCallback(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	b.open("/callbacks?verdict=refused")
	b.click("tr a[data-open], tbody th a, tbody a")
	require.Contains(t, b.path(), "/callbacks/c")
	require.NotEmpty(t, eval[string](b, `document.querySelector("#explain + *").innerText`))
	b.press(`form[action$="/replay"] button`)
	b.until("what would come of it", `document.querySelector("#dialog #sheet-title")`, within)
	require.Empty(t, b.violations(axe(t)))
	b.nothingHeard()
}

func (s *stage) byKeyboard(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	b.open("/")
	key := func(keys string) {
		t.Helper()
		b.do(chromedp.KeyEvent(keys))
	}
	key("g")
	key("t")
	b.until("the list", `location.pathname === "/transactions" && document.readyState === "complete"`, within)
	key("j")
	key("j")
	key("k")
	b.until("a row in focus", `document.activeElement?.matches("tr.cursor [data-open]")`, within)
	key("x")
	b.until("a tick", `document.querySelectorAll("[data-tick]:checked").length === 1`, within)
	key("x")
	key(kb.Enter)
	b.until("a transaction", `/\/transactions\/|\/find/.test(location.pathname) && document.readyState === "complete"`, within)
	b.open(s.row(t, "/api/v1/transactions?status=in_progress"))
	key("p")
	b.until("a dialog", `document.activeElement?.matches("#dialog [data-safe]")`, within)
	key(kb.Escape)
	b.until("no dialog, and the focus where it was", `!document.querySelector("#dialog") && document.activeElement?.matches("[data-key=p]")`, within)
	key("?")
	b.until("the keys", `document.querySelector("#dialog")`, within)
}

func (s *stage) onPaper(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	path := s.row(t, "/api/v1/transactions?status=completed")
	b.open(path + "?view=evidence")
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	require.NoError(t, err)
	require.Greater(t, len(pdf), 5000)
	require.Regexp(t, `[0-9a-f]{64}`, b.text(), "the whole hash of a file")
}

// tell sends a callback of OneSpan about a new transaction.
func (s *stage) tell(t *testing.T, ref string) {
	t.Helper()
	key, _ := s.svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	code, text := s.in.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
		installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
	require.Equal(t, http.StatusOK, code, text)
}

// A change is seen in nine tabs within two seconds, and they share one stream.
func (s *stage) nineTabs(t *testing.T) {
	first := s.tab(t, look{lang: "en"})
	tabs := []*tab{first}
	first.open("/transactions")
	for range 8 {
		c := first.beside(look{lang: "en"})
		c.open("/transactions")
		tabs = append(tabs, c)
	}
	for i, b := range tabs {
		b.until(fmt.Sprint("a stream in tab ", i), `document.querySelector("#live").textContent !== ""`, within)
	}
	s.tell(t, "live-1")
	began := time.Now()
	for i, b := range tabs {
		b.until(fmt.Sprint("tab ", i, " tells of it"), `document.querySelector("#more-rows")?.hidden === false || document.hidden`, within)
	}
	t.Logf("nine tabs told after %s", time.Since(began).Round(10*time.Millisecond))
	streams := 0
	for _, b := range tabs {
		b.mu.Lock()
		for _, asked := range b.asked {
			if strings.HasSuffix(asked, " /live") {
				streams++
			}
		}
		b.mu.Unlock()
	}
	require.LessOrEqual(t, streams, 1, "no tab has a stream of its own")
}

// holding is a proxy that holds streams back until they end.
func (s *stage) holding(t *testing.T) string {
	u, err := url.Parse(s.base())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
			<-r.Request.Context().Done()
		}
		return nil
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

func (s *stage) proxyHoldsBack(t *testing.T) {
	b := newTab(s.browser, t, s.holding(t), look{lang: "en"})
	b.open("/transactions")
	took := b.until("a word that it asks every ten seconds", `document.querySelector("#live").textContent === document.querySelector("#live").dataset.every`, within)
	t.Logf("fell back after %s", took.Round(100*time.Millisecond))
	s.tell(t, "live-2")
	b.until("what has changed", `document.querySelector("#more-rows")?.hidden === false`, within)
}

// cannotBeRead has what a page asks for by itself fail: what stands there stays, dimmed, says since when and why, and is
// read again once it can be.
func (s *stage) cannotBeRead(t *testing.T) {
	u, err := url.Parse(s.base())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(u)
	var locked atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if locked.Load() && r.Header.Get("Countersign-Background") != "" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `<div data-reason="database is <b>locked</b> $&"></div>`) //nolint:errcheck // the browser may be gone
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	b := newTab(s.browser, t, srv.URL, look{lang: "en"})
	b.open("/transactions")
	b.until("a stream", `document.querySelector("#live").textContent !== ""`, within)
	rows := eval[int](b, `document.querySelectorAll("tr[data-row]").length`)
	locked.Store(true)
	s.tell(t, "live-4")
	b.until("a bar that says why", `/^As of .*, cannot be read now: database is <b>locked<.b> \$&. Trying again.$/.test(`+
		`document.querySelector("#offline").textContent) && document.querySelector("#offline").checkVisibility()`, within)
	require.True(t, eval[bool](b, `document.querySelector("#main").matches(".stale")`))
	require.Equal(t, rows, eval[int](b, `document.querySelectorAll("tr[data-row]").length`))
	locked.Store(false)
	b.until("no bar", `!document.querySelector("#offline").checkVisibility() && !document.querySelector("#main.stale")`, within)
	b.until("what has changed", `document.querySelector("#more-rows")?.hidden === false`, within)
}

func (s *stage) beginsAnew(t *testing.T) {
	b := s.tab(t, look{lang: "en"})
	b.open("/transactions")
	b.until("a stream", `document.querySelector("#live").textContent !== ""`, within)
	require.Zero(t, s.stop())
	b.until("a bar that says so", `document.querySelector("#offline").checkVisibility()`, within)
	s.stop = s.in.Daemon(s.t)
	b.until("no bar", `!document.querySelector("#offline").checkVisibility()`, within)
	s.tell(t, "live-3")
	b.until("what has changed", `document.querySelector("#more-rows")?.hidden === false`, within)
}
