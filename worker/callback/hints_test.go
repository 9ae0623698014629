package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
)

// guide is a toy with forms of its own.
type guide struct{ toy }

func (guide) Hint(h provider.Hint, at time.Time) provider.Hinted {
	if h.Query != nil {
		return provider.Hinted{Ref: h.Query.Get("document_id")}
	}
	return provider.Hinted{Ref: string(h.Body), Steps: []provider.Step{{Name: "otp", At: at}}}
}

// hintListener is a testListener that takes hints.
type hintListener struct {
	*testListener
	mu    sync.Mutex
	heard []string
	err   error
	at    time.Time
}

func newHintListener(t *testing.T) *hintListener {
	t.Helper()
	p := &hintListener{at: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	accounts := map[string]*Account{
		"sales": {ID: "sales", Provider: provider.Service{Provider: toy{}},
			ReturnPage: "https://www.example.org/done?lang=en#/thanks", Hints: true,
			Origins: []string{"https://www.example.org"}},
		"mx": {ID: "mx", Provider: providertest.Able(guide{}), Hints: true},
		"hr": {ID: "hr", Provider: provider.Service{Provider: toy{}}},
	}
	p.testListener = newTestListener(t, func(o *Options) {
		o.Lookup = func(id string) *Account { return accounts[id] }
		o.Now = func() time.Time { return p.at }
		o.Hint = func(_ context.Context, account string, h provider.Hinted) (string, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.heard = append(p.heard, fmt.Sprintf("%s %q %d", account, h.Ref, len(h.Steps)))
			if h.Ref == "stranger" {
				return "", p.err
			}
			return "in_progress", p.err
		}
	})
	return p
}

func (p *hintListener) send(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w
}

func TestSignersGoOnToThePageOfTheAccountAndNowhereElse(t *testing.T) {
	t.Parallel()
	page := "https://www.example.org/done?lang=en&account=sales&ref=%s&status=%s#/thanks"
	for _, c := range []struct {
		name, method, target string
		code                 int
		location, heard      string
	}{
		{"a known ref", "GET", "/return/sales?ref=r1&event=signed", 303, fmt.Sprintf(page, "r1", "in_progress"),
			`sales "r1" 0`},
		{"an unknown ref", "GET", "/return/sales?ref=stranger", 303, fmt.Sprintf(page, "stranger", ""), `sales "stranger" 0`},
		{"no ref", "GET", "/return/sales", 303, fmt.Sprintf(page, "", ""), ""},
		{"a head asks nothing", "HEAD", "/return/sales?ref=r1", 303, fmt.Sprintf(page, "r1", ""), ""},
		{"another page", "GET", "/return/sales?ref=r1&return_page=https://evil.example&url=//evil.example&status=completed",
			303, fmt.Sprintf(page, "r1", "in_progress"), `sales "r1" 0`},
		{"a ref that is a page", "GET", "/return/sales?ref=https%3A%2F%2Fevil.example%2F%26x", 303,
			fmt.Sprintf(page, "https%3A%2F%2Fevil.example%2F%26x", "in_progress"), `sales "https://evil.example/&x" 0`},
		{"a ref with line ends", "GET", "/return/sales?ref=a%0d%0aSet-Cookie:x", 303,
			fmt.Sprintf(page, "a%0D%0ASet-Cookie%3Ax", "in_progress"), `sales "a\r\nSet-Cookie:x" 0`},
		{"a ref with a NUL", "GET", "/return/sales?ref=a%00b", 303, fmt.Sprintf(page, "", ""), ""},
		{"a huge ref", "GET", "/return/sales?ref=" + strings.Repeat("r", provider.MaxRef+1), 303, fmt.Sprintf(page, "", ""),
			""},
		{"a provider's own parameter", "GET", "/return/mx?document_id=d1&ref=r1", 200, "", `mx "d1" 0`},
		{"no page", "GET", "/return/hr?ref=r1", 200, "", `hr "r1" 0`},
		{"nobody", "GET", "/return/nobody?ref=r1", 404, "", ""},
		{"below an account", "GET", "/return/sales/x", 404, "", ""},
		{"a form", "POST", "/return/sales?ref=r1", 405, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newHintListener(t)
			w := p.send(c.method, c.target, "")
			if w.Code != c.code || w.Header().Get("Location") != c.location || strings.Join(p.heard, "; ") != c.heard {
				t.Errorf("got %d %q, heard %q", w.Code, w.Header().Get("Location"), p.heard)
			}
			if c.code == 200 && w.Body.String() != "Thank you.\n" {
				t.Errorf("said %q", w.Body)
			}
			if w.Code < 400 && (w.Header().Get("Cache-Control") != "no-store" ||
				w.Header().Get("Referrer-Policy") != "no-referrer") {
				t.Errorf("headers %v", w.Header())
			}
			if len(p.got()) != 0 {
				t.Error("a hint was applied as a callback")
			}
		})
	}
}

func TestASignerGoesOnWhenTheHintCannotBeKept(t *testing.T) {
	t.Parallel()
	p := newHintListener(t)
	p.err = errors.New("database locked")
	if w := p.send("GET", "/return/sales?ref=r1", ""); w.Code != 303 ||
		!strings.Contains(w.Header().Get("Location"), "&ref=r1&status=#") {
		t.Errorf("got %d %q", w.Code, w.Header().Get("Location"))
	}
}

func TestHintsAreTakenFromTheSitesThatAreNamed(t *testing.T) {
	t.Parallel()
	site := []string{"Origin", "https://www.example.org"}
	big := `{"ref":"r1","x":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, c := range []struct {
		name, method, target, body string
		header                     []string
		code                       int
		heard                      string
	}{
		{"a page", "POST", "/hints/sales", `{"ref":"r1"}`, site, 202, `sales "r1" 0`},
		{"a server", "POST", "/hints/sales", `{"ref":"r1"}`, nil, 202, `sales "r1" 0`},
		{"an unknown ref", "POST", "/hints/sales", `{"ref":"stranger"}`, site, 202, `sales "stranger" 0`},
		{"no JSON", "POST", "/hints/sales", `ref=r1`, site, 202, ""},
		{"another shape", "POST", "/hints/sales", `{"ref":["r1"]}`, site, 202, ""},
		{"nothing", "POST", "/hints/sales", "", site, 202, ""},
		{"a provider's own form", "POST", "/hints/mx", "d1", nil, 202, `mx "d1" 1`},
		{"another site", "POST", "/hints/sales", `{"ref":"r1"}`, []string{"Origin", "https://evil.example"}, 403, ""},
		{"a site that looks like it", "POST", "/hints/sales", `{"ref":"r1"}`,
			[]string{"Origin", "https://www.example.org.evil.example"}, 403, ""},
		{"a file", "POST", "/hints/sales", `{"ref":"r1"}`, []string{"Origin", "null"}, 403, ""},
		{"a page where none is named", "POST", "/hints/mx", "d1", site, 403, ""},
		{"before a page", "OPTIONS", "/hints/sales", "", site, 204, ""},
		{"before another site's page", "OPTIONS", "/hints/sales", "", []string{"Origin", "https://evil.example"}, 403, ""},
		{"before nobody", "OPTIONS", "/hints/sales", "", nil, 403, ""},
		{"too much", "POST", "/hints/sales", big, site, 413, ""},
		{"turned off", "POST", "/hints/hr", `{"ref":"r1"}`, nil, 404, ""},
		{"turned off, before a page", "OPTIONS", "/hints/hr", "", site, 404, ""},
		{"nobody", "POST", "/hints/nobody", "", nil, 404, ""},
		{"another method", "GET", "/hints/sales", "", site, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newHintListener(t)
			w := p.send(c.method, c.target, c.body, c.header...)
			if w.Code != c.code || strings.Join(p.heard, "; ") != c.heard {
				t.Errorf("got %d, heard %q", w.Code, p.heard)
			}
			if c.code == 202 && w.Body.String() != `{"received":true}` {
				t.Errorf("said %q", w.Body)
			}
			allowed, want := w.Header().Get("Access-Control-Allow-Origin"), ""
			if c.header != nil && (c.code == 202 || c.code == 204 || c.code == 413) {
				want = c.header[1]
			}
			if allowed != want || c.code == 204 && w.Header().Get("Access-Control-Allow-Methods") != "POST" {
				t.Errorf("headers %v", w.Header())
			}
			if p.small.used.Load() != 0 || p.large.used.Load() != 0 {
				t.Error("something is still held")
			}
		})
	}
}

func TestOneAddressMaySendSoManyHints(t *testing.T) {
	t.Parallel()
	p := newHintListener(t)
	count := func(code, times int, path string) {
		t.Helper()
		for i := range times {
			w := p.send("GET", path, "")
			if w.Code != code || code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
				t.Fatalf("request %d: %d", i+1, w.Code)
			}
		}
	}
	count(303, 60, "/return/sales?ref=r1")
	count(429, 3, "/return/sales?ref=r1")
	if w := p.send("POST", "/hints/sales", `{"ref":"r1"}`); w.Code != 429 {
		t.Errorf("a posted hint beyond: %d", w.Code)
	}
	r := httptest.NewRequest("GET", "/return/sales?ref=r1", nil)
	r.RemoteAddr = "192.0.2.77:1000"
	w := httptest.NewRecorder()
	if p.Handler().ServeHTTP(w, r); w.Code != 303 {
		t.Errorf("another address: %d", w.Code)
	}
	if w := p.ask("POST", "/callbacks/sales", "right", "{}"); w.Code != 200 {
		t.Errorf("a callback beside: %d", w.Code)
	}
	p.at = p.at.Add(2 * time.Second)
	count(303, 2, "/return/sales?ref=r1")
	count(429, 1, "/return/sales?ref=r1")
}

func TestTheTableOfAddressesIsBounded(t *testing.T) {
	t.Parallel()
	g, at := perMinute(2), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i := range maxNamed {
		if !g.allow(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), at) {
			t.Fatal("the first of an address is refused")
		}
	}
	got := []bool{g.allow("192.0.2.1", at), g.allow("192.0.2.2", at), g.allow("192.0.2.3", at)}
	if fmt.Sprint(got) != "[true true false]" || len(g.named) != maxNamed {
		t.Errorf("those without room: %v, %d known", got, len(g.named))
	}
	if at = at.Add(time.Minute); !g.allow("192.0.2.3", at) || len(g.named) != 1 {
		t.Errorf("a minute later %d are known", len(g.named))
	}
	for _, pair := range [][2]string{{"2001:db8::1", "2001:db8::ffff:2"}, {"::ffff:192.0.2.9", "::ffff:192.0.2.9"}} {
		if network(pair[0]) != network(pair[1]) {
			t.Errorf("%v are two", pair)
		}
	}
	if network("2001:db8::1") == network("2001:db8:0:1::1") || network("odd") != "odd" {
		t.Error("networks are mixed up")
	}
}
