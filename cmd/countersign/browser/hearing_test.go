package browser

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the tests of pages find nothing of is found where it is.
func TestWhatIsWrongIsHeard(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		page := `<!doctype html><html lang="en"><title>x</title><h1>x</h1>`
		switch r.URL.Path {
		case "/policy":
			page += `<script>document.title = "y"</script>`
		case "/foreign":
			page += `<img alt="" src="http://localhost:1/x.png">`
		case "/wide":
			page += `<p style="width: 700px">` + strings.Repeat("x", 700) + `</p>`
		case "/unnamed":
			page += `<main><input></main>`
		case "/says":
			page += `<script src="/script.js"></script>`
		case "/script.js":
			w.Header().Set("Content-Type", "text/javascript")
			page = `console.warn("hear me")`
		}
		io.WriteString(w, page) //nolint:errcheck // the browser may be gone
	}))
	t.Cleanup(srv.Close)
	b := newTab(chromium(t), t, srv.URL, look{width: 320, lang: "en"})
	heard := func(path string) (string, []string) {
		b.open(path)
		said, foreign := b.quiet()
		return strings.Join(said, "\n"), foreign
	}
	said, foreign := heard("/")
	require.NotContains(t, said, "security")
	require.Empty(t, foreign)
	said, _ = heard("/policy")
	require.Contains(t, said, "security")
	require.NotEqual(t, "y", eval[string](b, `document.title`))
	_, foreign = heard("/foreign")
	require.Equal(t, []string{"http://localhost:1/x.png"}, foreign)
	said, _ = heard("/says")
	require.Contains(t, said, "hear me")
	heard("/wide")
	require.NotEmpty(t, eval[[]string](b, tooWide))
	heard("/unnamed")
	require.Contains(t, strings.Join(b.violations(axe(t)), "\n"), "label")
}
