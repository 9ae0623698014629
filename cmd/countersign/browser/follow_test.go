package browser

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// aName is the name of one transaction alone, and the page of that.
func (s *stage) aName(t *testing.T) (name, path string) {
	t.Helper()
	all := s.api(t, "/api/v1/transactions?limit=1000")
	for _, item := range all {
		name, ref := fmt.Sprint(item["name"]), fmt.Sprint(item["ref"])
		same := 0
		for _, other := range all {
			if strings.Contains(strings.ToLower(fmt.Sprint(other["name"])), strings.ToLower(name)) {
				same++
			}
		}
		if same == 1 && len(name) > 8 && len(name) < 100 && name != hostileName && !strings.ContainsAny(ref, "/%") {
			return name, "/accounts/" + fmt.Sprint(item["account"]) + "/transactions/" + url.PathEscape(ref)
		}
	}
	require.FailNow(t, "no name of one transaction alone")
	return "", ""
}

// find finds a transaction by its ref, by its name from any page, and by its name as one types in the list.
func (s *stage) find(t *testing.T) {
	path := s.row(t, "/api/v1/transactions?status=in_progress")
	_, ref, _ := strings.Cut(path, "/transactions/")
	b := s.tab(t, look{lang: "en"})
	b.open("/documents")
	b.fill("#find", ref+kb.Enter)
	b.until("the one with this ref", fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, path), within)
	b.open("/")
	name, sought := s.aName(t)
	b.fill("#find", name+kb.Enter)
	b.until("the one of this name", fmt.Sprintf(`location.pathname === %q && document.readyState === "complete"`, sought), within)

	b.open("/transactions")
	b.fill("#search", strings.ToLower(name))
	b.until("its row alone", fmt.Sprintf(`document.querySelectorAll("tr[data-row]").length === 1 &&
		document.querySelector("tr[data-row] [data-open]").getAttribute("href") === %q`, sought), within)
	b.nothingHeard()

	bare := s.tab(t, look{lang: "es", withoutScript: true})
	bare.open("/find?q=" + ref)
	require.Equal(t, path, bare.path())
}

// runToItsEnd asks an account, follows the run while the provider keeps its answers back, and sees it end. From then on
// its page asks for nothing.
func (s *stage) runToItsEnd(t *testing.T) {
	gate := make(chan struct{})
	s.svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
		alterSome(w, r, next)
	})
	letGo := sync.OnceFunc(func() { close(gate); s.svc.Through(alterSome) })
	t.Cleanup(letGo)

	b := s.tab(t, look{lang: "en"})
	b.open("/accounts/" + simulator.AccountOneSpan)
	b.press(`button[data-key=p]`)
	b.until("a dialog", `document.querySelector("#dialog .main-act")`, within)
	b.press(`#dialog .main-act`)
	b.until("a receipt", `document.querySelector("#receipt [data-run]")`, within)
	id := eval[string](b, `document.querySelector("#receipt [data-run]").dataset.run`)
	b.open("/runs")
	b.until("the run among those that are not done", fmt.Sprintf(`document.getElementById("now-" + %q)`, id), within)
	b.open("/runs/" + id)
	b.until("a run that goes on", `document.querySelector("#run[hx-get] #state").innerText.includes("running")`, within)
	require.Empty(t, b.violations(axe(t)))
	asked := func() (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, one := range b.asked {
			if strings.HasSuffix(one, " /runs/"+id) {
				n++
			}
		}
		return n
	}
	before := asked()
	installtest.Eventually(t, "a page that asks again", func() bool { return asked() > before })

	letGo()
	b.until("its end", `document.querySelector("#run:not([hx-get]) #state")?.innerText.includes("done")`, within)
	installtest.Eventually(t, "a page that asks no more", func() bool {
		before := asked()
		eval[bool](b, `new Promise(done => setTimeout(() => done(true), 4500))`)
		return asked() == before
	})
	b.nothingHeard()
}

// replayed: a callback that our key does not prove is taken once its key is known.
func (s *stage) replayed(t *testing.T) {
	const other = "the-key-of-tomorrow"
	code, _ := s.in.Post(simulator.AccountOneSpan, "application/json", "Basic "+other,
		installtest.OneSpanEvent("PACKAGE_CREATE", "replayed-1", time.Now()))
	require.NotEqual(t, http.StatusOK, code)
	b := s.tab(t, look{lang: "en"})
	path := "/callbacks/" + s.first(t, "/api/v1/callbacks?verdict=refused&account="+simulator.AccountOneSpan, "id")
	b.open(path)
	require.NotContains(t, eval[string](b, `document.querySelector("#explain").parentElement.innerText`), "callback_keys[0]")

	require.Zero(t, s.stop())
	s.in.Edit(t, `callback_key: `, "callback_keys: ["+other+"]\n      callback_key: ")
	s.stop = s.in.Daemon(s.t)
	b.open(path)
	require.Contains(t, eval[string](b, `document.querySelector("#explain").parentElement.innerText`), "callback_keys[0]")
	b.press(`form[action$="/replay"] button`)
	b.until("what would come of it", `document.querySelector("#dialog #sheet-title")`, within)
	require.Contains(t, eval[string](b, `document.querySelector("#dialog").innerText`), "accepted")
	b.press(`#dialog .main-act`)
	b.until("a callback that was accepted", `!document.querySelector("#dialog") && document.readyState === "complete" &&
		document.querySelector(".head").innerText.includes("accepted")`, within)
	require.Equal(t, path, b.path())
	b.open("/accounts/" + simulator.AccountOneSpan + "/transactions/replayed-1")
	require.Contains(t, b.text(), "replayed-1")
}

// exactTimes is the switch of the header: by its key, on a list whose filter was typed, and by a click without script.
func (s *stage) exactTimes(t *testing.T) {
	exact := `[...document.querySelectorAll("main td time")].every(e => /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}$/.test(e.textContent))`
	for _, lang := range []string{"en", "es"} {
		b := s.tab(t, look{lang: lang})
		b.open("/transactions?order=oldest")
		require.False(t, eval[bool](b, exact))
		require.LessOrEqual(t, eval[int](b, `document.querySelector("header nav").scrollWidth`),
			eval[int](b, `document.querySelector("header nav").clientWidth`), "the menu is cut in %s", lang)
		b.fill("#search", "loan")
		b.until("a search as one types", `location.search.includes("search=loan")`, within)
		eval[bool](b, `document.activeElement.blur(); true`)
		b.do(chromedp.KeyEvent("e"))
		b.until("exact times", `document.querySelector("header [data-key=e]").ariaPressed === "true"`, within)
		require.True(t, eval[bool](b, exact))
		require.Equal(t, "/transactions?search=loan&order=oldest", b.path(), "the list that was there")
		b.nothingHeard()
	}
	bare := s.tab(t, look{lang: "en", width: 320, withoutScript: true})
	bare.open("/transactions?status=completed")
	bare.click("header [data-key=e]")
	require.Equal(t, "/transactions?status=completed", bare.path())
	require.True(t, eval[bool](bare, exact))
	bare.click("header [data-key=e]")
	require.False(t, eval[bool](bare, exact), "and back")
}

// rows are those of a list: two lines in about 44 px, and 15 of them on a screen, but where a text takes a third line.
func (s *stage) rows(t *testing.T) {
	for _, lang := range []string{"en", "es"} {
		b := s.tab(t, look{lang: lang, width: 1280, height: 860})
		b.open("/transactions")
		heights := eval[[]float64](b, `[...document.querySelectorAll("tr[data-row]")].map(r => r.getBoundingClientRect().height)`)
		slices.Sort(heights)
		require.InDelta(t, 44, heights[len(heights)/2], 1, "%s: %v", lang, heights)
		first := eval[float64](b, `document.querySelector("tr[data-row]").getBoundingClientRect().top`)
		require.LessOrEqual(t, first+15*heights[len(heights)/2], 860.0, "%s: the first begins at %v, %v", lang, first, heights)
	}
}

// targets are what one presses: 24 px high and wide, 44 px high on a telephone.
func (s *stage) targets(t *testing.T) {
	for width, least := range map[int64]int{1280: 24, 360: 44} {
		b := s.tab(t, look{lang: "en", width: width})
		for _, path := range []string{"/", "/transactions?status=completed", "/documents", "/callbacks?since=30d", "/settings",
			s.row(t, "/api/v1/transactions?status=completed")} {
			b.open(path)
			require.Empty(t, eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(
				".btn, button, summary, select, .chip, .tick, header nav a, input:not([type=checkbox], [type=hidden])")].filter(e => {
				const r = e.getBoundingClientRect();
				return e.checkVisibility() && r.width > 1 && (r.height < %d - 0.5 || r.width < 23.5);
			}).map(e => e.tagName + "." + e.className + " " + e.getBoundingClientRect().height + " " + e.textContent.trim().slice(0, 30))`,
				least)), "%s at %d px", path, width)
		}
	}
}
