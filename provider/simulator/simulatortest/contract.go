package simulatortest

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"countersign/provider/simulator"
	"countersign/provider/simulator/world"
)

// Specification loads one of the vendors' documents, or skips the test where they are not at hand.
func Specification(t *testing.T, name string) *openapi3.T {
	t.Helper()
	shared := Shared(t)
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

// Contract holds answers against a document.
type Contract struct {
	t      *testing.T
	base   string
	router routers.Router
	client http.RoundTripper
	Header http.Header
	seen   map[string]int // answers validated, by operation and status
}

// NewContract holds the answers of a world below a base URL against a document.
func NewContract(t *testing.T, w *simulator.World, doc *openapi3.T, base string, header http.Header) *Contract {
	t.Helper()
	doc.Servers = openapi3.Servers{{URL: base}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &Contract{t: t, base: base, router: router, client: w.Transport(), Header: header, seen: map[string]int{}}
}

// Ask sends a request and validates the answer.
func (c *Contract) Ask(method, path, body string, want int) []byte {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.Header.Clone()
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

// Settled is a world of every kind of life, some of it in the middle and some at the end.
func Settled(t *testing.T, check func(t *testing.T, w *simulator.World)) {
	t.Helper()
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		Play(t, world.Options{Seed: 11, Transactions: 2 * WholeDecks, BornBefore: 20, QuotaScale: 1000}, &Listener{}, span,
			check)
	}
}

// Covered says which operations of a document no request was made to.
func Covered(t *testing.T, doc *openapi3.T, c *Contract, elsewhere ...string) {
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
