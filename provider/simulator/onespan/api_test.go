package onespan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/onespan"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestOneSpanCallbacksLookAsCaptured(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: simulatortest.WholeDecks}, l, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			kinds := map[string]int{}
			consent := 0
			for _, h := range l.Heard() {
				if h.Account != simulator.AccountOneSpan {
					continue
				}
				var body map[string]any
				if err := json.Unmarshal(h.Body, &body); err != nil {
					t.Fatal(err)
				}
				if h.Header.Get("Authorization") != "Basic "+w.Accounts()[0].Settings["callback_key"].(string) {
					t.Errorf("authorization %q", h.Header.Get("Authorization"))
				}
				if h.Header.Get("Content-Type") != "application/json; charset=utf-8" || h.Header.Get("User-Agent") != "" {
					t.Errorf("headers: %v", h.Header)
				}
				for _, field := range []string{"@class", "name", "sessionUser", "packageId", "message", "documentId",
					"createdDate"} {
					if _, some := body[field]; !some {
						t.Errorf("%s lacks %s", h.Body, field)
					}
				}
				if body["@class"] != "com.silanis.esl.packages.event.ESLProcessEvent" {
					t.Errorf("class %v", body["@class"])
				}
				if _, err := time.Parse("2006-01-02T15:04:05.000Z", body["createdDate"].(string)); err != nil {
					t.Error(err)
				}
				if body["documentId"] == onespan.ConsentDocument {
					consent++
				}
				kinds[body["name"].(string)]++
			}
			for _, kind := range onespan.EventNames() {
				if kinds[kind] == 0 {
					t.Errorf("no callback of type %s", kind)
				}
			}
			if consent == 0 {
				t.Error("no consent was told")
			}
		})
}

// ids walks a OneSpan list to its end.
func ids(t *testing.T, w *simulator.World, query string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for from := 1; ; from += 10 {
		page := simulatortest.Fetch(t, w, fmt.Sprintf("/onespan/api/packages?from=%d&to=%d&%s", from, from+9, query), 0)
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
	simulatortest.Play(t, world.Options{Seed: 12, Transactions: 2 * simulatortest.WholeDecks, BornBefore: 30}, nil,
		20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			open, trashed := ids(t, w, "fields=id"), ids(t, w, "query=trashed&sort=updated&dir=asc")
			summary := simulatortest.Fetch(t, w, "/onespan/api/reports/transaction-summary?from=1&to=100", 0)
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
					t.Errorf("%s: listed %v and trashed %v, in the lists %v and %v", row.Kind, row.Listed, row.Trashed, open[row.Ref],
						trashed[row.Ref])
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
				if form := simulatortest.Fetch(t, w, "/onespan/api/packages/"+url.PathEscape(ref), 0)["type"]; form != "LAYOUT" {
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
	simulatortest.Play(t, world.Options{Seed: 12, Transactions: simulatortest.WholeDecks}, nil, 12*time.Hour,
		func(t *testing.T, w *simulator.World) {
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

func TestOneSpanTokensOpenAndExpire(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 1, Transactions: 2}, nil, time.Hour, func(t *testing.T, w *simulator.World) {
		a := w.Accounts()[0]
		post := func(path, contentType, body string, basic bool) map[string]any {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://sim.example"+path,
				strings.NewReader(body))
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
		app := post("/onespan/apitoken/clientApp/accessToken", "application/json",
			fmt.Sprintf(`{"clientId":%q,"secret":%q,"type":"OWNER"}`, a.ClientID, a.ClientSecret), false)
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
