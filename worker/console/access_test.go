package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model/store"
	"countersign/worker/console/access"
)

// route is one operation with what it needs to be asked well.
type route struct {
	method, path, body string
	want               int // of somebody who may operate
}

// routes is every operation of the API.
func routes(d *desk) []route {
	row := "/api/v1/accounts/sales/transactions/c-1"
	docs := d.items(row+"/documents", d.token("lister", access.Read))
	stored, quarantined := docs[0]["id"].(string), docs[1]["id"].(string)
	return []route{
		{"GET", "/api/v1/status", "", 200}, {"GET", "/api/v1/accounts", "", 200}, {"GET", "/api/v1/accounts/sales", "", 200},
		{"GET", "/api/v1/transactions", "", 200}, {"GET", row, "", 200}, {"GET", row + "/history", "", 200},
		{"GET", row + "/callbacks", "", 200}, {"GET", row + "/documents", "", 200}, {"GET", row + "/gaps", "", 200},
		{"GET", row + "/documents/" + stored, "", 200}, {"GET", row + "/documents/" + stored + "/content", "", 200},
		{"GET", row + "/documents/" + quarantined + "/content", "", 200},
		{"GET", "/api/v1/gaps", "", 200}, {"GET", "/api/v1/gaps/summary", "", 200}, {"GET", "/api/v1/documents", "", 200},
		{"GET", "/api/v1/callbacks", "", 200}, {"GET", "/api/v1/callbacks/c000000000001", "", 404},
		{"GET", "/api/v1/callbacks/c000000000001/explain", "", 404},
		{"GET", "/api/v1/runs", "", 200}, {"GET", "/api/v1/runs/none", "", 404}, {"GET", "/api/v1/incidents", "", 200},
		{"GET", "/api/v1/hooks", "", 200}, {"GET", "/api/v1/hooks/crm/deliveries", "", 200},
		{"POST", "/api/v1/hooks/crm/test", "", 200}, {"POST", "/api/v1/hooks/crm/replay", `{"dead":true}`, 200},
		{"GET", "/api/v1/changes", "", 200}, {"GET", "/api/v1/export/gaps", "", 200},
		{"GET", "/api/v1/export/transactions", "", 200}, {"GET", "/api/v1/export/signers", "", 200},
		{"GET", "/api/v1/export/documents", "", 200}, {"GET", "/api/v1/export/changes", "", 200},
		{"POST", "/api/v1/accounts/sales/transactions", `{"ref":"new"}`, 202}, {"POST", row + "/poll", "", 202},
		{"POST", row + "/resolve", `{"as":"deleted"}`, 200}, {"POST", "/api/v1/accounts/sales/poll", `{"tiers":["active"]}`, 202},
		{"POST", row + "/documents/" + quarantined + "/retry", "", 202},
		{"POST", row + "/documents/" + quarantined + "/release", `{"reason":"looked at it"}`, 200},
		{"POST", "/api/v1/callbacks/replay", `{"filter":{},"count":0,"dry_run":true}`, 200},
		{"POST", "/api/v1/callbacks/c000000000001/replay", `{"dry_run":true}`, 404},
		{"POST", "/api/v1/bulk", `{"action":"poll","filter":{"external_id":"own-c-2"},"count":1}`, 202},
	}
}

// Every route says the same of whoever may not, of parameters that it has not, and of cursors that are none.
func TestEveryRouteKnowsWhoMayAndWhatIsMeant(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	all := routes(d)
	reader, operator := d.token("reader", access.Read), d.token("ana", access.Operate)
	var spec struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal([]byte(d.ask("GET", "/openapi.json", reader, "").body), &spec); err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, methods := range spec.Paths {
		operations += len(methods)
	}
	if want := len(all); operations != want { // content stands twice here, the stream not at all
		t.Errorf("%d operations are described and %d are tried", operations, want)
	}
	for _, r := range all {
		if a := d.ask(r.method, r.path, "", r.body); a.status != 401 || a.problem() != "unauthorized" ||
			a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s without a token: %d %s", r.method, r.path, a.status, a.body)
		}
		if a := d.ask(r.method, r.path, "cs_wrong", r.body); a.status != 401 {
			t.Errorf("%s %s with a wrong token: %d", r.method, r.path, a.status)
		}
		if a := d.ask(r.method, r.path+"?token="+operator, "", r.body); a.status != 401 {
			t.Errorf("%s %s with the token in its address: %d", r.method, r.path, a.status)
		}
		if a := d.ask(r.method, r.path, operator, r.body); a.status != r.want {
			t.Errorf("%s %s: %d, want %d: %s", r.method, r.path, a.status, r.want, a.body)
		}
		guarded := r.method == "POST" || strings.HasSuffix(r.path, "/callbacks/c000000000001") || strings.Contains(r.path,
			all[11].path)
		if a := d.ask(r.method, r.path, reader, r.body); guarded && (a.status != 403 || a.problem() != "forbidden") ||
			!guarded && a.status != r.want {
			t.Errorf("%s %s by a reader: %d %s", r.method, r.path, a.status, a.body)
		}
		a := d.ask(r.method, r.path+"?statsu=completed", operator, r.body)
		if a.status != 422 || a.problem() != "invalid" || !strings.Contains(a.body, "query.statsu") ||
			strings.Contains(a.body, "completed") {
			t.Errorf("%s %s with a parameter that it has not: %d %s", r.method, r.path, a.status, a.body)
		}
		if a := d.ask("DELETE", r.path, operator, ""); a.status != 405 {
			t.Errorf("DELETE %s: %d", r.path, a.status)
		}
	}
	for _, list := range []string{"transactions", "gaps", "documents", "callbacks", "runs", "incidents", "changes"} {
		for _, bad := range []string{"x", "AAAA", "eyJsIjoiIn0"} {
			if a := d.ask("GET", "/api/v1/"+list+"?cursor="+bad, operator, ""); a.status != 400 || a.problem() != "bad-cursor" {
				t.Errorf("%s with the cursor %s: %d %s", list, bad, a.status, a.body)
			}
		}
	}
	for path, want := range map[string]string{
		"/api/v1/accounts/none": "not-found", "/api/v1/accounts/none/transactions/x": "not-found",
		"/api/v1/accounts/sales/transactions/none": "not-found", "/api/v1/accounts/sales/transactions/a%00b": "not-found",
		"/api/v1/accounts/sales/transactions/c-1/documents/none":                                  "not-found",
		"/api/v1/accounts/sales/transactions/c-2/documents/" + strings.Split(all[9].path, "/")[8]: "not-found",
		"/api/v1/export/secrets": "not-found", "/api/v1/none": "not-found",
		"/api/v1/transactions?account=none": "invalid", "/api/v1/transactions?status=done": "invalid",
		"/api/v1/transactions?confirmed=maybe": "invalid", "/api/v1/transactions?changed_since=soon": "invalid",
		"/api/v1/transactions?limit=0": "invalid", "/api/v1/transactions?limit=1001": "invalid",
		"/api/v1/transactions?search=a%00b": "invalid", "/api/v1/changes?after=99999": "invalid",
		"/api/v1/changes?wait=31s": "invalid", "/api/v1/changes?wait=x": "invalid",
	} {
		a := d.ask("GET", path, operator, "")
		if a.problem() != want || a.header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(a.body, a.header.Get("X-Request-Id")) || !strings.Contains(a.body, `"cure"`) {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, want)
		}
	}
	var names []string
	for _, n := range []string{"by operator ana"} {
		for _, asked := range d.asked {
			if strings.Contains(asked, n) {
				names = append(names, strings.Fields(asked)[0])
			}
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); !slices.Equal(names, []string{"poll", "release", "replay", "replayhook", "resolve", "retry",
		"testhook", "tiers", "track"}) {
		t.Errorf("ana has asked for %v", names)
	}
}

func TestRefsOfEveryKindCanBeAskedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for _, ref := range hostile() {
		for _, part := range []string{"", "/history", "/documents"} {
			a := d.ask("GET", "/api/v1/accounts/sales/transactions/"+url.PathEscape(ref)+part, "", "")
			if a.status != 200 || part == "" && !strings.Contains(a.body, `"external_id":`) {
				t.Errorf("%q%s: %d %s", ref, part, a.status, a.body)
			}
		}
		if a := d.ask("POST", "/api/v1/accounts/sales/transactions/"+url.PathEscape(ref)+"/poll", "", ""); a.status != 202 {
			t.Errorf("poll %q: %d %s", ref, a.status, a.body)
		}
	}
}

func TestACursorHoldsItsFilter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	var page struct {
		NextCursor string `json:"next_cursor"`
	}
	first := d.ask("GET", "/api/v1/transactions?limit=2&status=in_progress", "", "")
	if err := json.Unmarshal([]byte(first.body), &page); err != nil || page.NextCursor == "" {
		t.Fatal(err, first.body)
	}
	c := "cursor=" + page.NextCursor
	same := d.ask("GET", "/api/v1/transactions?limit=2&status=in_progress&"+c, "", "")
	alone := d.ask("GET", "/api/v1/transactions?limit=2&"+c, "", "")
	if same.status != 200 || same.body != alone.body || same.body == first.body {
		t.Errorf("the cursor with its filter: %s\nalone: %s", same.body, alone.body)
	}
	for _, other := range []string{"transactions?status=completed&", "transactions?account=sales&", "gaps?"} {
		if a := d.ask("GET", "/api/v1/"+other+c, "", ""); a.status != 400 || a.problem() != "bad-cursor" {
			t.Errorf("%s: %d %s", other, a.status, a.body)
		}
	}
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for _, path := range []string{"/api/v1/transactions", "/api/v1/accounts/sales/transactions/c-1", "/openapi.json"} {
		a := d.ask("GET", path, "", "")
		tag := a.header.Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %v", path, a.header)
		}
		if b := d.ask("GET", path, "", "", "If-None-Match", tag); b.status != 304 || b.body != "" {
			t.Errorf("%s again: %d %s", path, b.status, b.body)
		}
		if b := d.ask("GET", path, "", "", "If-None-Match", `W/"other"`); b.status != 200 {
			t.Errorf("%s for somebody with another: %d", path, b.status)
		}
	}
}

func TestFilesAreForSaving(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	docs := d.items("/api/v1/accounts/sales/transactions/c-1/documents", "")
	content := func(i int) string {
		return "/api/v1/accounts/sales/transactions/c-1/documents/" + docs[i]["id"].(string) + "/content"
	}
	a := d.ask("GET", content(0), "", "", "Range", "bytes=0-3")
	if a.status != 206 || a.body != "%PDF" || a.header.Get("Content-Type") != "application/pdf" ||
		!strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment;") ||
		strings.ContainsAny(a.header.Get("Content-Disposition"), "\u202e/") ||
		!strings.HasPrefix(a.header.Get("Repr-Digest"), "sha-256=:") {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
	if b := d.ask("GET", content(1), "", ""); b.status != 200 || b.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("quarantined: %d %v", b.status, b.header)
	}
	if b := d.ask("GET", content(2), "", ""); b.status != 404 {
		t.Errorf("waiting: %d", b.status)
	}
	d.bucket = "https://bucket.example/" // the file is had there, but for one in quarantine
	client := *d.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b, err := client.Get(d.URL + content(0))
	if err != nil {
		t.Fatal(err)
	}
	b.Body.Close()
	if b.StatusCode != 303 || !strings.HasPrefix(b.Header.Get("Location"), d.bucket) ||
		b.Header.Get("Cache-Control") != "no-store" || b.ContentLength > 0 {
		t.Errorf("by link: %d %v", b.StatusCode, b.Header)
	}
	if b := d.ask("GET", content(1), "", ""); b.status != 200 {
		t.Errorf("quarantined, with links: %d", b.status)
	}
}

func TestOrdersByFilterSayHowMany(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	a := d.ask("POST", "/api/v1/bulk", "", `{"action":"retry","filter":{"state":["quarantined"]},"count":2}`)
	if a.status != 409 || a.problem() != "count-changed" || !strings.Contains(a.body, `"count":1`) {
		t.Errorf("another number: %d %s", a.status, a.body)
	}
	a = d.ask("POST", "/api/v1/bulk", "", `{"action":"retry","filter":{"state":["quarantined"]},"count":1}`)
	if a.status != 202 || !strings.Contains(a.body, `"kind":"retry"`) || !slices.Contains(d.asked, "retry by operator local sales 1") {
		t.Errorf("the right number: %d %s %v", a.status, a.body, d.asked)
	}
	for _, bad := range []string{
		`{"action":"retry","filter":{"status":["completed"]},"count":1}`, `{"action":"sell","filter":{},"count":1}`, `{}`, ``, `x`,
		`{"action":"poll","filter":{},"count":1,"more":1}`, `{"action":"poll","filter":{"status":["x"]},"count":0}`,
	} {
		if a := d.ask("POST", "/api/v1/bulk", "", bad); a.status != 422 || a.problem() != "invalid" {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
	if a := d.ask("POST", "/api/v1/bulk", "", `{"action":"`+strings.Repeat("x", 1<<20)+`"}`); a.status != 413 ||
		a.problem() != "too-large" {
		t.Errorf("too large: %d %.200s", a.status, a.body)
	}
}

func TestPagesOfOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	path := "/api/v1/accounts/sales/poll"
	for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
		if a := d.ask("POST", path, "", "{}", foreign...); a.status != 403 || a.problem() != "forbidden" {
			t.Errorf("%v: %d %s", foreign, a.status, a.body)
		}
	}
	if a := d.ask("POST", path, "", "{}", "Sec-Fetch-Site", "same-origin"); a.status != 202 {
		t.Errorf("of ours: %d %s", a.status, a.body)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", d.URL+"/api/v1/status", nil)
	r.Host = "evil.example"
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusMisdirectedRequest {
		t.Fatal(resp, err)
	}
	resp.Body.Close() //nolint:errcheck // not read
}

func TestTokensEndAndAreLimited(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "config-token")
	token := d.token("crm", access.Read)
	if a := d.ask("GET", "/api/v1/accounts", token, ""); a.status != 200 {
		t.Fatal(a.status, a.body)
	}
	list, err := d.store.ConsoleTokens(t.Context())
	if err != nil || list[0].UsedOn != time.Now().UTC().Format(time.DateOnly) || strings.Contains(list[0].Hash, token) {
		t.Errorf("%v %v", list, err)
	}
	past := time.Now().Add(-time.Second)
	late, err := access.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	other := newDesk(t, "config-token")
	if _, err := other.store.AddConsoleToken(t.Context(), store.ConsoleToken{Name: "old", Hash: access.HashOf(late),
		Role: "operate", CreatedAt: past, ExpiresAt: &past}); err != nil {
		t.Fatal(err)
	}
	if a := other.ask("GET", "/api/v1/accounts", late, ""); a.status != 401 {
		t.Errorf("expired: %d", a.status)
	}
	refused := 0
	for range 70 {
		if a := d.ask("POST", "/api/v1/accounts/sales/poll", "config-token", "{}"); a.status == 429 {
			refused++
			if a.header.Get("Retry-After") == "" || a.problem() != "too-many" {
				t.Errorf("%v %s", a.header, a.body)
			}
		}
	}
	if refused == 0 {
		t.Error("70 writes in a row, and none was too many")
	}
	if a := d.ask("GET", "/api/v1/accounts", "config-token", ""); a.status != 200 {
		t.Errorf("reads go on: %d", a.status)
	}
}

func TestATokenIsKnownWhenItIsSeen(t *testing.T) {
	t.Parallel()
	token, err := access.NewToken()
	if err != nil || !strings.HasPrefix(token, "cs_") || len(token) != 3+43+6 || access.CheckToken(token) != nil {
		t.Fatal(token, err)
	}
	for _, bad := range []string{"", "cs_", token[:51], token + "a", "xx_" + token[3:], token[:20] + "-" + token[21:]} {
		if bad != token && access.CheckToken(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
	for name, ok := range map[string]bool{"crm": true, "ana@example.org": true, "config": false, "local": false, "": false,
		"a b": false, "-x": false, "<b>": false, strings.Repeat("a", 64): false} {
		if (access.CheckName(name) == nil) != ok {
			t.Errorf("%q: %v", name, access.CheckName(name))
		}
	}
}
