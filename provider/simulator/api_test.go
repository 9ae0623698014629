package simulator_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestTheSimulatorImportsNothingOfOurs(t *testing.T) {
	t.Parallel()
	var files []string
	err := filepath.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); path == "countersign" || strings.HasPrefix(path, "countersign/") &&
				!strings.HasPrefix(path+"/", "countersign/provider/simulator/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func TestDetailsLagWhenTheyAreStaleAndPagesShift(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 8, Transactions: simulatortest.WholeDecks, Speed: 8640}, nil, time.Second,
		func(t *testing.T, w *simulator.World) {
			w.SetFaults(world.Faults{Stale: 1})
			older := 0
			for range 200 {
				time.Sleep(50 * time.Millisecond)
				for _, row := range w.Truth().Transactions {
					if row.Provider == "onespan" && !row.Deleted && simulatortest.Fetch(t, w,
						"/onespan/api/packages/"+url.PathEscape(row.Ref), 0)["status"] != row.ProviderStatus {
						older++
					}
				}
			}
			if older == 0 {
				t.Error("no answer was stale")
			}
			time.Sleep(time.Hour)
			w.SetFaults(world.Faults{Shift: 1})
			if distinct, total := walk(t, w); distinct == total {
				t.Error("no page of a OneSpan list shifted")
			}
			for page := 1; page < 20; page++ {
				simulatortest.Fetch(t, w, fmt.Sprintf("/dropboxsign/v3/signature_request/list?page_size=2&page=%d", page), 1)
			}
		})
}

// walk reads a list by small pages, and counts what it saw beside what there is.
func walk(t *testing.T, w *simulator.World) (distinct, total int) {
	t.Helper()
	seen := map[string]bool{}
	for from := 1; from < 60; from += 2 {
		page := simulatortest.Fetch(t, w, fmt.Sprintf("/onespan/api/packages?from=%d&to=%d&sort=created&dir=asc", from,
			from+1), 0)
		for _, r := range page["results"].([]any) {
			seen[r.(map[string]any)["id"].(string)] = true
		}
		total = int(page["count"].(float64))
	}
	return len(seen), total
}

func TestQuotasHoldAndAreCounted(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 1, Transactions: 2}, nil, time.Hour, func(t *testing.T, w *simulator.World) {
		status := 0
		for range 101 {
			status, _, _ = simulatortest.Get(t, w, "http://sim.example/dropboxsign/v3/account", 1)
		}
		if status != http.StatusTooManyRequests || w.Truth().OverQuota != 1 {
			t.Errorf("the 101st request: %d, over quota %d", status, w.Truth().OverQuota)
		}
		time.Sleep(time.Minute)
		if status, _, _ = simulatortest.Get(t, w, "http://sim.example/dropboxsign/v3/account", 1); status != http.StatusOK {
			t.Errorf("a minute later: %d", status)
		}
	})
}

func TestTheWorldsOwnPagesOverARealSocket(t *testing.T) {
	t.Parallel()
	w := simulator.New(world.Options{Seed: 1, Transactions: 6, BornBefore: 6, Speed: 8640})
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	for _, path := range []string{"/truth", "/accounts", "/faults"} {
		resp, err := http.Get(server.URL + path)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !json.Valid(body) {
			t.Errorf("%s: %s", path, body)
		}
	}
	resp, err := http.Post(server.URL+"/faults", "application/json",
		strings.NewReader(`{"error_rate":0.5,"same_second":true}`))
	if err != nil || resp.StatusCode != http.StatusOK || !w.Faults().SameSecond {
		t.Errorf("faults were not set: %v %v", resp, err)
	}
	broken := 0
	for range 100 {
		req, _ := http.NewRequest(http.MethodGet, server.URL+"/onespan/api/packages", nil)
		req.Header.Set("Authorization", "Basic "+w.Accounts()[0].Settings["api_key"].(string))
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			broken++
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if broken == 0 {
		t.Error("no connection was reset")
	}
}
