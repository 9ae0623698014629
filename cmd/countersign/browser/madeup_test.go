package browser

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/model/words"
)

// madeUp tries every page in a language that nobody speaks, two fifths longer than English and with accents: what a page
// says without them was said by no catalogue. Nothing is wider than the page or a telephone, and no text is cut off.
func (s *stage) madeUp(t *testing.T) {
	data := s.data(t)
	for _, page := range s.addresses(t) {
		t.Run(page[0], func(t *testing.T) {
			b := s.tab(t, look{lang: "en"})
			b.open("/keys")
			eval[string](b, fmt.Sprintf("document.cookie = 'cs_lang=%s; path=/'", words.MadeUpLang))
			for _, width := range []int64{1280, 320} {
				b.as(look{width: width, lang: "en"})
				require.Equal(t, 200, b.open(page[1]))
				require.Equal(t, words.MadeUpLang, eval[string](b, `document.documentElement.lang`))
				assert.Empty(t, eval[[]string](b, tooWide), "wider than %d px", width)
				assert.Empty(t, eval[[]string](b, cutOff), "cut off at %d px", width)
			}
			assert.Empty(t, untranslated(eval[[]string](b, texts), data), "said by no catalogue")
			b.nothingHeard()
		})
	}
}

// untranslated are the texts in which a word of no catalogue is left, once what the table holds is taken out: one with
// a letter that the made-up language would have changed. What has digits or marks in it is a name, a ref or an address.
func untranslated(texts, data []string) (left []string) {
	for _, text := range texts {
		rest := text
		for _, d := range data {
			rest = without(rest, d)
		}
		for _, token := range strings.Fields(rest) {
			if strings.HasPrefix(token, "…") {
				continue // the end of an id
			}
			word := strings.TrimFunc(token, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) })
			plain := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) || r > unicode.MaxASCII }) < 0
			if len(word) > 2 && plain && strings.ContainsAny(word, "aeioucny") && !slices.Contains(names(), word) {
				left = append(left, word+": "+text)
				break
			}
		}
	}
	return left
}

// without takes a text out of another, where it stands as words of its own.
func without(text, part string) string {
	inWord := func(r rune, _ int) bool { return r == '_' || unicode.IsLetter(r) }
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, part)
		if !found {
			return out.String() + text
		}
		out.WriteString(before)
		if inWord(utf8.DecodeLastRuneInString(before)) || inWord(utf8.DecodeRuneInString(after)) {
			out.WriteString(part)
		} else {
			out.WriteString(" 0 ")
		}
		text = after
	}
}

// names are what is called so in every language, and months and days, which are English there.
func names() []string {
	return strings.Fields("countersign English curl Enter local KiB MiB Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec " +
		"Mon Tue Wed Thu Fri Sat Sun")
}

// data is what the table holds of others' words and of names, the longest first.
func (s *stage) data(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{strings.ReplaceAll(hostileName, "\u202e", ""): true}
	named := []string{"name", "ref", "external_id", "email", "account", "provider", "id", "sha256", "path", "url", "type",
		"provider_status", "filename", "hook", "signer", "role", "document", "callback", "run", "receiver", "by", "source",
		"version"}
	var take func(key string, v any)
	take = func(key string, v any) {
		switch v := v.(type) {
		case string:
			if slices.Contains(named, key) && len(v) > 1 {
				found[v] = true
				for _, word := range strings.Fields(v) {
					found[word] = len(word) > 2 || found[word]
				}
			}
		case []any:
			for _, one := range v {
				take(key, one)
			}
		case map[string]any:
			for k, one := range v {
				take(k, one)
			}
		}
	}
	for _, path := range []string{"/transactions?limit=1000", "/documents?limit=1000", "/callbacks?limit=1000",
		"/runs?limit=1000", "/gaps?limit=1000", "/incidents", "/hooks", "/accounts", "/changes", "/status", s.row(t, "/api/v1/transactions?status=completed"),
		s.row(t, "/api/v1/transactions?status=in_progress")} {
		code, text := s.in.Looked(t, "/api/v1"+path, "", "")
		require.Equal(t, 200, code, path+text)
		var all any
		require.NoError(t, json.Unmarshal([]byte(text), &all))
		take("", all)
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

// texts are those that a page shows or reads out, but for what is typed at a terminal and what is marked as another's.
const texts = `(() => {
	const all = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!e.closest("code, pre, bdi, time, script, style, noscript, .mono, .name, [lang]:not(html)")) all.push(walk.currentNode.data);
	}
	for (const e of document.querySelectorAll("[title], [aria-label], [placeholder], [data-label], [alt]"))
		if (!e.closest("code, pre, bdi, time, .mono, .badge, .foot, [lang]:not(html)"))
			for (const name of ["title", "aria-label", "placeholder", "data-label", "alt"]) all.push(e.getAttribute(name) || "");
	return [...new Set(all.map(t => t.replace(/\s+/g, " ").trim()).filter(t => t))];
})()`

// cutOff are texts that do not fit where they stand and whose rest nobody can see.
const cutOff = `(() => [...document.querySelectorAll("body *")].filter(e => {
	const s = getComputedStyle(e), r = e.getBoundingClientRect();
	if (!e.innerText || r.width < 2 || r.height < 2 || e.closest(".visually-hidden, [title], textarea, select")) return false;
	const x = s.overflowX, y = s.overflowY;
	return (x == "hidden" || x == "clip") && e.scrollWidth > e.clientWidth + 1 ||
		(y == "hidden" || y == "clip") && e.scrollHeight > e.clientHeight + 3;
}).slice(0, 5).map(e => e.tagName + "." + e.className + ": " + e.innerText.slice(0, 80)))()`
