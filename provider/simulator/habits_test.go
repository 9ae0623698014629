package simulator_test

import (
	"bytes"
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

// list is one list of a service.
type list struct {
	path        func(page int) string // of a page of two records, counted from one
	records, id string
	more        func(page int, body map[string]any) bool // says that another page follows
}

// lists are the lists of all services that have pages by number.
func lists() map[string]list {
	return map[string]list{
		"onespan": {
			func(page int) string { return fmt.Sprintf("/onespan/api/packages?from=%d&to=%d", 2*page-1, 2*page) }, "results",
			"id",
			func(page int, body map[string]any) bool { return body["count"].(float64) > float64(2*page) },
		},
		"onespan summary": {
			func(page int) string {
				return fmt.Sprintf("/onespan/api/reports/transaction-summary?from=%d&to=%d", 2*page-1, 2*page)
			}, "content", "id",
			func(page int, body map[string]any) bool { return body["totalElements"].(float64) > float64(2*page) },
		},
		"dropboxsign": {
			func(page int) string {
				return fmt.Sprintf("/dropboxsign/v3/signature_request/list?page_size=2&page=%d", page)
			}, "signature_requests", "signature_request_id",
			func(page int, body map[string]any) bool {
				return body["list_info"].(map[string]any)["num_pages"].(float64) > float64(page)
			},
		},
		"autosign": {
			func(page int) string { return fmt.Sprintf("/autosign/v1/webhook?limit=2&page=%d", page) }, "items", "id",
			func(_ int, body map[string]any) bool { return body["meta"].(map[string]any)["next_page"] != nil },
		},
		"documenso": {
			func(page int) string { return fmt.Sprintf("/documenso/api/v2/envelope?perPage=2&page=%d", page) }, "data", "id",
			func(page int, body map[string]any) bool { return body["totalPages"].(float64) > float64(page) },
		},
		"documenso folder": {
			func(page int) string { return fmt.Sprintf("/documenso/api/v2/folder?perPage=2&page=%d", page) }, "data", "id",
			func(page int, body map[string]any) bool { return body["totalPages"].(float64) > float64(page) },
		},
	}
}

// asked is an answer of one of the services, asked with its key.
func asked(t *testing.T, w *simulator.World, path string) (http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sim.example"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range w.Accounts() {
		key, _ := a.Settings["api_key"].(string)
		switch {
		case !strings.HasPrefix(path, a.BasePath+"/"):
		case a.Provider == "onespan":
			req.Header.Set("Authorization", "Basic "+key)
		case a.Provider == "dropboxsign":
			req.SetBasicAuth(key, "")
		case a.Provider == "autosign":
			req.Header.Set("Authorization", "Bearer "+a.Settings["access_token"].(string))
		default:
			req.Header.Set("Authorization", "Bearer "+key)
		}
	}
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %s", path, resp.StatusCode, err, body)
	}
	return resp.Header, body
}

// page is an answer as an object.
func page(t *testing.T, w *simulator.World, path string) map[string]any {
	t.Helper()
	_, text := asked(t, w, path)
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%s: %v in %.200s", path, err, text)
	}
	return body
}

// habitual is a world of all services in which much has happened.
func habitual(t *testing.T, h world.Habits, l *simulatortest.Listener, check func(t *testing.T, w *simulator.World)) {
	t.Helper()
	if l == nil {
		l = &simulatortest.Listener{}
	}
	o := world.Options{Seed: 7, Transactions: 150, QuotaScale: 1000, Services: simulator.Services(),
		Base: "http://sim.example", Habits: h}
	simulatortest.Play(t, o, l, 5*24*time.Hour, check)
}

func TestAnOddRecordStandsAmongTheOthersOfEachList(t *testing.T) {
	t.Parallel()
	habitual(t, world.Habits{OddRecords: 1}, nil, func(t *testing.T, w *simulator.World) {
		ask := map[string]func(int) string{"allsign": func(int) string { return "/allsign/v3/documents?scope=tenant&limit=2" }}
		records, ids := map[string]string{"allsign": "data"}, map[string]string{"allsign": "id"}
		for name, l := range lists() {
			ask[name], records[name], ids[name] = l.path, l.records, l.id
		}
		for name, path := range ask {
			forms := map[string]int{}
			for n := range 40 {
				all := page(t, w, path(n%3+1))[records[name]].([]any)
				odd := 0
				for _, r := range all {
					form := oddity(r, ids[name])
					if forms[form]++; form != "" {
						odd++
					}
				}
				if odd != 1 || len(all) > 3 {
					t.Fatalf("%s: %d odd records among %d", name, odd, len(all))
				}
			}
			if len(forms) != 5 {
				t.Errorf("%s: not every form of an odd record, and ordinary ones: %v", name, forms)
			}
		}
	})
}

// oddity is what makes a record odd; "" where nothing does.
func oddity(record any, id string) string {
	r, ok := record.(map[string]any)
	switch {
	case record == nil:
		return "null"
	case !ok:
		return "text"
	case r["name"] == 7.0 || r["title"] == 7.0:
		return "a number for a name"
	case r[id] == nil:
		return "no id"
	}
	return ""
}

func TestEndlessListsAlwaysSayThatMoreFollows(t *testing.T) {
	t.Parallel()
	habitual(t, world.Habits{}, nil, func(t *testing.T, w *simulator.World) {
		for name, l := range lists() {
			n, honest := 0, map[string]bool{}
			for more := true; more; { // an honest list is read to its end
				n++
				body := page(t, w, l.path(n))
				for _, r := range body[l.records].([]any) {
					honest[r.(map[string]any)[l.id].(string)] = true
				}
				more = l.more(n, body)
			}
			first := fmt.Sprint(page(t, w, l.path(1))[l.records])
			for _, way := range []world.Endless{world.EndlessPage, world.EndlessTotal} {
				w.SetHabits(world.Habits{Endless: way})
				for _, at := range []int{1, n, n + 1, n + 300} {
					body := page(t, w, l.path(at))
					got := body[l.records].([]any)
					if !l.more(at, body) {
						t.Errorf("%s, %s: page %d says that it is the last", name, way, at)
					}
					if way == world.EndlessPage && fmt.Sprint(body[l.records]) != first {
						t.Errorf("%s: page %d is not the first one", name, at)
					}
					if way == world.EndlessTotal && at > n && len(got) > 0 {
						t.Errorf("%s: %d records beyond the end", name, len(got))
					}
				}
			}
			w.SetHabits(world.Habits{})
			if len(honest) == 0 {
				t.Errorf("%s: no records", name)
			}
		}
	})
}

func TestACursorThatRepeatsNeverEnds(t *testing.T) {
	t.Parallel()
	for way, distinct := range map[world.Endless]int{world.EndlessPage: 2, world.EndlessCursor: 4, world.EndlessTotal: 0} {
		habitual(t, world.Habits{Endless: way}, nil, func(t *testing.T, w *simulator.World) {
			after, seen, cursors := "", map[string]bool{}, map[string]bool{}
			for range 100 {
				body := page(t, w, "/allsign/v3/documents?scope=tenant&limit=2"+after)
				for _, r := range body["data"].([]any) {
					seen[r.(map[string]any)["id"].(string)] = true
				}
				next, _ := body["nextCursor"].(string)
				if body["hasMore"] != true || next == "" {
					t.Fatalf("%s: it ended: %v %q", way, body["hasMore"], next)
				}
				cursors[next], after = true, "&startingAfter="+next
			}
			if distinct > 0 && len(seen) != distinct || distinct == 0 && len(seen) < 20 || len(cursors) > len(seen) {
				t.Errorf("%s: %d documents and %d cursors in a hundred pages", way, len(seen), len(cursors))
			}
		})
	}
}

func TestAMaintenancePageComesInPlaceOfJSON(t *testing.T) {
	t.Parallel()
	habitual(t, world.Habits{Maintenance: 1}, nil, func(t *testing.T, w *simulator.World) {
		for name, l := range lists() {
			h, body := asked(t, w, l.path(1))
			if media, _, _ := mime.ParseMediaType(h.Get("Content-Type")); media != "text/html" ||
				!bytes.HasPrefix(body, []byte("<!DOCTYPE html>")) {
				t.Errorf("%s: %s %.100s", name, media, body)
			}
		}
		w.SetHabits(world.Habits{})
		if page(t, w, lists()["onespan"].path(1))["results"] == nil {
			t.Error("the maintenance does not end")
		}
	})
}
