package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// specification loads one of the vendors' documents, or skips the test where they are not at hand.
func specification(t *testing.T, name string) *openapi3.T {
	t.Helper()
	shared := os.Getenv("COUNTERSIGN_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(shared, "providers", "specs", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the specifications are not at hand: %v (COUNTERSIGN_SHARED names their folder)", err)
		}
		t.Skipf("the vendors' specifications are not at hand, so answers are not held against them: %v (COUNTERSIGN_SHARED names their folder)", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// oneSpanSpecification is OneSpan's document, mended where the dossier knows better.
func oneSpanSpecification(t *testing.T) *openapi3.T {
	doc := specification(t, "onespan-sign-openapi-11.51-subset.json")
	schemas := doc.Components.Schemas
	for _, schema := range schemas { // data is a free map; the document wants an object for each value
		if data := schema.Value.Properties["data"]; data != nil && data.Value.AdditionalProperties.Schema != nil {
			data.Value.AdditionalProperties = openapi3.AdditionalProperties{}
		}
	}
	for _, field := range [][2]string{{"Package", "completed"}, {"Package", "due"}, {"Approval", "accepted"}, {"Approval", "signed"}} {
		schemas[field[0]].Value.Properties[field[1]].Value.Nullable = true // dossier, 4.2: a date or null
	}
	schemas["PackageCompletionReport"].Value.Properties["trashed"] = openapi3.NewBoolSchema().NewRef() // dossier, 4.3: a flag
	return doc
}

// contract holds answers against a document.
type contract struct {
	t      *testing.T
	base   string
	router routers.Router
	client http.RoundTripper
	header http.Header
	seen   map[string]int // answers validated, by operation and status
}

func newContract(t *testing.T, w *World, doc *openapi3.T, base string, header http.Header) *contract {
	t.Helper()
	doc.Servers = openapi3.Servers{{URL: base}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{t: t, base: base, router: router, client: w.Transport(), header: header, seen: map[string]int{}}
}

// ask sends a request and validates the answer.
func (c *contract) ask(method, path, body string, want int) []byte {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	resp, err := c.client.RoundTrip(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.StatusCode != want {
		c.t.Errorf("%s %s: %d, want %d: %.300s", method, path, resp.StatusCode, want, answer)
	}
	c.seen[fmt.Sprintf("%s %s %d", method, route.Path, resp.StatusCode)]++
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	input.SetBodyBytes(answer)
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != "application/json" {
		input.Options.ExcludeResponseBody = true // files are looked at elsewhere
	}
	if err := openapi3filter.ValidateResponse(c.t.Context(), input); err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
	}
	return answer
}

// settled is a world of every kind of life, some of it in the middle and some at the end.
func settled(t *testing.T, check func(t *testing.T, w *World)) {
	t.Helper()
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		play(t, Options{Seed: 11, Transactions: 2 * wholeDecks, BornBefore: 20, QuotaScale: 1000}, &listener{}, span, check)
	}
}

func oneSpanHeader(w *World) http.Header {
	return http.Header{"Authorization": {"Basic " + w.Accounts()[0].Settings["api_key"].(string)}, "Accept": {"application/json"}}
}

func TestOneSpanAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := oneSpanSpecification(t)
	settled(t, func(t *testing.T, w *World) {
		c := newContract(t, w, doc, "http://sim.example/onespan", oneSpanHeader(w))
		for _, query := range []string{"from=1&to=100", "from=101&to=200", "query=trashed&from=1&to=100", "type=TEMPLATE", "query=drafts&sort=updated&dir=asc", "predefined=completed"} {
			c.ask("GET", "/api/packages?"+query, "", 200)
		}
		c.ask("GET", "/api/packages?lastUpdatedStartDate=yesterday", "", 400)
		c.ask("GET", "/api/packages/nobody", "", 404)
		for _, row := range w.Truth().Transactions {
			if row.Provider != "onespan" {
				continue
			}
			at, want := "/api/packages/"+url.PathEscape(row.Ref), 200
			if row.Deleted {
				want = 404
			}
			for _, path := range []string{"", "?extensions=alerts", "/signingStatus", "/roles", "/audit", "/documents/default-consent"} {
				c.ask("GET", at+path, "", want)
			}
			if !row.Trashed {
				c.ask("GET", at+"/evidence/summary", "", 200)
				c.ask("GET", at+"/documents/zip", "", 200)
			}
		}
		c.ask("GET", "/api/reports/completion?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", "", 200)
		c.ask("GET", "/api/reports/completion", "", 200)
		c.ask("GET", "/api/reports/transaction-summary?from=1&to=100", "", 200)
		c.ask("GET", "/api/reports/transaction-detail/"+url.PathEscape(w.Truth().Transactions[0].Ref), "", 200)
		c.ask("GET", "/api/dataRetentionSettings/dataManagementPolicy", "", 200)
		c.ask("GET", "/api/dataRetentionSettings/expiryTimeConfiguration", "", 200)
		c.ask("POST", "/api/callback", `{"url":"https://a.example/callbacks/x","key":"k","events":["PACKAGE_COMPLETE"]}`, 200)
		c.ask("GET", "/api/callback", "", 200)
		c.ask("GET", "/api/callback/connectors/dynamics", "", 404)
		c.ask("POST", "/api/callback/connectors/dynamics", `{}`, 400)
		c.header = http.Header{"Authorization": {"Basic wrong"}}
		c.ask("GET", "/api/packages", "", 401)
		covered(t, doc, c, "/api/packages/{packageId}/documents/{documentId}/original", "/api/packages/{packageId}/documents/{documentId}/pdf")
	})
}

func TestDropboxSignAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	settled(t, func(t *testing.T, w *World) {
		req, _ := http.NewRequest("GET", "/", nil)
		req.SetBasicAuth(w.Accounts()[1].Settings["api_key"].(string), "")
		c := newContract(t, w, doc, "http://sim.example/dropboxsign/v3", req.Header)
		for _, query := range []string{"page=1&page_size=100", "page=2&page_size=20&query=" + url.QueryEscape("complete:true AND from:me"), "page_size=500", "page=99"} {
			c.ask("GET", "/signature_request/list?"+query, "", 200)
		}
		c.ask("GET", "/signature_request/list?query=colour:red", "", 400)
		c.ask("GET", "/signature_request/0000000000000000000000000000000000000000", "", 404)
		for _, row := range w.Truth().Transactions {
			if row.Provider != "dropboxsign" {
				continue
			}
			want, file := 200, 200
			switch row.Status {
			case "cancelled":
				want, file = 410, 410
			case "failed":
				file = 404
			}
			c.ask("GET", "/signature_request/"+row.Ref, "", want)
			c.ask("GET", "/signature_request/files_as_file_url/"+row.Ref+"?force_download=0", "", file)
			c.ask("GET", "/signature_request/files/"+row.Ref+"?file_type=zip", "", file)
		}
		c.ask("PUT", "/account", `{"callback_url":"https://a.example/callbacks/x"}`, 200)
		c.ask("PUT", "/account", `{"callback_url":"not a url"}`, 400)
		c.ask("GET", "/account", "", 200)
		client := w.Accounts()[1].ClientID
		c.ask("PUT", "/api_app/"+client, `{"callback_url":"https://a.example/app"}`, 200)
		c.ask("GET", "/api_app/"+client, "", 200)
		c.ask("GET", "/api_app/nobody", "", 404)
		c.ask("GET", "/api_app/list", "", 200)
		c.header = http.Header{}
		c.ask("GET", "/account", "", 401)
		covered(t, doc, c)
	})
}

// covered says which operations of a document no request was made to.
func covered(t *testing.T, doc *openapi3.T, c *contract, elsewhere ...string) {
	t.Helper()
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			asked := strings.Contains(strings.Join(elsewhere, " ")+" ", path+" ")
			for key := range c.seen {
				asked = asked || strings.HasPrefix(key, method+" "+path+" ")
			}
			if !asked {
				t.Errorf("%s %s was never asked", method, path)
			}
		}
	}
}

func TestFaultyAnswersKeepTheSpecificationOrAreNone(t *testing.T) {
	t.Parallel()
	doc := specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	schema := doc.Components.Schemas["ErrorResponse"].Value
	play(t, Options{Seed: 3, Transactions: 4, Faults: Faults{ErrorRate: 0.5, RateLimit: 0.5}}, nil, time.Hour, func(t *testing.T, w *World) {
		seen := map[string]int{}
		for range 400 {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://sim.example/dropboxsign/v3/account", nil)
			req.SetBasicAuth(w.Accounts()[1].Settings["api_key"].(string), "")
			resp, err := w.Transport().RoundTrip(req)
			if err != nil {
				seen["reset"]++
				continue
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			wait := resp.Header.Get("Retry-After")
			if _, err := http.ParseTime(wait); err == nil {
				wait = "date"
			}
			seen[strings.TrimSpace(fmt.Sprintf("%d %s %s", resp.StatusCode, media, wait))]++
			if media == "application/json" && resp.StatusCode >= 400 {
				var v any
				if err := json.Unmarshal(body, &v); err != nil {
					t.Fatal(err)
				}
				if err := schema.VisitJSON(v); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(time.Second)
		}
		for _, kind := range []string{
			"reset", "200 text/html", "502 text/html", "500 application/json", "503 application/json", "504 application/json",
			"429 application/json", "429 application/json 1", "429 application/json date", "200 application/json",
		} {
			if seen[kind] == 0 {
				t.Errorf("no answer of kind %q in %v", kind, seen)
			}
		}
	})
}

// eventText takes the event out of a callback.
func eventText(t *testing.T, h heard) []byte {
	t.Helper()
	media, params, err := mime.ParseMediaType(h.header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		t.Fatalf("content type %q: %v", h.header.Get("Content-Type"), err)
	}
	text, ok := formField(h.body, params["boundary"], "json")
	if !ok {
		t.Fatal("no field json")
	}
	if form, err := multipart.NewReader(bytes.NewReader(h.body), params["boundary"]).ReadForm(1 << 20); err != nil || len(form.Value)+len(form.File) != 1 {
		t.Errorf("the form has other fields: %v", err)
	}
	return []byte(text)
}

func TestDropboxSignCallbacksKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	request := doc.Components.Schemas["EventCallbackRequest"].Value
	event := doc.Components.Schemas["EventCallbackRequestEvent"].Value
	metadata := doc.Components.Schemas["EventCallbackRequestEventMetadata"].Value
	l := &listener{}
	play(t, Options{Seed: 4, Transactions: wholeDecks}, l, 10*24*time.Hour, func(t *testing.T, w *World) {
		primary := w.Accounts()[1].Settings["callback_keys"].([]string)[0]
		kinds := map[string]bool{}
		for _, h := range l.heard() {
			if h.account != AccountDropboxSign {
				continue
			}
			var body map[string]any
			if err := json.Unmarshal(eventText(t, h), &body); err != nil {
				t.Fatal(err)
			}
			e := body["event"].(map[string]any)
			for schema, v := range map[*openapi3.Schema]any{request: body, event: e, metadata: e["event_metadata"]} {
				if err := schema.VisitJSON(v); err != nil {
					t.Errorf("%s: %v", e["event_type"], err)
				}
			}
			if e["event_hash"] != eventHash(primary, e["event_time"].(string), e["event_type"].(string)) {
				t.Errorf("%s: the hash is not the primary key's", e["event_type"])
			}
			if h.header.Get("User-Agent") != "HelloSign API" || h.header.Get("Content-Sha256") == "" || h.header.Get("Content-Md5") == "" {
				t.Errorf("headers: %v", h.header)
			}
			kinds[e["event_type"].(string)] = true
		}
		if len(kinds) < 16 {
			t.Errorf("only %d types of event: %v", len(kinds), kinds)
		}
	})
}
