package simulator

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestThePackageImportsNothingOfOurs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); path == "countersign" || strings.HasPrefix(path, "countersign/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestEventHashMatchesThePublishedVectors(t *testing.T) {
	t.Parallel()
	key := "324e3b0840f065eb51f3fd63231d0d33daa35d4ed10d27718839e81737065782"
	for _, v := range [][3]string{
		{"1348177752", "unknown_error", "c574f5d3090c2936360b4e36cf6835cf3e2206b84fdc6347e6b28ca721ae1371"},
		{"1348177752", "account_confirmed", "6dc5b7aad93cf54915e0089d6c31d61b3833f66f51459171c69f8fa211308848"},
		{"1348177752", "signature_request_sent", "08d45a6b7677492b78be030cef18cfeaece8fe67e163cc8e526ee638ad483756"},
		{"1348177752", "template_created", "4a9b22fa68d5addb8b6313eea9d42ecb393903a4240b71503ef78e9dac6c100d"},
		{"1669926463", "account_confirmed", "ff8b03439122f9160500c3fb855bdee5a9ccba5fff27d3b258745d8f3074832f"},
	} {
		if got := eventHash(key, v[0], v[1]); got != v[2] {
			t.Errorf("%s %s: %s", v[0], v[1], got)
		}
	}
}

func TestOneSpanCallbacksLookAsCaptured(t *testing.T) {
	t.Parallel()
	l := &listener{}
	play(t, Options{Seed: 4, Transactions: wholeDecks}, l, 20*24*time.Hour, func(t *testing.T, w *World) {
		kinds := map[string]int{}
		consent := 0
		for _, h := range l.heard() {
			if h.account != AccountOneSpan {
				continue
			}
			var body map[string]any
			if err := json.Unmarshal(h.body, &body); err != nil {
				t.Fatal(err)
			}
			if h.header.Get("Authorization") != "Basic "+w.Accounts()[0].Settings["callback_key"].(string) {
				t.Errorf("authorization %q", h.header.Get("Authorization"))
			}
			if h.header.Get("Content-Type") != "application/json; charset=utf-8" || h.header.Get("User-Agent") != "" {
				t.Errorf("headers: %v", h.header)
			}
			for _, field := range []string{"@class", "name", "sessionUser", "packageId", "message", "documentId", "createdDate"} {
				if _, some := body[field]; !some {
					t.Errorf("%s lacks %s", h.body, field)
				}
			}
			if body["@class"] != "com.silanis.esl.packages.event.ESLProcessEvent" {
				t.Errorf("class %v", body["@class"])
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", body["createdDate"].(string)); err != nil {
				t.Error(err)
			}
			if body["documentId"] == consentDocument {
				consent++
			}
			kinds[body["name"].(string)]++
		}
		for _, kind := range oneSpanEvents() {
			if kinds[kind] == 0 {
				t.Errorf("no callback of type %s", kind)
			}
		}
		if consent == 0 {
			t.Error("no consent was told")
		}
	})
}

// fetch reads JSON as an object.
func fetch(t *testing.T, w *World, path string, account int) map[string]any {
	t.Helper()
	status, body, err := get(t, w, "http://sim.example"+path, account)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %v %s", path, status, err, body)
	}
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// ids walks a OneSpan list to its end.
func ids(t *testing.T, w *World, query string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for from := 1; ; from += 10 {
		page := fetch(t, w, fmt.Sprintf("/onespan/api/packages?from=%d&to=%d&%s", from, from+9, query), 0)
		results := page["results"].([]any)
		for _, r := range results {
			all[r.(map[string]any)["id"].(string)] = true
		}
		if len(results) == 0 {
			if int(page["count"].(float64)) != len(all) {
				t.Errorf("%s: count %v, found %d", query, page["count"], len(all))
			}
			return all
		}
	}
}

func TestOneSpanListsWhatTheTruthSaysIsListed(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 12, Transactions: 2 * wholeDecks, BornBefore: 30}, nil, 20*24*time.Hour, func(t *testing.T, w *World) {
		open, trashed := ids(t, w, "fields=id"), ids(t, w, "query=trashed&sort=updated&dir=asc")
		summary := fetch(t, w, "/onespan/api/reports/transaction-summary?from=1&to=100", 0)
		reported := map[string]bool{}
		for _, p := range summary["content"].([]any) {
			reported[p.(map[string]any)["id"].(string)] = true
		}
		hidden, forms := 0, 0
		for _, row := range w.Truth().Transactions {
			if row.Provider != "onespan" {
				continue
			}
			if row.Listed != (open[row.Ref] || trashed[row.Ref]) || (trashed[row.Ref] != (row.Trashed && row.Listed)) {
				t.Errorf("%s: listed %v and trashed %v, in the lists %v and %v", row.Kind, row.Listed, row.Trashed, open[row.Ref], trashed[row.Ref])
			}
			if !row.Deleted && !reported[row.Ref] {
				t.Errorf("%s is not in the summary", row.Kind)
			}
			if !row.Listed && !row.Deleted {
				hidden++
			}
			delete(open, row.Ref)
		}
		for ref := range open {
			if form := fetch(t, w, "/onespan/api/packages/"+url.PathEscape(ref), 0)["type"]; form != "LAYOUT" {
				t.Errorf("%s is %v and not in the truth", ref, form)
			}
			forms++
		}
		if hidden == 0 || forms != 1 {
			t.Errorf("%d packages of others, %d layouts", hidden, forms)
		}
	})
}

func TestOneSpanListsWhatChangedSince(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 12, Transactions: wholeDecks}, nil, 12*time.Hour, func(t *testing.T, w *World) {
		since := time.Now().UTC()
		time.Sleep(6 * time.Hour)
		changed := ids(t, w, "lastUpdatedStartDate="+since.Format("2006-01-02T15:04:05.000Z"))
		for _, row := range w.Truth().Transactions {
			moved := false
			for _, c := range row.Changes {
				moved = moved || (c.At.After(since.Add(time.Second)) && c.Change != "signer")
			}
			if row.Provider == "onespan" && row.Listed && moved && !row.Trashed && !changed[row.Ref] {
				t.Errorf("%s moved and is not listed", row.Kind)
			}
		}
		if len(changed) == 0 {
			t.Error("nothing changed")
		}
		if none := ids(t, w, "lastUpdatedStartDate="+time.Now().UTC().Add(time.Hour).Format(time.RFC3339)); len(none) != 0 {
			t.Errorf("%d changed in the future", len(none))
		}
	})
}

func TestDropboxSignQueriesFindWhatTheyName(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 8, Transactions: 2 * wholeDecks}, nil, 20*24*time.Hour, func(t *testing.T, w *World) {
		count := func(query string) int {
			page := fetch(t, w, "/dropboxsign/v3/signature_request/list?page_size=100&query="+url.QueryEscape(query), 1)
			return len(page["signature_requests"].([]any))
		}
		var want struct{ all, complete, mine, declined, test int }
		for _, row := range w.Truth().Transactions {
			if row.Provider != "dropboxsign" || !row.Listed {
				continue
			}
			want.all++
			if row.Status == "completed" {
				want.complete++
			}
			if row.Status == "completed" && !row.Received {
				want.mine++
			}
			if row.Status == "declined" {
				want.declined++
			}
			if row.Test {
				want.test++
			}
		}
		for query, n := range map[string]int{
			"": want.all, "complete:true": want.complete, "complete:true AND from:me": want.mine, "declined:true OR complete:true": want.declined + want.complete,
			"test_mode:true": want.test, "created:[2000-01-01 TO 2000-12-31]": want.all, "created:[2000-01-03 TO *]": 0, "complete:true AND created:{1999-12-31 TO 2000-02-01}": want.complete,
		} {
			if got := count(query); got != n {
				t.Errorf("%q finds %d, want %d", query, got, n)
			}
		}
	})
}

func TestDetailsLagWhenTheyAreStaleAndPagesShift(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 8, Transactions: wholeDecks, Speed: 8640}, nil, time.Second, func(t *testing.T, w *World) {
		w.SetFaults(Faults{Stale: 1})
		older := 0
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			for _, row := range w.Truth().Transactions {
				if row.Provider == "onespan" && !row.Deleted && fetch(t, w, "/onespan/api/packages/"+url.PathEscape(row.Ref), 0)["status"] != row.ProviderStatus {
					older++
				}
			}
		}
		if older == 0 {
			t.Error("no answer was stale")
		}
		time.Sleep(time.Hour)
		w.SetFaults(Faults{Shift: 1})
		if distinct, total := walk(t, w); distinct == total {
			t.Error("no page of a OneSpan list shifted")
		}
		for page := 1; page < 20; page++ {
			fetch(t, w, fmt.Sprintf("/dropboxsign/v3/signature_request/list?page_size=2&page=%d", page), 1)
		}
	})
}

// walk reads a list by small pages, and counts what it saw beside what there is.
func walk(t *testing.T, w *World) (distinct, total int) {
	t.Helper()
	seen := map[string]bool{}
	for from := 1; from < 60; from += 2 {
		page := fetch(t, w, fmt.Sprintf("/onespan/api/packages?from=%d&to=%d&sort=created&dir=asc", from, from+1), 0)
		for _, r := range page["results"].([]any) {
			seen[r.(map[string]any)["id"].(string)] = true
		}
		total = int(page["count"].(float64))
	}
	return len(seen), total
}

func TestQuotasHoldAndAreCounted(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 1, Transactions: 2}, nil, time.Hour, func(t *testing.T, w *World) {
		status := 0
		for range 101 {
			status, _, _ = get(t, w, "http://sim.example/dropboxsign/v3/account", 1)
		}
		if status != http.StatusTooManyRequests || w.Truth().OverQuota != 1 {
			t.Errorf("the 101st request: %d, over quota %d", status, w.Truth().OverQuota)
		}
		time.Sleep(time.Minute)
		if status, _, _ = get(t, w, "http://sim.example/dropboxsign/v3/account", 1); status != http.StatusOK {
			t.Errorf("a minute later: %d", status)
		}
	})
}

func TestOneSpanTokensOpenAndExpire(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 1, Transactions: 2}, nil, time.Hour, func(t *testing.T, w *World) {
		a := w.Accounts()[0]
		post := func(path, contentType, body string, basic bool) map[string]any {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sim.example"+path, strings.NewReader(body))
			req.Header.Set("Content-Type", contentType)
			if basic {
				req.SetBasicAuth(a.OAuthClientID, a.OAuthClientSecret)
			}
			resp, err := w.Transport().RoundTrip(req)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v", path, resp)
			}
			var v map[string]any
			if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		app := post("/onespan/apitoken/clientApp/accessToken", "application/json", fmt.Sprintf(`{"clientId":%q,"secret":%q,"type":"OWNER"}`, a.ClientID, a.ClientSecret), false)
		if until := time.UnixMilli(int64(app["expiresAt"].(float64))); time.Until(until) != 30*time.Minute {
			t.Errorf("expires at %v", until)
		}
		oauth := post(a.TokenPath, "application/x-www-form-urlencoded", "grant_type=client_credentials", true)
		use := func(token any) int {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sim.example/onespan/api/packages", nil)
			req.Header.Set("Authorization", fmt.Sprint("Bearer ", token))
			resp, err := w.Transport().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode
		}
		if use(app["accessToken"]) != 200 || use(oauth["access_token"]) != 200 || use("nonsense") != 401 {
			t.Error("tokens do not open, or nonsense does")
		}
		time.Sleep(31 * time.Minute)
		if use(app["accessToken"]) != 401 || use(oauth["access_token"]) != 401 {
			t.Error("tokens do not expire")
		}
	})
}

func TestTheWorldsOwnPagesOverARealSocket(t *testing.T) {
	t.Parallel()
	w := New(Options{Seed: 1, Transactions: 6, BornBefore: 6, Speed: 8640})
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	for _, path := range []string{"/truth", "/accounts", "/faults"} {
		resp, err := http.Get(server.URL + path)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !json.Valid(body) {
			t.Errorf("%s: %s", path, body)
		}
	}
	resp, err := http.Post(server.URL+"/faults", "application/json", strings.NewReader(`{"error_rate":0.5,"same_second":true}`))
	if err != nil || resp.StatusCode != http.StatusOK || !w.Faults().SameSecond {
		t.Errorf("faults were not set: %v %v", resp, err)
	}
	broken := 0
	for range 100 {
		req, _ := http.NewRequest(http.MethodGet, server.URL+"/onespan/api/packages", nil)
		req.Header.Set("Authorization", "Basic "+w.Accounts()[0].Settings["api_key"].(string))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			broken++
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if broken == 0 {
		t.Error("no connection was reset")
	}
}
