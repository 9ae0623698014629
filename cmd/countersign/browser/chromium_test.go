package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// lacking skips a test whose tool is missing; with CI set it fails.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// started is the one browser of all tests, whose tabs have cookies of their own. TestMain ends it.
var started struct {
	sync.Mutex
	ctx context.Context
	end func()
}

// chromium is the browser, started by the first test that asks for it.
func chromium(t *testing.T) context.Context {
	t.Helper()
	started.Lock()
	defer started.Unlock()
	if started.ctx != nil {
		return started.ctx
	}
	path := ""
	for _, name := range []string{os.Getenv("COUNTERSIGN_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); name != "" && err == nil {
			path = found
			break
		}
	}
	if path == "" {
		lacking(t, "no Chromium: install Debian's chromium, or name one in COUNTERSIGN_TEST_CHROMIUM")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP console.test 127.0.0.1"))
	ctx, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	started.end = func() { cancel(); end() }
	require.NoError(t, chromedp.Do(ctx))
	started.ctx = ctx
	return ctx
}

// axe is the text of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	file := os.Getenv("COUNTERSIGN_TEST_AXE")
	if file == "" {
		lacking(t, "COUNTERSIGN_TEST_AXE does not name axe.min.js of axe-core 4.14: .ci/run fetches it")
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// tab is a tab in a browser of its own, with what came to its notice.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	bare bool // scripts do not run

	mu      sync.Mutex
	said    []string // messages of the console, reports of the policy
	foreign []string // requests to other hosts
	asked   []string // paths that were asked for, each with its status
}

// look is how a page is looked at.
type look struct {
	width, height int64
	dark          bool
	lang          string
	withoutScript bool
}

// tab opens a tab whose cookies are its own.
func newTab(browser context.Context, t *testing.T, base string, l look) *tab {
	t.Helper()
	b := &tab{t: t, base: base}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.note))
	t.Cleanup(cancel)
	b.ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b.as(l)
	return b
}

// beside opens another tab of the same browser.
func (b *tab) beside(l look) *tab {
	b.t.Helper()
	c := &tab{t: b.t, base: b.base}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithListener(c.note))
	b.t.Cleanup(cancel)
	c.ctx = ctx
	c.as(l)
	return c
}

// zone is where browsers are.
const zone = "Europe/Bucharest"

// as sets how the page is looked at.
func (b *tab) as(l look) {
	b.t.Helper()
	b.bare = l.withoutScript
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	if l.width == 0 {
		l.width, l.height = 1280, 860
	}
	b.do(chromedp.EmulateViewport(l.width, max(l.height, 640)))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{
		"Accept-Language": l.lang + ",en;q=0.1"}})
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: l.withoutScript})
}

func call[P, R any](b *tab, c cdp.Command[P, R], params P) (r R) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		r, err = cdp.Call(ctx, t, c, params)
		return none, err
	})
	return r
}

// note hears what happens in the tab.
func (b *tab) note(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		text := string(ev.Type)
		for _, a := range ev.Args {
			text += " " + string(a.Value) + a.Description
		}
		b.said = append(b.said, text)
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, fmt.Sprint(ev.ExceptionDetails.Text, " ", ev.ExceptionDetails.URL, " ", ev.ExceptionDetails.LineNumber))
	case *log.EventEntryAdded:
		if strings.HasSuffix(ev.Entry.URL, "/favicon.ico") && !strings.HasPrefix(ev.Entry.URL, b.base+"/") {
			break // the browser looks for an icon of an issuer's page whenever it likes
		}
		b.said = append(b.said, fmt.Sprint(ev.Entry.Source, " ", ev.Entry.Text, " ", ev.Entry.URL))
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, b.base+"/") {
			b.foreign = append(b.foreign, ev.Request.URL)
		}
	case *network.EventResponseReceived:
		u, err := url.Parse(ev.Response.URL)
		if err == nil {
			b.asked = append(b.asked, fmt.Sprint(ev.Response.Status, " ", u.RequestURI()))
		}
	}
}

// do runs steps; a test cannot go on without them.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// open goes to a path and says how it was answered.
func (b *tab) open(path string) int {
	b.t.Helper()
	resp, err := chromedp.Run(b.ctx, chromedp.NavigateResponse(b.base+path))
	require.NoError(b.t, err, path)
	b.settle()
	return int(resp.Status)
}

// settle waits until the page is drawn and its scripts have run.
func (b *tab) settle() {
	b.t.Helper()
	if !b.bare {
		eval[bool](b, `new Promise(done => setTimeout(() => done(true), 0))`)
	}
}

// eval is what a script gives, run by the debugger and not by the page.
func eval[T any](b *tab, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, script)
	return v
}

// until waits until a script gives true.
func (b *tab) until(what, script string, within time.Duration) time.Duration {
	b.t.Helper()
	began := time.Now()
	for {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`Boolean(`+script+`)`))
		if err == nil && v {
			return time.Since(began)
		}
		if time.Since(began) > within {
			require.FailNow(b.t, "did not come: "+what, "%s\nat %s\n%.3000s", script, eval[string](b, `location.href`),
				eval[string](b, `document.body.innerText`))
		}
		// A page that is left meanwhile ends this early.
		chromedp.Run(b.ctx, chromedp.Evaluate[bool](`new Promise(done => setTimeout(() => done(true), 30))`, //nolint:errcheck // it is
			chromedp.EvalAwaitPromise))
	}
}

// click clicks what a selector finds and waits for the page that it leads to.
func (b *tab) click(selector string) {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
	require.NoError(b.t, err, selector)
	b.settle()
}

// press presses what a selector finds.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// fill types into a field.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// back goes back. What comes may be a page that the browser has kept, which does not load.
func (b *tab) back() {
	b.t.Helper()
	eval[bool](b, `setTimeout(() => history.back(), 0); true`)
}

func (b *tab) path() string {
	b.t.Helper()
	return eval[string](b, `location.pathname + location.search`)
}

func (b *tab) text() string {
	b.t.Helper()
	return eval[string](b, `document.body.innerText`)
}

// quiet is what came to the tab's notice that should not have; and begins anew.
func (b *tab) quiet() (said, foreign []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	said, foreign = b.said, b.foreign
	b.said, b.foreign = nil, nil
	return said, foreign
}

// violations are what axe finds.
func (b *tab) violations(script string) []string {
	b.t.Helper()
	eval[bool](b, script+";true")
	return eval[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.flatMap(v =>
		v.nodes.map(n => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ").slice(0, 400))))`)
}
