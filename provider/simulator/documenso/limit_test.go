package documenso_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestAResealedEnvelopeHasAnotherFile(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), l, 0, func(t *testing.T, w *simulator.World) {
		type version struct{ sum, id string }
		files := map[string][]version{}
		for range 20 * 24 * 2 {
			time.Sleep(30 * time.Minute)
			for _, row := range w.Truth().Transactions {
				if row.Kind != "resealed" || row.Status != "completed" {
					continue
				}
				d := row.Documents[0]
				if v := (version{d.SHA256, d.Version}); !slices.Contains(files[d.ID], v) {
					files[d.ID] = append(files[d.ID], v)
				}
			}
		}
		completed := map[string]map[string]bool{}
		for _, h := range l.Heard() {
			if event, p := payload(t, h); event == "DOCUMENT_COMPLETED" {
				ref := fmt.Sprint(p["envelopeId"])
				if completed[ref] == nil {
					completed[ref] = map[string]bool{}
				}
				completed[ref][fmt.Sprint(p["completedAt"])] = true
			}
		}
		if len(files) == 0 {
			t.Error("nothing was sealed again")
		}
		for id, v := range files {
			if len(v) != 2 || v[0].sum == v[1].sum || v[0].id == v[1].id {
				t.Errorf("%s: %v", id, v)
			}
		}
		for _, row := range w.Truth().Transactions {
			if want := 2; row.Kind == "resealed" && len(completed[row.Ref]) != want {
				t.Errorf("told %d times of a completion", len(completed[row.Ref]))
			}
		}
	})
}

func TestDocumensoCountsByMinutesOfTheClock(t *testing.T) {
	t.Parallel()
	captured := simulatortest.Samples(t, "error.429.address.json")["error.429.address.json"].(map[string]any)
	simulatortest.Play(t, simulatortest.DocumensoWorld(func(o *world.Options) { o.Transactions, o.QuotaScale = 2, 1 }),
		nil, time.Hour+40*time.Second, func(t *testing.T, w *simulator.World) {
			for i := range 1000 {
				if status, h, _ := simulatortest.Asks(t, w, "GET", "/api/v2/folder", "",
					simulatortest.DocumensoHeader(w)); status != 200 || h.Get("X-RateLimit-Remaining") != fmt.Sprint(999-i) {
					t.Fatalf("request %d: %d %v", i, status, h)
				}
			}
			status, h, body := simulatortest.Asks(t, w, "GET", "/api/v2/folder", "", http.Header{})
			if status != 429 || h.Get("Retry-After") != "20" || h.Get("X-RateLimit-Limit") != "1000" ||
				h.Get("X-RateLimit-Reset") != fmt.Sprint(time.Now().Unix()+20) || w.Truth().OverQuota != 1 {
				t.Errorf("%d %v", status, h)
			}
			for _, what := range simulatortest.Unlike("", body, captured["body"]) {
				t.Error(what)
			}
			if status, h, _ := simulatortest.Asks(t, w, "GET", "/api/health", "", http.Header{}); status != 200 ||
				h.Get("X-RateLimit-Limit") != "" {
				t.Errorf("health: %d %v", status, h)
			}
			time.Sleep(20 * time.Second)
			if status, _, _ := simulatortest.Asks(t, w, "GET", "/api/v2/folder", "",
				simulatortest.DocumensoHeader(w)); status != 200 {
				t.Errorf("in the next minute: %d", status)
			}
		})
}

func TestDocumensoLimitsHaveThreeFormsAndAFourthForFiles(t *testing.T) {
	t.Parallel()
	captured := simulatortest.Samples(t, "error.*.json")
	simulatortest.Play(t, simulatortest.DocumensoWorld(func(o *world.Options) { o.Faults = world.Faults{RateLimit: 1} }),
		nil, time.Hour, func(t *testing.T, w *simulator.World) {
			seen := map[string]int{}
			for range 60 {
				for _, path := range []string{"/api/v2/envelope", "/api/v2/envelope/item/envelope_item_a/download"} {
					status, h, body := simulatortest.Asks(t, w, "GET", path, "", simulatortest.DocumensoHeader(w))
					like := "address"
					switch {
					case status == 500:
						like = "download"
					case len(h["X-Ratelimit-Limit"]) == 2:
						like = "organisation"
					case h.Get("Retry-After") == "":
						like = "quota"
					}
					name := map[string]string{"download": "error.500.download_while_organisation_limited.json"}[like]
					if name == "" {
						name = "error.429." + like + ".json"
					}
					theirs := captured[name].(map[string]any)
					for _, what := range simulatortest.Unlike("", body, theirs["body"]) {
						t.Errorf("%s: %s", name, what)
					}
					for _, header := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After"} {
						value, _ := theirs["headers"].(map[string]any)[strings.ToLower(header)].(string)
						if want := len(strings.Split(value, ",")); value != "" && len(h[header]) != want || value == "" &&
							len(h[header]) != 0 {
							t.Errorf("%s: %s is %v, captured was %q", name, header, h[header], value)
						}
					}
					seen[like]++
				}
			}
			if len(seen) != 4 {
				t.Errorf("seen: %v", seen)
			}
		})
}

func TestDocumensoTakesItsKeyBareOrAfterBearer(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, simulatortest.DocumensoWorld(func(o *world.Options) { o.KeyLife = 2 * time.Hour }), nil,
		time.Hour, func(t *testing.T, w *simulator.World) {
			key := simulatortest.DocumensoHeader(w).Get("Authorization")
			for given, want := range map[string]int{key: 200, "Bearer " + key: 200, "bearer " + key: 401, "": 401, key +
				"x": 401, "Basic " + key: 401} {
				if status, _, _ := simulatortest.Asks(t, w, "GET", "/api/v2/envelope", "",
					http.Header{"Authorization": {given}}); status != want {
					t.Errorf("%.12q: %d, want %d", given, status, want)
				}
			}
			time.Sleep(time.Hour)
			status, _, body := simulatortest.Asks(t, w, "GET", "/api/v2/envelope", "", http.Header{"Authorization": {key}})
			if data := body.(map[string]any)["data"].(map[string]any); status != 400 || data["code"] != "EXPIRED_CODE" {
				t.Errorf("an expired key: %d %v", status, data)
			}
		})
}

func TestDocumensoAnswersLookAsCaptured(t *testing.T) {
	t.Parallel()
	captured := simulatortest.Samples(t, "response.*.json")
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), nil, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		var ref string
		for _, row := range w.Truth().Transactions {
			if row.Kind == "cancelled_partly" {
				ref = row.Ref
			}
		}
		path := map[string]string{"detail": "/envelope/" + ref, "list": "/envelope", "folder_list": "/folder",
			"audit_log": "/envelope/" + ref + "/audit-log"}
		withheld := map[string]bool{}
		for name, theirs := range captured {
			kind := strings.Split(name, ".")[1]
			if path[kind] == "" {
				continue // of the older API
			}
			withheld[kind] = true
			_, _, ours := simulatortest.Asks(t, w, "GET", "/api/v2"+path[kind], "", simulatortest.DocumensoHeader(w))
			if kind == "audit_log" { // the entries differ by their type
				ours.(map[string]any)["data"].([]any)[0].(map[string]any)["data"] = nil
			}
			for _, what := range simulatortest.Unlike("", ours, theirs) {
				t.Errorf("%s: %s", name, what)
			}
		}
		if len(withheld) != len(path) {
			t.Errorf("held: %v", withheld)
		}
	})
}
