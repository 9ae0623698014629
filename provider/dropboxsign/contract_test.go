package dropboxsign

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/contract"
)

// specification is the document of the service itself.
func specification(t *testing.T) *openapi3.T {
	t.Helper()
	return contract.Specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
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
	if n := contract.Requests(t, doc, "/v3", f); n != 6 {
		t.Errorf("%d paths were asked for", n)
	}
}

// The recorded answers are our own: they must have the shape that the service declares.
func TestOurAnswersHaveTheDeclaredShape(t *testing.T) {
	t.Parallel()
	schemas := specification(t).Components.Schemas
	for pattern, name := range map[string]string{
		"answers/*": "SignatureRequestGetResponse", "lists/*": "SignatureRequestListResponse", "errors/*": "ErrorResponse",
		"account/app": "ApiAppGetResponse", "account/alone": "AccountGetResponse",
		"account/in_a_team": "AccountGetResponse", "account/locked": "AccountGetResponse",
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
	undeclared := map[string]bool{evDelegated: true, evTest: true, "signature_request_notarised": true,
		"fax_received": true}
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
