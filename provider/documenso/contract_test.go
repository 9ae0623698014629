package documenso

import (
	"bytes"
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

// specification is the service's own OpenAPI document, cut to the paths that read.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(shared(t, "specs", "documenso-openapi-v2-subset.json"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOurRequestsStandInTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t)
	sh := &shelf{status: "PENDING", in: map[string][]int{"": ages(1, 150), "a": {201}}, folders: map[string][]string{"": {"a"}}}
	f := providertest.Serve(t, sh.answer)
	s := account(t, f.URL, keyed)
	walk(t, s, provider.ListQuery{})
	s.Fetch(t.Context(), testRef)                                                                                      //nolint:errcheck // only the requests matter
	s.FetchBatch(t.Context(), []string{testRef})                                                                       //nolint:errcheck // the same
	s.Download(t.Context(), testRef, model.DocumentRef{ID: "envelope_item_x", Kind: model.SignedDocument}, io.Discard) //nolint:errcheck // the same
	s.Download(t.Context(), testRef, model.DocumentRef{ID: certificateID, Kind: model.EvidenceDocument}, io.Discard)   //nolint:errcheck // the same
	s.Check(t.Context())                                                                                               //nolint:errcheck // the same

	doc.Servers = openapi3.Servers{{URL: f.URL + "/api/v2"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for i, r := range f.Requests() {
		if r.URL, err = url.Parse(f.URL + r.RequestURI); err != nil {
			t.Fatal(err)
		}
		r.Body = io.NopCloser(bytes.NewReader([]byte(f.Bodies()[i])))
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
				t.Errorf("%s has no parameter %s, and the service ignores what it does not know", route.Path, name)
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
	op := specification(t).Paths.Value("/envelope/{envelopeId}").GetOperation(http.MethodGet)
	schema := op.Responses.Value("200").Value.Content["application/json"].Schema.Value
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no answers", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".golden.json") || strings.HasSuffix(name, "unknown_word.json") {
			continue // a meaning, or a word of the future
		}
		raw, err := os.ReadFile(name)
		var v any
		if err != nil || json.Unmarshal(raw, &v) != nil {
			t.Fatal(name, err)
		}
		if err := schema.VisitJSON(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
