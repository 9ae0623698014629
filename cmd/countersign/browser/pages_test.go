package browser

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
)

// addresses are those of every page, with what the table has for them.
func (s *stage) addresses(t *testing.T) []string {
	t.Helper()
	db := s.in.Table(t)
	one := func(query string) string {
		v := installtest.One[string](db, query)
		require.NotEmpty(t, v, query)
		return v
	}
	return []string{
		"/login", "/login?next=/transactions", "/transactions", "/transactions?status=in_progress",
		"/transactions?search=nothing-is-called-so", "/transactions/ask?of=all",
		"/transactions/ask?row=" + url.QueryEscape(one(`SELECT account || '/' || ref FROM transactions ORDER BY n LIMIT 1`)),
	}
}

// Every page, in both languages, wide and narrow, light and dark: it is there, nothing is said in the browser's console,
// nothing is asked of others, axe finds nothing, and nothing is wider than a telephone.
func TestPages(t *testing.T) {
	t.Parallel()
	s := play(t)
	script := axe(t)
	looks := []look{
		{width: 1280, lang: "en"}, {width: 1280, lang: "en", dark: true}, {width: 360, lang: "en"},
		{width: 360, lang: "es", dark: true}, {width: 1280, lang: "es"},
	}
	b := s.tab(t, looks[0])
	bare := s.tab(t, look{lang: "en", withoutScript: true})
	for _, path := range s.addresses(t) {
		t.Run(path, func(t *testing.T) {
			b.t, bare.t = t, t
			for _, l := range looks {
				b.as(l)
				require.Equal(t, 200, b.open(path), "%+v", l)
				require.Equal(t, l.lang, eval[string](b, `document.documentElement.lang`))
				require.Equal(t, 1, eval[int](b, `document.querySelectorAll("h1").length`))
				require.Empty(t, b.violations(script), "%+v", l)
				b.nothingHeard()
			}
			for _, lang := range []string{"en", "es"} {
				b.as(look{width: 320, lang: lang})
				require.Equal(t, 200, b.open(path))
				require.Empty(t, eval[[]string](b, tooWide), "wider than 320 px in %s", lang)
				b.nothingHeard()
			}
			b.as(looks[0])
			b.open(path)
			require.Equal(t, 200, bare.open(path))
			bare.nothingHeard()
			require.Equal(t, eval[string](b, content), eval[string](bare, content), "the same without script")
			b.quiet()
		})
	}
}

// nothingHeard fails where something came to the tab's notice.
func (b *tab) nothingHeard() {
	b.t.Helper()
	said, foreign := b.quiet()
	require.Empty(b.t, said, "said in the console at %s", b.path())
	require.Empty(b.t, foreign, "asked of others at %s", b.path())
}

// tooWide is what makes a page scroll sideways.
const tooWide = `(() => {
	const most = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= most) return [];
	return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > most + 1).slice(0, 5)
		.map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right) + ": " + e.textContent.slice(0, 80));
})()`

// content is what a page says, without times, which pass, and what only script can do.
const content = `(() => {
	const parts = [...document.querySelectorAll("main h1, main h2, main h3, main th, main a, main li, main dt")];
	return parts.filter(e => !e.closest("[data-script]")).map(e => e.tagName + " " +
		(e.getAttribute("href") || "") + " " + e.textContent.replace(/[0-9]+ (s|min|h) ago/g, "ago").replace(/\s+/g, " ").trim()).join("\n");
})()`

// A name that a provider gives is text, wherever it stands.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	s := play(t)
	b := s.tab(t, look{lang: "en"})
	for _, path := range s.addresses(t) {
		b.open(path)
		require.Zero(t, eval[int](b, `[...document.scripts].filter(s => !s.src).length`), path)
		require.False(t, eval[bool](b, `/[\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML)`), path)
	}
}
