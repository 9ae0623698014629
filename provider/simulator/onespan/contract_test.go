package onespan_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
)

// oneSpanSpecification is OneSpan's document, mended where the dossier knows better.
func oneSpanSpecification(t *testing.T) *openapi3.T {
	doc := simulatortest.Specification(t, "onespan-sign-openapi-11.51-subset.json")
	schemas := doc.Components.Schemas
	for _, schema := range schemas { // data is a free map; the document wants an object for each value
		if data := schema.Value.Properties["data"]; data != nil && data.Value.AdditionalProperties.Schema != nil {
			data.Value.AdditionalProperties = openapi3.AdditionalProperties{}
		}
	}
	for _, field := range [][2]string{{"Package", "completed"}, {"Package", "due"}, {"Approval", "accepted"},
		{"Approval", "signed"}} {
		schemas[field[0]].Value.Properties[field[1]].Value.Nullable = true // dossier, 4.2: a date or null
	}
	// dossier, 4.3: a flag
	schemas["PackageCompletionReport"].Value.Properties["trashed"] = openapi3.NewBoolSchema().NewRef()
	return doc
}

func oneSpanHeader(w *simulator.World) http.Header {
	return http.Header{"Authorization": {"Basic " + w.Accounts()[0].Settings["api_key"].(string)},
		"Accept": {"application/json"}}
}

func TestOneSpanAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := oneSpanSpecification(t)
	simulatortest.Settled(t, func(t *testing.T, w *simulator.World) {
		c := simulatortest.NewContract(t, w, doc, "http://sim.example/onespan", oneSpanHeader(w))
		for _, query := range []string{"from=1&to=100", "from=101&to=200", "query=trashed&from=1&to=100", "type=TEMPLATE",
			"query=drafts&sort=updated&dir=asc", "predefined=completed"} {
			c.Ask("GET", "/api/packages?"+query, "", 200)
		}
		c.Ask("GET", "/api/packages?lastUpdatedStartDate=yesterday", "", 400)
		c.Ask("GET", "/api/packages/nobody", "", 404)
		for _, row := range w.Truth().Transactions {
			if row.Provider != "onespan" {
				continue
			}
			at, want := "/api/packages/"+url.PathEscape(row.Ref), 200
			if row.Deleted {
				want = 404
			}
			for _, path := range []string{"", "?extensions=alerts", "/signingStatus", "/roles", "/audit",
				"/documents/default-consent"} {
				c.Ask("GET", at+path, "", want)
			}
			if !row.Trashed {
				c.Ask("GET", at+"/evidence/summary", "", 200)
				c.Ask("GET", at+"/documents/zip", "", 200)
			}
		}
		c.Ask("GET", "/api/reports/completion?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", "", 200)
		c.Ask("GET", "/api/reports/completion", "", 200)
		c.Ask("GET", "/api/reports/transaction-summary?from=1&to=100", "", 200)
		c.Ask("GET", "/api/reports/transaction-detail/"+url.PathEscape(w.Truth().Transactions[0].Ref), "", 200)
		c.Ask("GET", "/api/dataRetentionSettings/dataManagementPolicy", "", 200)
		c.Ask("GET", "/api/dataRetentionSettings/expiryTimeConfiguration", "", 200)
		c.Ask("POST", "/api/callback", `{"url":"https://a.example/callbacks/x","key":"k","events":["PACKAGE_COMPLETE"]}`, 200)
		c.Ask("GET", "/api/callback", "", 200)
		c.Ask("GET", "/api/callback/connectors/dynamics", "", 404)
		c.Ask("POST", "/api/callback/connectors/dynamics", `{}`, 400)
		c.Header = http.Header{"Authorization": {"Basic wrong"}}
		c.Ask("GET", "/api/packages", "", 401)
		simulatortest.Covered(t, doc, c, "/api/packages/{packageId}/documents/{documentId}/original",
			"/api/packages/{packageId}/documents/{documentId}/pdf")
	})
}
