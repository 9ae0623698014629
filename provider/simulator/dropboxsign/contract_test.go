package dropboxsign_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestDropboxSignAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := simulatortest.Specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	simulatortest.Settled(t, func(t *testing.T, w *simulator.World) {
		req, _ := http.NewRequest("GET", "/", nil)
		req.SetBasicAuth(w.Accounts()[1].Settings["api_key"].(string), "")
		c := simulatortest.NewContract(t, w, doc, "http://sim.example/dropboxsign/v3", req.Header)
		for _, query := range []string{"page=1&page_size=100", "page=2&page_size=20&query=" +
			url.QueryEscape("complete:true AND from:me"), "page_size=500", "page=99"} {
			c.Ask("GET", "/signature_request/list?"+query, "", 200)
		}
		c.Ask("GET", "/signature_request/list?query=colour:red", "", 400)
		c.Ask("GET", "/signature_request/0000000000000000000000000000000000000000", "", 404)
		for _, row := range w.Truth().Transactions {
			if row.Provider != "dropboxsign" {
				continue
			}
			want, file := 200, 200
			switch row.Status {
			case "cancelled":
				want, file = 410, 410
			case "failed":
				file = 404
			}
			c.Ask("GET", "/signature_request/"+row.Ref, "", want)
			c.Ask("GET", "/signature_request/files_as_file_url/"+row.Ref+"?force_download=0", "", file)
			c.Ask("GET", "/signature_request/files/"+row.Ref+"?file_type=zip", "", file)
		}
		c.Ask("PUT", "/account", `{"callback_url":"https://a.example/callbacks/x"}`, 200)
		c.Ask("PUT", "/account", `{"callback_url":"not a url"}`, 400)
		c.Ask("GET", "/account", "", 200)
		client := w.Accounts()[1].ClientID
		c.Ask("PUT", "/api_app/"+client, `{"callback_url":"https://a.example/app"}`, 200)
		c.Ask("GET", "/api_app/"+client, "", 200)
		c.Ask("GET", "/api_app/nobody", "", 404)
		c.Ask("GET", "/api_app/list", "", 200)
		c.Header = http.Header{}
		c.Ask("GET", "/account", "", 401)
		simulatortest.Covered(t, doc, c)
	})
}

func TestDropboxSignCallbacksKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := simulatortest.Specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	request := doc.Components.Schemas["EventCallbackRequest"].Value
	event := doc.Components.Schemas["EventCallbackRequestEvent"].Value
	metadata := doc.Components.Schemas["EventCallbackRequestEventMetadata"].Value
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: simulatortest.WholeDecks}, l, 10*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			primary := w.Accounts()[1].Settings["callback_keys"].([]string)[0]
			kinds := map[string]bool{}
			for _, h := range l.Heard() {
				if h.Account != simulator.AccountDropboxSign {
					continue
				}
				var body map[string]any
				if err := json.Unmarshal(simulatortest.EventText(t, h), &body); err != nil {
					t.Fatal(err)
				}
				e := body["event"].(map[string]any)
				for schema, v := range map[*openapi3.Schema]any{request: body, event: e, metadata: e["event_metadata"]} {
					if err := schema.VisitJSON(v); err != nil {
						t.Errorf("%s: %v", e["event_type"], err)
					}
				}
				if e["event_hash"] != simulatortest.DropboxHash(primary, e["event_time"].(string), e["event_type"].(string)) {
					t.Errorf("%s: the hash is not the primary key's", e["event_type"])
				}
				if h.Header.Get("User-Agent") != "HelloSign API" || h.Header.Get("Content-Sha256") == "" ||
					h.Header.Get("Content-Md5") == "" {
					t.Errorf("headers: %v", h.Header)
				}
				kinds[e["event_type"].(string)] = true
			}
			if len(kinds) < 16 {
				t.Errorf("only %d types of event: %v", len(kinds), kinds)
			}
		})
}
