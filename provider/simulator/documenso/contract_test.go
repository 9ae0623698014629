package documenso_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestDocumensoAnswersKeepTheSpecification(t *testing.T) {
	t.Parallel()
	doc := simulatortest.Specification(t, "documenso-openapi-v2-subset.json")
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		simulatortest.Play(t, simulatortest.DocumensoWorld(nil), &simulatortest.Listener{}, span,
			func(t *testing.T, w *simulator.World) {
				c := simulatortest.NewContract(t, w, doc, "http://sim.example/documenso/api/v2", simulatortest.DocumensoHeader(w))
				for _, query := range []string{"", "?type=DOCUMENT&perPage=100", "?type=TEMPLATE",
					"?page=3&perPage=2&orderByColumn=createdAt&orderByDirection=asc", "?status=PENDING", "?page=99",
					"?updatedSince=2026"} {
					c.Ask("GET", "/envelope"+query, "", 200)
				}
				for _, query := range []string{"?perPage=101", "?perPage=0", "?page=0", "?status=EXPIRED",
					"?status=DRAFT&status=PENDING", "?type=FORM"} {
					c.Ask("GET", "/envelope"+query, "", 400)
				}
				c.Ask("GET", "/folder?type=DOCUMENT", "", 200)
				c.Ask("GET", "/envelope/nothing", "", 400)
				c.Ask("GET", "/envelope/envelope_nobody", "", 404)
				c.Ask("POST", "/envelope/get-many", `{"ids":{"type":"envelopeId","ids":[]}}`, 400)
				for _, row := range w.Truth().Transactions {
					want := 200
					if row.Absent {
						want = 404
					}
					c.Ask("GET", "/envelope/"+row.Ref, "", want)
					c.Ask("GET", "/envelope/"+row.Ref+"/audit-log?perPage=100", "", want)
					c.Ask("POST", "/envelope/get-many", `{"ids":{"type":"envelopeId","ids":["`+row.Ref+`"]}}`, 200)
				}
				for key, key2 := range map[string]int{"": 401, "api_wrong": 401} {
					c.Header = http.Header{"Authorization": {key}}
					c.Ask("GET", "/envelope", "", key2)
				}
				simulatortest.Covered(t, doc, c, "/envelope/{envelopeId}/audit-log/download",
					"/envelope/{envelopeId}/certificate/download", "/envelope/item/{envelopeItemId}/download")
			})
	}
}

func TestDocumensoCallbacksLookAsCaptured(t *testing.T) {
	t.Parallel()
	captured := simulatortest.Samples(t, "webhook.*_*.json")
	l := &simulatortest.Listener{}
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		ours := map[string]any{} // an example of each event
		test := any(nil)
		for _, h := range l.Heard() {
			var body map[string]any
			if err := json.Unmarshal(h.Body, &body); err != nil {
				t.Fatal(err)
			}
			if body["payload"].(map[string]any)["envelopeId"] == "env_123" {
				test = body
				continue
			}
			ours[body["event"].(string)] = body
		}
		for name, theirs := range captured {
			event := strings.Split(name, ".")[1]
			mine := ours[event]
			if strings.Contains(name, "test_button") {
				mine = test
			}
			if mine == nil {
				t.Errorf("no callback like %s", name)
			}
			for _, what := range simulatortest.Unlike(event, mine, theirs) {
				t.Errorf("%s: %s", name, what)
			}
		}
		for event := range ours {
			if len(captured) > 0 && !slices.ContainsFunc(keys(captured),
				func(name string) bool { return strings.Contains(name, event) }) {
				t.Errorf("%s was never captured", event)
			}
		}
	})
}

func keys(m map[string]any) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestDocumensoErrorsLookAsCaptured(t *testing.T) {
	t.Parallel()
	captured := simulatortest.Samples(t, "error.*.json")
	completed, n := "", 21
	many := func() string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = `"envelope_a"`
		}
		return `{"ids":{"type":"envelopeId","ids":[` + strings.Join(ids, ",") + `]}}`
	}
	simulatortest.Play(t, simulatortest.DocumensoWorld(func(o *world.Options) { o.KeyLife = 30 * 24 * time.Hour }), nil,
		20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			for _, row := range w.Truth().Transactions {
				if row.Kind == "completed" {
					completed = "/api/v2/envelope/item/" + row.Documents[0].ID + "/download"
				}
			}
			good, bad := simulatortest.DocumensoHeader(w), http.Header{"Authorization": {"api_wrong"}}
			hold := func(name string, want int, method, path, body string, h http.Header) {
				t.Helper()
				status, _, ours := simulatortest.Asks(t, w, method, path, body, h)
				if status != want {
					t.Errorf("%s: %d, want %d", name, status, want)
				}
				for _, what := range simulatortest.Unlike("", ours, captured[name]) {
					t.Errorf("%s: %s", name, what)
				}
				if name != "" && captured[name] == nil {
					t.Errorf("%s was not captured", name)
				}
			}
			hold("error.400.perPage.json", 400, "GET", "/api/v2/envelope?perPage=101", "", good)
			hold("error.400.status.json", 400, "GET", "/api/v2/envelope?status=EXPIRED", "", good)
			hold("error.400.get_many.json", 400, "POST", "/api/v2/envelope/get-many", many(), good)
			hold("error.400.download_version.json", 400, "GET", completed+"?version=final", "", good)
			hold("error.400.download_pending_of_completed.json", 400, "GET", completed+"?version=pending", "", good)
			hold("error.401.bad_key.json", 401, "GET", "/api/v2/envelope/envelope_a", "", bad)
			hold("error.401.bad_key.json", 401, "GET", "/api/v2/envelope", "",
				http.Header{"Authorization": {"bearer " + good.Get("Authorization")}})
			hold("error.401.no_key.json", 401, "GET", "/api/v2/envelope/envelope_a", "", http.Header{})
			hold("error.401.download_bad_key.json", 401, "GET", completed, "", bad)
			hold("error.401.download_no_key.json", 401, "GET", completed, "", http.Header{})
			hold("error.404.download.json", 404, "GET", "/api/v2/envelope/item/envelope_item_a/download", "", good)
			hold("error.404.envelope.json", 404, "GET", "/api/v2/envelope/envelope_a", "", good)
			hold("error.404.path.json", 404, "GET", "/api/v2/nothing", "", good)
			n = 20
			if status, _, body := simulatortest.Asks(t, w, "POST", "/api/v2/envelope/get-many", many(), good); status != 200 ||
				len(body.(map[string]any)["data"].([]any)) != 0 {
				t.Errorf("twenty unknown ids: %d %v", status, body)
			}
			time.Sleep(11 * 24 * time.Hour)
			hold("error.400.expired_key.json", 400, "GET", "/api/v2/envelope", "", good)
		})
}
