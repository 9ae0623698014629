package console

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// What describes the API is valid OpenAPI 3.1, and its 3.0 form valid too; every operation has a name and a sentence,
// every answer of it a description, and no operation lacks its problems.
func TestTheDescriptionIsValid(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	for path, version := range map[string]string{"/openapi.json": "3.1.0", "/openapi-3.0.json": "3.0.3"} {
		a := d.ask("GET", path, "", "")
		if to := os.Getenv("COUNTERSIGN_WRITE_OPENAPI"); to != "" {
			os.WriteFile(to+path, []byte(a.body), 0o600) //nolint:errcheck // by hand
		}
		doc, err := openapi3.NewLoader().LoadFromData([]byte(a.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := doc.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if doc.OpenAPI != version {
			t.Errorf("%s is %s", path, doc.OpenAPI)
		}
		ids := map[string]bool{}
		for at, item := range doc.Paths.Map() {
			for method, o := range item.Operations() {
				if o.OperationID == "" || ids[o.OperationID] || o.Summary == "" || len(o.Tags) == 0 {
					t.Errorf("%s %s: %q %q %v", method, at, o.OperationID, o.Summary, o.Tags)
				}
				ids[o.OperationID] = true
				for _, status := range []string{"401", "422", "429", "503"} {
					if r := o.Responses.Value(status); r == nil || r.Value.Content["application/problem+json"] == nil {
						t.Errorf("%s %s does not say that it may answer %s", method, at, status)
					}
				}
				if strings.Contains(at, "{") && o.Responses.Value("404") == nil {
					t.Errorf("%s %s does not say that it may answer 404", method, at)
				}
			}
		}
	}
	var raw any
	a := d.ask("GET", "/openapi.json", "", "")
	if err := json.Unmarshal([]byte(a.body), &raw); err != nil || strings.Contains(a.body, "$schema\"") {
		t.Errorf("%v, or objects have a $schema", err)
	}
}
