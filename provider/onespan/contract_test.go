package onespan

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/contract"
)

// specification is the document of the service itself.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	return contract.Specification(t, "onespan-sign-openapi-11.51-subset.json")
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

	if n := contract.Requests(t, doc, "", f); n != 7 {
		t.Errorf("%d paths were asked for", n)
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
