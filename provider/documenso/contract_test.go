package documenso

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
	return contract.Specification(t, "documenso-openapi-v2-subset.json")
}

func TestOurRequestsStandInTheSpecification(t *testing.T) {
	t.Parallel()
	doc := specification(t)
	sh := &shelf{status: "PENDING", in: map[string][]int{"": ages(1, 150), "a": {201}},
		folders: map[string][]string{"": {"a"}}}
	f := providertest.Serve(t, sh.answer)
	s := account(t, f.URL, keyed)
	walk(t, s, provider.ListQuery{})
	s.Fetch(t.Context(), testRef)                                                                                      //nolint:errcheck // only the requests matter
	s.FetchBatch(t.Context(), []string{testRef})                                                                       //nolint:errcheck // the same
	s.Download(t.Context(), testRef, model.DocumentRef{ID: "envelope_item_x", Kind: model.SignedDocument}, io.Discard) //nolint:errcheck // the same
	s.Download(t.Context(), testRef, model.DocumentRef{ID: certificateID, Kind: model.EvidenceDocument}, io.Discard)   //nolint:errcheck // the same
	s.Check(t.Context())                                                                                               //nolint:errcheck // the same

	if n := contract.Requests(t, doc, "/api/v2", f); n != 6 {
		t.Errorf("%d paths were asked for", n)
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
