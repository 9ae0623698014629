package dropboxsign

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"countersign/provider"
	"countersign/provider/providertest"
)

// specification is the service's own OpenAPI document, cut to what we call. It is not in this
// repository: the test is skipped where it is absent, but not in CI.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	path := filepath.Join(cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../shared"), "providers/specs/dropbox-sign-openapi-3.0.0-subset.json")
	if _, err := os.Stat(path); err != nil && os.Getenv("CI") == "" {
		t.Skip("no specification beside the repository")
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOurRequestsStandInTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t)
	w := of(150)
	f := providertest.Serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/list") {
			w.answer(rw, r)
			return
		}
		io.WriteString(rw, "{}") //nolint:errcheck // only the requests matter
	})
	for _, via := range []string{viaFiles, viaFileURL} {
		s := account(t, f.URL, "{api_key: a, app_client_ids: [app], download_via: "+via+"}")
		walk(t, s, window)
		s.Fetch(t.Context(), testRef)                      //nolint:errcheck // only the requests matter
		s.Download(t.Context(), testRef, sent, io.Discard) //nolint:errcheck // the same
		s.Registration(t.Context())                        //nolint:errcheck // the same
		for _, scope := range []string{"", "app:app"} {
			s.Register(t.Context(), provider.Registration{URL: ourURL, Scope: scope}, true) //nolint:errcheck // the same
		}
	}
	doc.Servers = openapi3.Servers{{URL: f.URL + "/v3"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, r := range f.Requests() {
		if r.URL, err = url.Parse(f.URL + r.RequestURI); err != nil {
			t.Fatal(err)
		}
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
			continue
		}
		asked[route.Path] = true
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		}}
		if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
		}
		for name := range r.URL.Query() {
			if route.Operation.Parameters.GetByInAndName("query", name) == nil {
				t.Errorf("%s has no parameter %s", route.Path, name)
			}
		}
	}
	if len(asked) != 6 {
		t.Errorf("asked %v", asked)
	}
}

// The recorded answers are our own: they must have the shape that the service declares.
func TestOurAnswersHaveTheDeclaredShape(t *testing.T) {
	t.Parallel()
	schemas := specification(t).Components.Schemas
	for pattern, name := range map[string]string{
		"answers/*": "SignatureRequestGetResponse", "lists/*": "SignatureRequestListResponse", "errors/*": "ErrorResponse",
		"account/app": "ApiAppGetResponse", "account/alone": "AccountGetResponse", "account/in_a_team": "AccountGetResponse", "account/locked": "AccountGetResponse",
	} {
		files, err := recordings(pattern + ".json")
		if err != nil || len(files) == 0 {
			t.Errorf("no %s: %v", pattern, err)
		}
		for _, file := range files {
			var v any
			if raw, err := os.ReadFile(file); err != nil || json.Unmarshal(raw, &v) != nil {
				t.Fatal(file, err)
			}
			if err := schemas[name].Value.VisitJSON(v); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// The recorded callbacks have the declared shape too, but for types that the document lacks.
func TestOurCallbacksHaveTheDeclaredShape(t *testing.T) {
	t.Parallel()
	schema := specification(t).Components.Schemas["EventCallbackRequest"].Value
	files, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no callbacks", err)
	}
	undeclared := map[string]bool{evDelegated: true, evTest: true, "signature_request_notarised": true, "fax_received": true}
	for _, file := range files {
		raw, e, err := read(replayed(t, file))
		if err != nil {
			t.Fatal(file, err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(file, err)
		}
		if err := schema.VisitJSON(v); err != nil && !undeclared[string(e.Event.Type)] && e.Event.Time != "" {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestEveryDeclaredEventHasAMeaning(t *testing.T) {
	t.Parallel()
	declared := specification(t).Components.Schemas["EventCallbackRequestEvent"].Value.Properties["event_type"].Value.Enum
	for _, typ := range declared {
		if _, ok := meanings[typ.(string)]; !ok {
			t.Errorf("%s", typ)
		}
	}
	if len(meanings) != len(declared)+2 { // two of an older SDK
		t.Errorf("%d meanings of %d types", len(meanings), len(declared))
	}
}
