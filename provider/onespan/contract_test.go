package onespan

import (
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

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// specification is the service's own OpenAPI document, cut to what we call. It is not in this
// repository: the test is skipped where it is absent, but not in CI.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	shared := os.Getenv("COUNTERSIGN_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	path := filepath.Join(shared, "providers", "specs", "onespan-sign-openapi-11.51-subset.json")
	if _, err := os.Stat(path); err != nil && os.Getenv("CI") == "" {
		t.Skipf("no specification at %s: set COUNTERSIGN_SHARED to the folder that has providers/specs", path)
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
	w := &world{live: ids("own", 120), trashed: ids("trashed", 1), others: ids("other", 1), base: 1}
	f := providertest.Serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/packages" || strings.HasPrefix(r.URL.Path, "/api/reports/") {
			w.answer(rw, r)
			return
		}
		io.WriteString(rw, "{}") //nolint:errcheck // only the requests matter
	})
	s := account(t, f.URL, keyed)
	walk(t, s, provider.ListQuery{Since: noon.AddDate(0, 0, -30), Until: noon})
	s.Fetch(t.Context(), testRef)                                                                                 //nolint:errcheck // only the requests matter
	s.Download(t.Context(), testRef, model.DocumentRef{ID: "d", Kind: model.SignedDocument}, io.Discard)          //nolint:errcheck // the same
	s.Download(t.Context(), testRef, model.DocumentRef{ID: evidenceID, Kind: model.EvidenceDocument}, io.Discard) //nolint:errcheck // the same
	s.Registration(t.Context())                                                                                   //nolint:errcheck // the same
	s.Check(t.Context())                                                                                          //nolint:errcheck // the same
	s.Register(t.Context(), provider.Registration{URL: ourURL}, false)                                            //nolint:errcheck // the same

	doc.Servers = openapi3.Servers{{URL: f.URL}}
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
	if len(asked) != 7 {
		t.Errorf("asked %v", asked)
	}
}

// The recorded answers are our own: they must have the shape that the service declares. Nulls are
// dropped first, since real answers hold them where the specification does not allow them.
func TestOurAnswersHaveTheDeclaredShape(t *testing.T) {
	t.Parallel()
	schema := specification(t).Components.Schemas["Package"].Value
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers", err)
	}
	for _, name := range files {
		var v map[string]any
		if raw, err := os.ReadFile(name); err != nil || json.Unmarshal(raw, &v) != nil {
			t.Fatal(name, err)
		}
		if _, ok := v["roles"]; !ok || strings.HasSuffix(name, "unknown_word.json") {
			continue // no package, or one with a word of the future
		}
		delete(v, "data") // declared as a map of objects, and holds texts
		if err := schema.VisitJSON(withoutNulls(v)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
			} else {
				v[k] = withoutNulls(x)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}
