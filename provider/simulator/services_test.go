package simulator_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestServicesLiveSideBySideUnderAllFaults(t *testing.T) {
	t.Parallel()
	names := []string{"onespan", "dropboxsign", "allsign", "autosign"}
	o := world.Options{
		Seed: 2, Transactions: 160, BornBefore: 20, Speed: 2880, Services: names, Base: "http://sim.example",
		RotateSecretsAfter: 6 * time.Hour,
		Faults: world.Faults{
			Drop: 0.25, Duplicate: 0.15, Reorder: 0.15, Delay: 0.1, Forge: 0.1, ErrorRate: 0.05, RateLimit: 0.05, Stale: 0.1,
			Shift: 0.1, BadFiles: 0.2, SameSecond: true,
		},
	}
	down := 0 // a short outage is survived: no breaker is on unless it is asked for
	l := &simulatortest.Listener{Answer: func(n int, _ simulatortest.Heard) (int, string) {
		if n > 100 && n < 160 {
			down++
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, simulatortest.Hello
	}}
	simulatortest.Play(t, o, l, 30*time.Minute, func(t *testing.T, w *simulator.World) {
		var played []string
		for _, a := range w.Accounts() {
			played = append(played, a.Provider)
		}
		if !slices.Equal(played, names) || !w.Idle() || down == 0 {
			t.Errorf("played %v, idle %v", played, w.Idle())
		}
		rows, acknowledged, unobtainable := map[string]int{}, map[string]int{}, map[string]int{}
		for _, row := range w.Truth().Transactions {
			rows[row.Provider]++
			if row.Acknowledged {
				acknowledged[row.Provider]++
			}
			for _, d := range row.Documents {
				if d.Unobtainable {
					unobtainable[row.Provider]++
				}
			}
		}
		for _, name := range names {
			if rows[name] != 40 || acknowledged[name] == 0 {
				t.Errorf("%s: %d rows, %d told of", name, rows[name], acknowledged[name])
			}
		}
		if len(unobtainable) != 1 || unobtainable["autosign"] == 0 {
			t.Errorf("unobtainable: %v", unobtainable)
		}
		last := map[string]simulatortest.Heard{}
		for _, h := range l.Heard() {
			last[h.Account] = h
		}
		if len(last) != 4 {
			t.Errorf("callbacks for %d accounts", len(last))
		}
	})
}

func TestFaultyAnswersOfAllSignAndAutosignKeepTheirForm(t *testing.T) {
	t.Parallel()
	for name, media := range map[string]string{"allsign": "application/problem+json", "autosign": "application/json"} {
		simulatortest.Play(t, world.Options{Seed: 3, Transactions: 4, Services: []string{name}, QuotaScale: 1000,
			Faults: world.Faults{ErrorRate: 0.6, RateLimit: 0.3}}, nil, time.Hour, func(t *testing.T, w *simulator.World) {
			key, _ := w.Accounts()[0].Settings["api_key"].(string)
			if name == "autosign" {
				key, _ = w.Accounts()[0].Settings["access_token"].(string)
			}
			path := map[string]string{"allsign": "/allsign/v3/users/me", "autosign": "/autosign/v1/webhook?limit=1&page=1"}[name]
			seen := map[int]int{}
			for range 300 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sim.example"+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+key)
				resp, err := w.Transport().RoundTrip(req)
				if err != nil {
					seen[0]++
					continue
				}
				resp.Body.Close()
				seen[resp.StatusCode]++
				if resp.StatusCode >= 400 && resp.StatusCode != http.StatusBadGateway && resp.Header.Get("Content-Type") != media {
					t.Errorf("%s: %d with %q", name, resp.StatusCode, resp.Header.Get("Content-Type"))
				}
				time.Sleep(time.Second)
			}
			for _, status := range []int{0, 200, 429, 500, 502, 503, 504} {
				if seen[status] == 0 {
					t.Errorf("%s: no answer of %d in %v", name, status, seen)
				}
			}
		})
	}
}
