package simulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestFaultyAnswersKeepTheSpecificationOrAreNone(t *testing.T) {
	t.Parallel()
	doc := simulatortest.Specification(t, "dropbox-sign-openapi-3.0.0-subset.json")
	schema := doc.Components.Schemas["ErrorResponse"].Value
	simulatortest.Play(t, world.Options{Seed: 3, Transactions: 4, Faults: world.Faults{ErrorRate: 0.5, RateLimit: 0.5}},
		nil, time.Hour, func(t *testing.T, w *simulator.World) {
			seen := map[string]int{}
			for range 400 {
				req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://sim.example/dropboxsign/v3/account", nil)
				req.SetBasicAuth(w.Accounts()[1].Settings["api_key"].(string), "")
				resp, err := w.Transport().RoundTrip(req)
				if err != nil {
					seen["reset"]++
					continue
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
				wait := resp.Header.Get("Retry-After")
				if _, err := http.ParseTime(wait); err == nil {
					wait = "date"
				}
				seen[strings.TrimSpace(fmt.Sprintf("%d %s %s", resp.StatusCode, media, wait))]++
				if media == "application/json" && resp.StatusCode >= 400 {
					var v any
					if err := json.Unmarshal(body, &v); err != nil {
						t.Fatal(err)
					}
					if err := schema.VisitJSON(v); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Second)
			}
			for _, kind := range []string{
				"reset", "200 text/html", "502 text/html", "500 application/json", "503 application/json", "504 application/json",
				"429 application/json", "429 application/json 1", "429 application/json date", "200 application/json",
			} {
				if seen[kind] == 0 {
					t.Errorf("no answer of kind %q in %v", kind, seen)
				}
			}
		})
}
