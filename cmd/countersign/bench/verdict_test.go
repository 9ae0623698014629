package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// run is one load in which the daemon does so many a second beside limits that stay as they are.
func run(rates ...float64) Report {
	r := Report{Sync: Sync{P50: 0.2, P99: 1}}
	for _, beside := range []struct {
		what string
		rate float64
	}{{Daemon, 1}, {Work, 10_000}, {Bare, 12_000}, {Careful, 900}} {
		l := Line{Service: "onespan", What: beside.what, Connections: 64, Callers: 64}
		for _, rate := range rates {
			if beside.what != Daemon {
				rate = beside.rate
			}
			l.add(Round{PerSecond: rate, P99: 6, Accepted: int64(rate), CPU: time.Duration(rate) * 100 * time.Microsecond})
		}
		l.summarize()
		r.Lines = append(r.Lines, l)
	}
	relate(r.Lines)
	r.Goals = Verdict(r)
	return r
}

func slowed(rates []float64) (out []float64) {
	for _, r := range rates {
		out = append(out, r*0.8)
	}
	return out
}

// What reaches the goals does not reach them a fifth slower, and the fifth is told beside the run before.
func TestAFifthSlowerIsCaught(t *testing.T) {
	t.Parallel()
	rates := []float64{8700, 8600, 8800, 8900, 8650}
	good, bad := run(rates...), run(slowed(rates)...)
	reached := func(r Report) (out []bool) {
		for _, g := range r.Goals {
			out = append(out, g.Met)
		}
		return out
	}
	require.Equal(t, []bool{true, true, true, true, true}, reached(good), "work, bare, careful, p99, memory")
	require.Equal(t, []bool{false, false, true, true, true}, reached(bad))
	slower := func(before, now Report) (out []string) {
		for _, c := range Compare(&before, now) {
			if c.Slower {
				out = append(out, c.What)
			}
		}
		return out
	}
	require.Equal(t, []string{Daemon}, slower(good, bad))
	require.Empty(t, slower(good, good))
	require.Empty(t, slower(bad, good))
	require.Empty(t, slower(run(8700, 6000, 9000), run(8000, 7000, 6500)), "rounds that overlap say nothing")
	require.Empty(t, Compare(nil, good))
}

// Medians, and the time of the processor for an event.
func TestARunsFigures(t *testing.T) {
	t.Parallel()
	r := run(7000, 9000, 8000)
	ours, work := r.Lines[0], r.Lines[1]
	require.InDelta(t, 8000, ours.PerSecond, 0)
	require.InDelta(t, 7000, ours.Lowest, 0)
	require.InDelta(t, 9000, ours.Highest, 0)
	require.EqualValues(t, 24_000, ours.Accepted)
	require.InDelta(t, 100, ours.CPU, 0.01)
	require.InDelta(t, 0.8, work.DaemonTo, 1e-9)
	require.InDelta(t, 3, median([]float64{1, 2, 4, 9}), 0)
}

// One request that was accepted and does not stand in the table, or one more row than was accepted, is an error.
func TestRowsAreCounted(t *testing.T) {
	t.Parallel()
	require.NoError(t, counted(10, 30, 20))
	require.ErrorContains(t, counted(10, 29, 20), "20 requests were accepted and 19 stand in the table")
	require.ErrorContains(t, counted(10, 31, 20), "21 stand in the table")
}
