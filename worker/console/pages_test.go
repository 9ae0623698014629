package console

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// pagePaths are addresses of every page, with rows whose refs and names try to break out.
func pagePaths() []string {
	out := []string{
		"/", "/keys", "/accounts", "/accounts?since=90d", "/accounts?since=x", "/accounts/sales", "/accounts/none", "/accounts/..%2F",
		"/accounts/sales/poll", "/accounts/sales/track?ref=%3Cb%3E", "/settings", "/find", "/find?q=own-c-1", "/find?q=loan",
		"/find?account=sales&ref=..", "/find?account=sales&ref=none", "/find?q=%00", "/transactions?only=sales%2Fc-1&only=sales%2F..&only=x", "/?view=wall", "/?view=other",
		"/transactions", "/transactions?search=loan", "/transactions?status=completed&account=sales&search=nothing",
		"/transactions?changed_since=30d&changed_until=2026-01-31", "/transactions?status=draft&status=completed",
		"/transactions/ask?of=all", "/transactions/ask?row=sales%2Fc-1&back=%2Ftransactions%3Fstatus%3Ddraft",
		"/login", "/login?next=" + url.QueryEscape(`/"><script>alert(1)</script>`),
		"/transactions?statu=completed", "/transactions?search=" + url.QueryEscape(`"><script>alert(1)</script>`),
	}
	for _, ref := range hostile() {
		out = append(out, "/transactions/ask?row="+url.QueryEscape("sales/"+ref),
			"/transactions?external_id="+url.QueryEscape("own-"+ref))
	}
	return out
}

// page asks for a page as a browser does.
func (d *desk) page(path string, header ...string) *http.Response {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.URL+path, nil)
	require.NoError(d.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	client := *d.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	require.NoError(d.t, err)
	return resp
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(text)
}

// The header of every page, to the letter; that of what is no page.
func TestHeadersOfPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for _, path := range []string{"/transactions", "/transactions?nonsense=1", "/transactions/ask?row=sales%2Fc-1"} {
		r := d.page(path)
		bodyOf(t, r)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types countersign",
			"Referrer-Policy":         "same-origin", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
			"Content-Type":                 "text/html; charset=utf-8", "Vary": "Cookie, Accept-Language, Accept-Encoding",
		} {
			require.Equal(t, []string{want}, r.Header.Values(name), "%s of %s", name, path)
		}
	}
	page := bodyOf(t, d.page("/transactions"))
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/assets/[^"#]+)"`).FindAllStringSubmatch(page, -1) {
		r := d.page(asset[1])
		require.NotEmpty(t, bodyOf(t, r))
		require.Equal(t, "default-src 'none'; frame-ancestors 'none'", r.Header.Get("Content-Security-Policy"))
		require.Equal(t, "public, max-age=31536000, immutable", r.Header.Get("Cache-Control"))
		require.Equal(t, 404, d.page(strings.Replace(asset[1], "/assets/", "/assets/0", 1)).StatusCode)
	}
	worker := strings.Replace(regexp.MustCompile(`/assets/[^"]+/app.js`).FindString(page), "app.js", "live-worker.js", 1)
	require.Equal(t, "default-src 'none'; connect-src 'self'; frame-ancestors 'none'",
		d.page(worker).Header.Get("Content-Security-Policy"))
}

// What is not changed is not sent again, and what is sent is compressed.
func TestPagesAreSentOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	path := "/transactions?status=completed" // no times on it
	tag := d.page(path).Header.Get("ETag")
	require.NotEmpty(t, tag)
	require.Equal(t, 304, d.page(path, "If-None-Match", tag).StatusCode)
	require.Equal(t, 200, d.page(path, "If-None-Match", tag, "Accept-Language", "es").StatusCode)
	r := d.page(path, "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
	z, err := gzip.NewReader(r.Body)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, bodyOf(t, d.page(path)), string(text))
}

// Every page stands in every language, with data that tries to break out of it.
func TestPagesOfHostileData(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for _, path := range pagePaths() {
		for _, lang := range []string{"en", "es", "xx"} {
			r := d.page(path, "Cookie", "cs_lang="+lang)
			text := bodyOf(t, r)
			if r.StatusCode == 303 {
				require.True(t, strings.HasPrefix(r.Header.Get("Location"), "/"), path)
				continue
			}
			require.Contains(t, []int{200, 404, 422}, r.StatusCode, path)
			checkPage(t, path, lang, text)
		}
	}
}

// checkPage looks for markup that no template has, for keys without words, and for letters that turn or hide text.
func checkPage(t *testing.T, path, lang, text string) {
	t.Helper()
	readable := func(text string) {
		for _, r := range text {
			if r == 0 || unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) {
				t.Fatalf("%s in %s has %U", path, lang, r)
			}
		}
	}
	require.NotContains(t, text, "⟦", path)
	require.NotContains(t, text, "ZgotmplZ", path)
	root, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	ids, headings := map[string]bool{}, 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			readable(n.Data)
			continue
		}
		require.NotContains(t, []string{"style", "iframe", "object", "embed", "base", "b2"}, n.Data, path)
		if n.Data == "h1" {
			headings++
		}
		if n.Data == "table" {
			require.Equal(t, "caption", n.FirstChild.Data, "%s: a table without a caption", path)
		}
		if n.Data == "th" {
			require.True(t, slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "scope" }), "%s: a th without scope", path)
		}
		src := ""
		for _, a := range n.Attr {
			require.False(t, strings.HasPrefix(a.Key, "on") || a.Key == "style", "%s: %s=%q", path, a.Key, a.Val)
			if a.Key != "value" && a.Key != "data-row" { // what is sent back is sent as it was
				readable(a.Val)
			}
			if a.Key == "id" {
				require.False(t, ids[a.Val], "%s: id %s twice", path, a.Val)
				ids[a.Val] = true
			}
			if slices.Contains([]string{"href", "src", "action", "formaction", "hx-get", "hx-post"}, a.Key) {
				u, err := url.Parse(a.Val)
				require.NoError(t, err, path)
				require.True(t, u.Scheme == "" && u.Host == "", "%s: %s leads away", path, a.Val)
			}
			if a.Key == "src" {
				src = a.Val
			}
		}
		require.False(t, n.Data == "script" && (src == "" || n.FirstChild != nil), "%s: a script within the page", path)
	}
	require.Equal(t, 1, headings, "h1 of %s", path)
}

// Preferences are cookies; the way back stays within the console.
func TestPreferences(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for back, want := range map[string]string{
		"/transactions?status=draft": "/transactions?status=draft", "//evil.example": "/", "https://evil.example/": "/",
		"/\\evil.example": "/", "": "/", "javascript:alert(1)": "/", "/a\r\nSet-Cookie: x": "/", "/%2F%2Fevil.example": "/",
	} {
		client := *d.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r, err := client.PostForm(d.URL+"/preferences", url.Values{"theme": {"dark"}, "lang": {"../x"}, "back": {back}})
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, 303, r.StatusCode)
		require.Equal(t, want, r.Header.Get("Location"), back)
		require.Len(t, r.Cookies(), 1)
		require.Equal(t, "cs_theme=dark; Path=/; Max-Age=31536000; SameSite=Lax", r.Header.Get("Set-Cookie"))
	}
	text := bodyOf(t, d.page("/transactions", "Cookie", "cs_theme=dark; cs_zone=Europe%2FMadrid; cs_times=exact"))
	require.Contains(t, text, `data-theme="dark"`)
	require.Contains(t, text, "Europe/Madrid")
	text = bodyOf(t, d.page("/transactions", "Cookie", `cs_theme=<b>; cs_zone=..%2F..%2Fetc%2Fpasswd; cs_lang=%00`))
	require.NotContains(t, text, "data-theme")
	require.Contains(t, text, `data-zone=""`)
}

// An order names how many it is for: another number by then is refused, and nothing is asked.
func TestBulkRepeatsItsNumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	b := newBrowser(t, d.URL)
	sheet := bodyOf(t, d.page("/transactions/ask?of=all&status=in_progress"))
	count := regexp.MustCompile(`name="count" value="(\d+)"`).FindStringSubmatch(sheet)
	require.Len(t, count, 2, sheet)
	form := url.Values{"of": {"all"}, "status": {"in_progress"}, "count": {"1"}, "back": {"/transactions"}}
	p := b.ask("/transactions/ask", form)
	require.Equal(t, 409, p.StatusCode)
	require.Contains(t, p.body, `id="sheet"`, "the dialog shows it")
	require.Empty(t, d.asked)
	form.Set("count", count[1])
	p = b.ask("/transactions/ask", form)
	require.Equal(t, 303, p.StatusCode)
	require.Equal(t, "/transactions?asked=r1", p.Header.Get("Location"))
	require.Len(t, d.asked, 1)
	require.Contains(t, d.asked[0], "poll by operator local sales")
}

// Buttons do what the API does, in the name of whoever pressed them; readers may not.
func TestPagesAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	b := newBrowser(t, d.URL)
	for path, form := range map[string]url.Values{
		"/transactions/ask":       {"row": {"sales/c-1", "sales/.."}, "back": {"//evil.example"}},
		"/accounts/sales/poll":    {"tier": {"active", "audit"}},
		"/accounts/sales/track":   {"refs": {"new-1\n -x\n"}},
		"/accounts/none/poll":     {"tier": {"active"}},
		"/accounts/sales/poll?x=": {"tier": {"all"}},
	} {
		p := b.ask(path, form)
		switch {
		case strings.Contains(path, "none"):
			require.Equal(t, 404, p.StatusCode)
		case strings.Contains(path, "x="):
			require.Equal(t, 422, p.StatusCode)
		default:
			require.Equal(t, 303, p.StatusCode, "%s: %s", path, p.body)
			require.True(t, strings.HasPrefix(p.Header.Get("Location"), "/") && !strings.HasPrefix(p.Header.Get("Location"), "//"))
		}
	}
	require.ElementsMatch(t, []string{`poll by operator local sales ["c-1" ".."]`,
		`tiers by operator local sales ["active" "audit"]`, `track by operator local sales ["new-1" "-x"]`}, d.asked)
}

// The name of an export is in the zone of whoever asks, UTC where none is known.
func TestExportsAreNamedInTheViewersZone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for cookie, zone := range map[string]string{
		"": `Z`, "cs_zone=Asia%2FKolkata": `\+0530`, "cs_zone=America%2FPhoenix": `-0700`, "cs_zone=!UTC": `Z`,
		"cs_zone=..%2Fx": `Z`,
	} {
		r := d.page("/api/v1/export/gaps?format=csv", "Cookie", cookie)
		bodyOf(t, r)
		require.Regexp(t, `^attachment; filename="gaps-\d{8}T\d{6}`+zone+`\.csv"$`, r.Header.Get("Content-Disposition"), cookie)
	}
}
