package killed

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// A daemon that is killed again and again, and verbs that are killed between, call the provider no more often in a
// minute than the budget allows, all together; and a pause that the provider asked for outlives them.
func TestBudgetOutlivesKills(t *testing.T) {
	t.Parallel()
	const budget, lives = 10, 6
	binary := installtest.BuiltProgram(t)
	svc := installtest.PlayServices(t, simulator.Options{Services: []string{"onespan"}, Transactions: 200})
	in := installtest.Install(t, svc, 1)
	in.Edit(t, `(?m)^    budget: .*$`, "    budget: { read: 10, files: 10 }\n    download: []")
	var mu sync.Mutex
	var calls []time.Time
	var pausing atomic.Bool
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		calls = append(calls, time.Now())
		mu.Unlock()
		if pausing.Load() {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
	made := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(calls)
	}
	// live runs the program until it has called twice, or for as long as it would take if it could.
	live := func(args ...string) {
		before, until := made(), time.Now().Add(700*time.Millisecond)
		p := in.Start(t, binary, args...)
		for made() < before+2 && time.Now().Before(until) && engine.Pause(t.Context(), 5*time.Millisecond) {
		}
		p.Kill()
	}
	for range lives {
		live("serve", "--backfill", "90d")
		live("poll")
	}
	require.Positive(t, made())
	mu.Lock()
	took := calls[len(calls)-1].Sub(calls[0])
	mu.Unlock()
	require.Less(t, took, time.Minute, "the test is of one minute")
	t.Logf("%d calls in %s over %d kills", made(), took.Round(time.Millisecond), 2*lives)
	require.LessOrEqual(t, made(), budget, "calls in one minute over %d kills", 2*lives)

	// With a larger budget there is room again: the first call is told to wait for an hour, and nobody calls after that.
	in.Edit(t, `read: 10,`, "read: 600,")
	pausing.Store(true)
	p, _ := in.Serving(t, binary)
	table := in.Table(t)
	installtest.Eventually(t, "a refusal that is on disk", func() bool {
		return installtest.One[int](table, `SELECT COUNT(*) FROM transport_states
WHERE name = 'read' AND json_extract(state, '$.until') > json_extract(state, '$.at') + 3000000`) > 0
	})
	p.Kill()
	pausing.Store(false)
	before := made()
	for range 3 {
		live("serve")
	}
	require.Equal(t, before, made(), "calls in spite of a pause of an hour")
}
