package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

// plan is what a world's seed alone should choose: who lives, what happens when, and what befalls each callback.
func plan(w *simulator.World) string {
	var b strings.Builder
	truth := w.Truth()
	for _, row := range truth.Transactions {
		fmt.Fprintln(&b, row.Account, row.Ref, row.Name, row.Kind, row.Status, row.ExternalID)
		for _, c := range row.Changes {
			fmt.Fprintln(&b, " ", c.Change, c.From, c.To, c.Signer, c.At.Sub(w.Epoch))
		}
		for _, callback := range row.Callbacks {
			lost := len(callback.Attempts) > 0 && callback.Attempts[0].Fault == "dropped"
			fmt.Fprintln(&b, "  ", callback.Type, callback.Forged, lost)
		}
	}
	c := truth.Counts
	fmt.Fprintln(&b, c.Dropped, c.Duplicated, c.Delayed, c.Reordered, c.Forged)
	return b.String()
}

// A slow machine, a slow listener and a client that asks all the time change when things are noticed, and nothing else.
func TestASeedChoosesWhatHappensOnAMachineOfAnySpeed(t *testing.T) {
	t.Parallel()
	options := func(seed uint64) world.Options {
		return world.Options{
			Seed: seed, Transactions: 60, BornBefore: 15, Speed: 2880, End: 24 * time.Hour, Services: simulator.Services(),
			Base: "http://sim.example",
			Faults: world.Faults{Drop: 0.25, Duplicate: 0.15, Reorder: 0.15, Delay: 0.1, Forge: 0.08, ErrorRate: 0.04,
				Stale: 0.08, Shift: 0.1, SameSecond: true},
		}
	}
	var calm, busy, other string
	simulatortest.Play(t, options(3), &simulatortest.Listener{}, time.Minute, func(t *testing.T, w *simulator.World) {
		if !w.Ended() {
			t.Error("lives go on after their end")
		}
		calm = plan(w)
	})
	var n atomic.Int64
	o := options(3)
	o.Observe = func(world.Event) { // the world notices late what is due
		if n := n.Add(1); n%10 == 0 {
			time.Sleep(time.Duration(n%7) * 100 * time.Millisecond)
		}
	}
	l := &simulatortest.Listener{Delay: 70 * time.Millisecond, Answer: func(n int, _ simulatortest.Heard) (int, string) {
		if n%9 == 0 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, simulatortest.Hello
	}}
	simulatortest.Play(t, o, l, time.Second, func(t *testing.T, w *simulator.World) {
		for i := range 600 {
			// faults are welcome
			_, _, _ = simulatortest.Get(t, w, fmt.Sprintf("http://sim.example/onespan/api/packages?from=%d", i%40), 0)
			time.Sleep(150 * time.Millisecond)
		}
		busy = plan(w)
	})
	simulatortest.Play(t, options(4), &simulatortest.Listener{}, time.Minute,
		func(_ *testing.T, w *simulator.World) { other = plan(w) })
	if calm == other {
		t.Error("worlds of two seeds are equal")
	}
	if calm != busy {
		a, b := strings.Split(calm, "\n"), strings.Split(busy, "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("line %d of %d and %d: %s\nbut on a busy machine: %s", i, len(a), len(b), a[i], b[i])
			}
		}
		t.Fatalf("%d lines and %d", len(a), len(b))
	}
}
