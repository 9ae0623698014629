package browser

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/provider/simulator"
)

// addresses are those of every page, by name, with what the table has for them.
func (s *stage) addresses(t *testing.T) [][2]string {
	t.Helper()
	completed, open := s.row(t, "/api/v1/transactions?status=completed"), s.row(t, "/api/v1/transactions?status=in_progress")
	held := "/documents/" + s.first(t, "/api/v1/documents?state=quarantined", "id")
	refused := "/callbacks/" + s.first(t, "/api/v1/callbacks?verdict=refused", "id")
	account := "/accounts/" + simulator.AccountOneSpan
	named, ref, _ := strings.Cut(strings.TrimPrefix(open, "/accounts/"), "/transactions/")
	of := "account=" + named + "&ref=" + ref
	return [][2]string{
		{"login", "/login?next=/transactions"}, {"overview", "/"}, {"wall", "/?view=wall"}, {"keys", "/keys"},
		{"settings", "/settings"}, {"transactions", "/transactions"}, {"filtered", "/transactions?status=in_progress"},
		{"nomatch", "/transactions?search=nothing-is-called-so"}, {"ask-all", "/transactions/ask?of=all"},
		{"ask", "/transactions/ask?row=" + named + "%2F" + ref}, {"transaction", completed},
		{"transaction-open", open + "?show=all"}, {"find", "/find?" + of}, {"resolve", "/resolve?" + of},
		{"evidence", completed + "?view=evidence"}, {"gaps", "/gaps"}, {"card", "/gaps?view=card"},
		{"accounts", "/accounts"}, {"account", account}, {"poll", account + "/poll"}, {"track", account + "/track"},
		{"documents", "/documents"}, {"document", held}, {"release", held + "/release"}, {"retry", held + "/retry"},
		{"document-stored", "/documents/" + s.first(t, "/api/v1/documents?state=stored", "id")},
		{"callbacks", "/callbacks"}, {"callback", refused}, {"replay", refused + "/replay"},
		{"callback-accepted", "/callbacks/" + s.first(t, "/api/v1/callbacks?verdict=accepted", "id")},
		{"runs", "/runs"}, {"run", "/runs/" + s.first(t, "/api/v1/runs", "id")}, {"incidents", "/incidents"},
		{"hooks", "/hooks"}, {"hook", "/hooks/crm"}, {"hook-failing", "/hooks/archive"}, {"hook-test", "/hooks/crm/test"},
		{"hook-replay", "/hooks/crm/replay?since=7d"},
	}
}

// The console of one daemon: how its pages look, then what is done on them.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := play(t)
	t.Run("pages", s.pages)
	t.Run("scenes", s.scenes)
}

// pages tries every page, in both languages, wide and narrow, light and dark: it is there, nothing is said in the
// browser's console, nothing is asked of others, axe finds nothing, nothing is wider than a telephone, and without
// script it says the same.
func (s *stage) pages(t *testing.T) {
	script := axe(t)
	for _, page := range s.addresses(t) {
		t.Run(page[0], func(t *testing.T) { s.looksWell(t, page[1], script) })
	}
}

// looksWell tries one page.
func (s *stage) looksWell(t *testing.T, path, script string) {
	t.Helper()
	b := s.tab(t, look{lang: "en"})
	for _, l := range []look{
		{width: 1280, lang: "en"}, {width: 1280, lang: "es", dark: true}, {width: 360, lang: "en", dark: true},
		{width: 360, lang: "es"},
	} {
		b.as(l)
		require.Equal(t, 200, b.open(path), "%+v", l)
		require.Equal(t, l.lang, eval[string](b, `document.documentElement.lang`))
		require.Equal(t, 1, eval[int](b, `document.querySelectorAll("h1").length`))
		assert.Empty(t, b.violations(script), "%+v", l)
		b.nothingHeard()
	}
	for _, lang := range []string{"en", "es"} {
		b.as(look{width: 320, lang: lang})
		require.Equal(t, 200, b.open(path))
		assert.Empty(t, eval[[]string](b, tooWide), "wider than 320 px in %s", lang)
		b.nothingHeard()
	}
	b.as(look{lang: "en"})
	b.open(path)
	bare := s.tab(t, look{lang: "en", withoutScript: true})
	call(bare, network.SetCookie, network.SetCookieParams{Name: "cs_zone", Value: url.QueryEscape(zone), URL: b.base}) // days begin by it
	require.Equal(t, 200, bare.open(path))
	bare.nothingHeard()
	assert.Equal(t, eval[string](b, content), eval[string](bare, content), "the same without script")
}

// nothingHeard fails where something came to the tab's notice.
func (b *tab) nothingHeard() {
	b.t.Helper()
	said, foreign := b.quiet()
	assert.Empty(b.t, said, "said in the console at %s", b.path())
	require.Empty(b.t, foreign, "asked of others at %s", b.path())
}

// tooWide is what makes a page scroll sideways.
const tooWide = `(() => {
	const most = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= most) return [];
	return [...document.querySelectorAll("body *")].filter(e => !e.closest("nav") && e.getBoundingClientRect().right > most + 1).slice(0, 5)
		.map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right) + ": " + e.textContent.slice(0, 80));
})()`

// content is what a page says, without times, which pass, and what only script can do.
const content = `(() => {
	const parts = [...document.querySelectorAll("main h1, main h2, main h3, main th, main a, main li, main dt")];
	return parts.filter(e => !e.closest("[data-script]")).map(e => e.tagName + " " +
		(e.getAttribute("href") || "").replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[^&]*/g, "TIME") + " " + e.textContent.replace(/[0-9.,:]+( ?(s|min|h|a|p)m?)?( ago)?/g, "0").replace(/\s+/g, " ").trim()).join("\n");
})()`
