package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// documensoWorld is enough envelopes for each kind of life, and nobody else's transactions.
func documensoWorld(more func(*Options)) Options {
	o := Options{Seed: 21, Transactions: 60, Services: []string{"documenso"}, QuotaScale: 1000}
	if more != nil {
		more(&o)
	}
	return o
}

func documensoHeader(w *World) http.Header {
	return http.Header{"Authorization": {w.Accounts()[0].Settings["api_key"].(string)}}
}

// samples loads the captured bodies whose name fits, or skips the test where they are not at hand.
func samples(t *testing.T, pattern string) map[string]any {
	t.Helper()
	shared := os.Getenv("COUNTERSIGN_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	files, err := filepath.Glob(filepath.Join(shared, "providers", "samples", "documenso", pattern))
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no captured bodies %s below %s: %v (COUNTERSIGN_SHARED names their folder)", pattern, shared, err)
		}
		t.Skipf("the captured bodies are not at hand, so nothing is held against them: %s below %s (COUNTERSIGN_SHARED names their folder)", pattern, shared)
	}
	all := map[string]any{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[filepath.Base(name)] = v
	}
	return all
}

// unlike says where ours lacks a member of theirs or has another JSON type. What is null on one
// side says nothing of the type; of lists the first elements are compared.
func unlike(path string, ours, theirs any) []string {
	if ours == nil || theirs == nil {
		return nil
	}
	if a, b := fmt.Sprintf("%T", ours), fmt.Sprintf("%T", theirs); a != b {
		return []string{fmt.Sprintf("%s is %s, captured was %s", path, a, b)}
	}
	var found []string
	switch their := theirs.(type) {
	case map[string]any:
		our := ours.(map[string]any)
		for name, value := range their {
			if mine, some := our[name]; some {
				found = append(found, unlike(path+"."+name, mine, value)...)
			} else {
				found = append(found, path+"."+name+" is missing")
			}
		}
		for name := range our {
			if _, some := their[name]; !some {
				found = append(found, path+"."+name+" was not captured")
			}
		}
	case []any:
		if our := ours.([]any); len(our) > 0 && len(their) > 0 {
			return unlike(path+"[0]", our[0], their[0])
		}
	}
	slices.Sort(found)
	return found
}

func TestTheComparisonWithCapturesFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	read := func(text string) (v any) {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	theirs := read(`{"a":1,"b":[{"c":"x"}],"d":null,"e":{"f":true}}`)
	for ours, want := range map[string]int{
		`{"a":2,"b":[{"c":"y"}],"d":"z","e":{"f":false}}`: 0, `{"b":[],"d":null,"e":null,"a":1}`: 0,
		`{"a":"1","b":[{}],"e":{"f":true,"g":1}}`: 4,
	} {
		if got := unlike("", read(ours), theirs); len(got) != want {
			t.Errorf("%s: %q", ours, got)
		}
	}
}

func TestDocumensoAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t, "documenso-openapi-v2-subset.json")
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		play(t, documensoWorld(nil), &listener{}, span, func(t *testing.T, w *World) {
			c := newContract(t, w, doc, "http://sim.example/documenso/api/v2", documensoHeader(w))
			for _, query := range []string{"", "?type=DOCUMENT&perPage=100", "?type=TEMPLATE", "?page=3&perPage=2&orderByColumn=createdAt&orderByDirection=asc", "?status=PENDING", "?page=99", "?updatedSince=2026"} {
				c.ask("GET", "/envelope"+query, "", 200)
			}
			for _, query := range []string{"?perPage=101", "?perPage=0", "?page=0", "?status=EXPIRED", "?status=DRAFT&status=PENDING", "?type=FORM"} {
				c.ask("GET", "/envelope"+query, "", 400)
			}
			c.ask("GET", "/folder?type=DOCUMENT", "", 200)
			c.ask("GET", "/envelope/nothing", "", 400)
			c.ask("GET", "/envelope/envelope_nobody", "", 404)
			c.ask("POST", "/envelope/get-many", `{"ids":{"type":"envelopeId","ids":[]}}`, 400)
			for _, row := range w.Truth().Transactions {
				want := 200
				if row.Absent {
					want = 404
				}
				c.ask("GET", "/envelope/"+row.Ref, "", want)
				c.ask("GET", "/envelope/"+row.Ref+"/audit-log?perPage=100", "", want)
				c.ask("POST", "/envelope/get-many", `{"ids":{"type":"envelopeId","ids":["`+row.Ref+`"]}}`, 200)
			}
			for key, key2 := range map[string]int{"": 401, "api_wrong": 401} {
				c.header = http.Header{"Authorization": {key}}
				c.ask("GET", "/envelope", "", key2)
			}
			covered(t, doc, c, "/envelope/{envelopeId}/audit-log/download", "/envelope/{envelopeId}/certificate/download", "/envelope/item/{envelopeItemId}/download")
		})
	}
}

func TestDocumensoCallbacksLookAsCaptured(t *testing.T) {
	t.Parallel()
	captured := samples(t, "webhook.*_*.json")
	l := &listener{}
	play(t, documensoWorld(nil), l, 20*24*time.Hour, func(t *testing.T, w *World) {
		ours := map[string]any{} // an example of each event
		test := any(nil)
		for _, h := range l.heard() {
			var body map[string]any
			if err := json.Unmarshal(h.body, &body); err != nil {
				t.Fatal(err)
			}
			if body["payload"].(map[string]any)["envelopeId"] == "env_123" {
				test = body
				continue
			}
			ours[body["event"].(string)] = body
		}
		for name, theirs := range captured {
			event := strings.Split(name, ".")[1]
			mine := ours[event]
			if strings.Contains(name, "test_button") {
				mine = test
			}
			if mine == nil {
				t.Errorf("no callback like %s", name)
			}
			for _, what := range unlike(event, mine, theirs) {
				t.Errorf("%s: %s", name, what)
			}
		}
		for event := range ours {
			if len(captured) > 0 && !slices.ContainsFunc(keys(captured), func(name string) bool { return strings.Contains(name, event) }) {
				t.Errorf("%s was never captured", event)
			}
		}
	})
}

func keys(m map[string]any) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// asks makes a request, and gives what came back as JSON.
func asks(t *testing.T, w *World, method, path, body string, h http.Header) (int, http.Header, any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://sim.example/documenso"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	var v any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return resp.StatusCode, resp.Header, v
}

func TestDocumensoErrorsLookAsCaptured(t *testing.T) {
	t.Parallel()
	captured := samples(t, "error.*.json")
	completed, n := "", 21
	many := func() string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = `"envelope_a"`
		}
		return `{"ids":{"type":"envelopeId","ids":[` + strings.Join(ids, ",") + `]}}`
	}
	play(t, documensoWorld(func(o *Options) { o.KeyLife = 30 * 24 * time.Hour }), nil, 20*24*time.Hour, func(t *testing.T, w *World) {
		for _, row := range w.Truth().Transactions {
			if row.Kind == "completed" {
				completed = "/api/v2/envelope/item/" + row.Documents[0].ID + "/download"
			}
		}
		good, bad := documensoHeader(w), http.Header{"Authorization": {"api_wrong"}}
		hold := func(name string, want int, method, path, body string, h http.Header) {
			t.Helper()
			status, _, ours := asks(t, w, method, path, body, h)
			if status != want {
				t.Errorf("%s: %d, want %d", name, status, want)
			}
			for _, what := range unlike("", ours, captured[name]) {
				t.Errorf("%s: %s", name, what)
			}
			if name != "" && captured[name] == nil {
				t.Errorf("%s was not captured", name)
			}
		}
		hold("error.400.perPage.json", 400, "GET", "/api/v2/envelope?perPage=101", "", good)
		hold("error.400.status.json", 400, "GET", "/api/v2/envelope?status=EXPIRED", "", good)
		hold("error.400.get_many.json", 400, "POST", "/api/v2/envelope/get-many", many(), good)
		hold("error.400.download_version.json", 400, "GET", completed+"?version=final", "", good)
		hold("error.400.download_pending_of_completed.json", 400, "GET", completed+"?version=pending", "", good)
		hold("error.401.bad_key.json", 401, "GET", "/api/v2/envelope/envelope_a", "", bad)
		hold("error.401.bad_key.json", 401, "GET", "/api/v2/envelope", "", http.Header{"Authorization": {"bearer " + good.Get("Authorization")}})
		hold("error.401.no_key.json", 401, "GET", "/api/v2/envelope/envelope_a", "", http.Header{})
		hold("error.401.download_bad_key.json", 401, "GET", completed, "", bad)
		hold("error.401.download_no_key.json", 401, "GET", completed, "", http.Header{})
		hold("error.404.download.json", 404, "GET", "/api/v2/envelope/item/envelope_item_a/download", "", good)
		hold("error.404.envelope.json", 404, "GET", "/api/v2/envelope/envelope_a", "", good)
		hold("error.404.path.json", 404, "GET", "/api/v2/nothing", "", good)
		n = 20
		if status, _, body := asks(t, w, "POST", "/api/v2/envelope/get-many", many(), good); status != 200 || len(body.(map[string]any)["data"].([]any)) != 0 {
			t.Errorf("twenty unknown ids: %d %v", status, body)
		}
		time.Sleep(11 * 24 * time.Hour)
		hold("error.400.expired_key.json", 400, "GET", "/api/v2/envelope", "", good)
	})
}
