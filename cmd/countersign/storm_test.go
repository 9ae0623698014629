package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"countersign/provider/simulator"
	"countersign/provider/simulator/world/pdf"
)

var (
	stormSeed  = flag.Int("storm.seed", -1, "play the storm of this seed alone, and tell all of it")
	stormSeeds = flag.Int("storm.seeds", stormDefault, "how many seeds TestStorm plays")
	stormFirst = flag.Int("storm.first", 1, "the first of them")
)

// storm is what happens in one run: which services live which lives, and everything that goes wrong until the
// calm. It follows from its seed alone.
type storm struct {
	Services     []string
	Transactions int
	History      int // how many of them are older than the daemon, which backfills them
	// how much shorter lives are than in reality: hours, or minutes in which answers and callbacks meet
	Speed      int
	Births     time.Duration // the others are born within it
	Hours      int           // until the calm
	Tick       time.Duration // how often the daemon's loops look
	Ahead      time.Duration // how far the services' clocks are behind ours
	Slow       time.Duration // how long an answer may be under way
	ConfirmAll bool
	Rotation   time.Duration // of AllSign's secret; zero: never
	Usual      simulator.Faults
	Spells     []spell
	Events     []event
}

// spell is a time in which other faults than the usual hold.
type spell struct {
	At, For time.Duration
	Faults  simulator.Faults
}

// event is the daemon's death, or a change of the secrets by which callbacks are proved. A daemon that starts
// again knows the new ones.
type event struct {
	At     time.Duration
	Down   time.Duration // how long it stays dead
	Rotate bool
}

// storms draws a storm.
func storms() *rapid.Generator[storm] {
	return rapid.Custom(func(t *rapid.T) storm {
		s := storm{
			Services: playedBy(t), Transactions: evenly(t, "transactions", 5, 12), Hours: evenly(t, "hours", 8, 20),
			Tick: rapid.SampledFrom([]time.Duration{20 * time.Minute, 40 * time.Minute, time.Hour, 5 * time.Minute}).Draw(t,
				"tick"),
		}
		s.Births = time.Duration(evenly(t, "births", 1, s.Hours-4)) * time.Hour
		if evenly(t, "has history", 0, 3) == 0 {
			s.History = evenly(t, "history", 1, s.Transactions-1)
		}
		if evenly(t, "skewed", 0, 3) == 0 {
			s.Ahead = time.Duration(evenly(t, "ahead", -240, 240)) * time.Second
		}
		s.Speed = rapid.SampledFrom([]int{4, 4, 60}).Draw(t, "speed")
		s.Usual = usual(t)
		s.Usual.Late = s.Usual.Late / 4 * time.Duration(s.Speed)
		s.Slow = time.Duration(rapid.SampledFrom([]int{0, 0, 3, 12}).Draw(t, "slow")) * time.Second
		s.ConfirmAll = evenly(t, "confirm", 0, 4) == 0
		if evenly(t, "rotates", 0, 4) == 0 {
			s.Rotation = time.Duration(evenly(t, "rotation", 1, 8)) * time.Hour
		}
		for range evenly(t, "spells", 0, 3) {
			s.Spells = append(s.Spells, spellOf(t, s))
		}
		for range evenly(t, "events", 0, 3) {
			s.Events = append(s.Events, event{
				At: time.Duration(evenly(t, "event at", 1, s.Hours*60))*time.Minute +
					time.Duration(evenly(t, "ms", 0, 59999))*time.Millisecond,
				Down:   time.Duration(rapid.SampledFrom([]int{0, 1, 10, 120, 600}).Draw(t, "down")) * time.Minute,
				Rotate: evenly(t, "rotate", 0, 3) == 0,
			})
		}
		return s
	})
}

// evenly draws a number evenly: rapid by itself prefers small ones, and a storm in which all happens in the first
// minutes is no storm.
func evenly(t *rapid.T, name string, least, most int) int {
	x := rapid.Uint64().Draw(t, name) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return least + int((x^x>>31)%uint64(most-least+1)) //nolint:gosec // spans are short
}

// playedBy draws which services are played: mostly one, so that a failure is short to read.
func playedBy(t *rapid.T) []string {
	all := simulator.Services()
	if n := evenly(t, "services", 0, 9); n < 7 {
		return []string{rapid.SampledFrom(all).Draw(t, "service")}
	}
	return rapid.Permutation(all).Draw(t, "order")[:evenly(t, "how many", 2, 3)]
}

// usual draws which faults hold all the time: each is off as often as not, so that others are seen alone.
func usual(t *rapid.T) simulator.Faults {
	share := func(name string, most int) float64 {
		if rapid.Bool().Draw(t, name+" off") {
			return 0
		}
		return float64(evenly(t, name, 1, most)) / 100
	}
	f := simulator.Faults{
		Drop: share("drop", 70), Duplicate: share("duplicate", 50), Reorder: share("reorder", 50), Delay: share("delay",
			40), Forge: share("forge", 40),
		ErrorRate: share("errors", 20), RateLimit: share("limits", 15), Stale: share("stale", 40), Shift: share("shift",
			50), BadFiles: share("bad files", 40),
		SameSecond: rapid.Bool().Draw(t, "same second"),
	}
	f.Late = time.Duration(evenly(t, "late", 1, 60)) * time.Hour
	f.Lag = time.Duration(evenly(t, "lag", 1, 480)) * time.Second
	f.Wait = time.Duration(rapid.SampledFrom([]int{0, 1, 60, 1800, 7200}).Draw(t, "wait")) * time.Second
	return f
}

// spellOf draws an outage, a storm of refusals for the quota, or hours in which no callback comes through.
func spellOf(t *rapid.T, s storm) spell {
	out := spell{
		At:     time.Duration(evenly(t, "spell at", 0, s.Hours*60)) * time.Minute,
		For:    time.Duration(evenly(t, "spell for", 10, 5*60)) * time.Minute,
		Faults: s.Usual,
	}
	switch evenly(t, "spell", 0, 2) {
	case 0:
		out.Faults.ErrorRate, out.Faults.RateLimit = 1, 0
	case 1:
		out.Faults.RateLimit = 1
	default:
		out.Faults.Drop = 1
	}
	return out
}

// Whatever befalls services, callbacks and the daemon: after the last fault and one full round of slots the table
// is the truth, nothing acknowledged is lost, nothing stands twice, and the ledger says what was missed.
func TestStorm(t *testing.T) {
	t.Parallel()
	first, count := *stormFirst, *stormSeeds
	if *stormSeed >= 0 {
		first, count = *stormSeed, 1
	}
	if testing.Short() {
		count = min(count, 20)
	}
	blank, keys := blankDatabase(t), pdf.NewKeys()
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			plan := storms().Example(seed)
			dir := fastDir(t)
			r := &rig{seed: seed, plan: plan, dir: dir, blank: blank, keys: keys}
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the plan: %+v", plan)
					t.Logf("to play it again: go test ./cmd/countersign -run 'TestStorm$' -storm.seed=%d", seed)
				}
			})
			synctest.Test(t, r.play)
		})
	}
}

// fastDir is a folder in memory, where there is such a place: every commit is still synced.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "countersign-storm-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// blankDatabase is a database of the newest schema, made once for all seeds.
func blankDatabase(t *testing.T) []byte {
	dir := t.TempDir()
	r := &rig{plan: storms().Example(1), dir: dir}
	synctest.Test(t, func(t *testing.T) {
		r.world = simulator.New(simulator.Options{Transactions: -1})
		r.door = &door{}
		r.boot(t)
		r.kill(t)
	})
	file, err := os.ReadFile(filepath.Join(r.last, "countersign.db"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}
