// Package contract compares what a provider sends with the service's own OpenAPI document.
package contract

import (
	"bytes"
	"cmp"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"countersign/provider/providertest"
)

// Specification reads a service's OpenAPI document, cut to what we call. It is not in this repository: the test is
// skipped where it is absent, but not in CI.
func Specification(t *testing.T, name string) *openapi3.T {
	t.Helper()
	shared := cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../shared") // beside the repository
	path := filepath.Join(shared, "providers", "specs", name)
	if _, err := os.Stat(path); err != nil && os.Getenv("CI") == "" {
		t.Skipf("no specification at %s: set COUNTERSIGN_SHARED to the folder that has providers/specs", path)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Requests holds what a service was asked against its document, whose paths begin with base, and returns how many of
// those paths were asked for.
func Requests(t *testing.T, doc *openapi3.T, base string, s *providertest.Service) int {
	t.Helper()
	doc.Servers = openapi3.Servers{{URL: s.URL + base}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	bodies := s.Bodies()
	for i, r := range s.Requests() {
		if r.URL, err = url.Parse(s.URL + r.RequestURI); err != nil {
			t.Fatal(err)
		}
		r.Body = io.NopCloser(bytes.NewReader([]byte(bodies[i])))
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
			continue
		}
		asked[route.Path] = true
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{
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
	return len(asked)
}
