package look

import (
	"io/fs"
	"maps"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model/words"
)

// forbidden is what no template may have: the first three need eval, the others the header refuses.
func forbidden() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"hx-on": regexp.MustCompile(`\bhx-on\b`), "js:": regexp.MustCompile(`\b(js|javascript):`),
		"a filter in a trigger": regexp.MustCompile(`hx-trigger="[^"]*\[`), "an inline style": regexp.MustCompile(`\sstyle=`),
		"a handler": regexp.MustCompile(`\son[a-z]+=`), "a style element": regexp.MustCompile(`(?i)<style`),
		"a script within the page": regexp.MustCompile(`<script(?: [^s>][^>]*)?>|<script[^>]*>[^<]`),
	}
}

func TestTemplatesNeedNoEval(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(files, "html/*.html")
	require.NoError(t, err)
	require.Greater(t, len(names), 3)
	for _, name := range names {
		text, err := files.ReadFile(name)
		require.NoError(t, err)
		for what, re := range forbidden() {
			require.False(t, re.Match(text), "%s has %s", name, what)
		}
	}
}

func TestTheRulesFindWhatTheyForbid(t *testing.T) {
	t.Parallel()
	for what, bad := range map[string]string{
		"hx-on": `<a hx-on:click="x">`, "js:": `<a href="javascript:x">`, "a filter in a trigger": `hx-trigger="click[x]"`,
		"an inline style": `<p style="x">`, "a handler": `<p onclick="x">`, "a style element": `<STYLE>`,
		"a script within the page": `<script>x</script>`,
	} {
		require.True(t, forbidden()[what].MatchString(bad), bad)
	}
}

// A page is parsed when somebody first looks at it: one that cannot be is found here.
func TestEveryPageIsParsed(t *testing.T) {
	t.Parallel()
	l, err := New(Options{Now: time.Now})
	require.NoError(t, err)
	require.Greater(t, len(Pages()), 10)
	sets := map[string]*set{words.MadeUpLang: l.in(words.MadeUpLang)}
	maps.Copy(sets, l.sets)
	for lang, set := range sets {
		require.Empty(t, set.pages, "%s is parsed before anybody looks at it", lang)
		for _, name := range Pages() {
			page, err := set.page(name)
			require.NoError(t, err, "%s in %s", name, lang)
			require.NotNil(t, page.Lookup("main"), "%s in %s", name, lang)
		}
		_, err := set.page("layout")
		require.ErrorContains(t, err, "there is no page layout")
	}
}
