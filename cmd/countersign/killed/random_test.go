package killed

import (
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// The real program is killed at random moments under load, for ten seconds or as long as COUNTERSIGN_KILL_FOR says:
// what it acknowledged is there once, database and files are whole, and in the end the table equals the truth.
// COUNTERSIGN_KILL_SEED repeats the moments.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	span, seed := 10*time.Second, uint64(time.Now().UnixNano()) //nolint:gosec // any number does
	if text := os.Getenv("COUNTERSIGN_KILL_FOR"); text != "" {
		var err error
		span, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	if text := os.Getenv("COUNTERSIGN_KILL_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("COUNTERSIGN_KILL_FOR=%v COUNTERSIGN_KILL_SEED=%d", span, seed)
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // chance is to be repeatable
	seconds := int(span.Seconds())
	svc, in := installtest.LivingServices(t, simulator.Options{
		Seed: seed, Transactions: 20 +
			2*seconds, BornBefore: 20, Births: time.Duration(seconds) * installtest.DaySeconds * time.Second, Speed: installtest.DaySeconds,
		Services: []string{"onespan", "dropboxsign", "allsign", "autosign", "documenso"},
		Faults:   simulator.Faults{Drop: 0.2, Duplicate: 0.2, Reorder: 0.1, Delay: 0.1, ErrorRate: 0.05, BadFiles: 0.1},
	})
	in.Edit(t, "^", "log: { level: error }\n")
	binary := installtest.BuiltProgram(t)
	w := witnessed(t, in, 4, 5*time.Millisecond)
	playing(t, svc)

	kills, checked, slowest := 0, time.Now(), time.Duration(0)
	for began := time.Now(); time.Since(began) < span; kills++ {
		p := in.Start(t, binary, "serve", "--backfill", "120d")
		if random.IntN(4) > 0 { // one in four is killed while it starts
			up := time.Now()
			in.Up(t, p)
			slowest = max(slowest, time.Since(up))
			time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
		} else {
			time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
		}
		p.Kill()
		require.False(t, p.ProcessState.Exited(), "it was killed, and did not end by itself: %s", p.Out.String())
		if time.Since(checked) > 30*time.Second {
			t.Logf("%4.0fs: %d kills, %d acknowledged", time.Since(began).Seconds(), kills+1, w.holds(t))
			checked = time.Now()
		}
	}
	require.Less(t, slowest, installtest.ReadyWithin, "ready again")
	in.Edit(t, `(?m)^  (active|idle|audit): .*$`, `  $1: "0 0 1 1 *"`) // what is polled from now on, we ask for
	p, _ := in.Serving(t, binary, "--backfill", "120d")
	w.ends()
	converged(t, in, svc)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t), p.Out.String())
	t.Logf("%d kills, %d callbacks acknowledged, %d transactions, %d files; slowest start %v; table equals truth",
		kills, w.holds(t), len(svc.World.Truth().Transactions), tidy(t, in), slowest.Round(time.Millisecond))
}
