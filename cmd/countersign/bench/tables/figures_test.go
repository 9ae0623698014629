package tables

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A figure has the median and the 99th percentile of what was measured, and says whether the goal was reached.
func TestFigures(t *testing.T) {
	t.Parallel()
	many := make([]float64, 200)
	for i := range many {
		many[len(many)-1-i] = float64(i + 1)
	}
	f := spread("a page", "ms", many, 197)
	require.InDelta(t, 101, f.Value, 0)
	require.InDelta(t, 198, f.P99, 0)
	require.False(t, f.Met)
	require.True(t, spread("a page", "ms", many, 198).Met)
	require.InDelta(t, 7, spread("two", "ms", []float64{7, 3}, 0).P99, 0)
	require.True(t, atMost("calls", "calls", 100, 100).Met)
	require.False(t, atMost("calls", "calls", 101, 100).Met)
	require.True(t, atLeast("calls", "calls", 98, 98).Met)
	require.False(t, atLeast("calls", "calls", 97, 98).Met)
}

// The most calls within any 60 s are found wherever the minute lies.
func TestMostInAMinute(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	c := &calls{at: map[string][]time.Time{}}
	for _, s := range []int{0, 30, 59, 60, 61, 89, 200} {
		c.at["key"] = append(c.at["key"], noon.Add(time.Duration(s)*time.Second))
	}
	most, last := c.most("key", noon.Add(201*time.Second))
	require.Equal(t, 5, most, "those at 30, 59, 60, 61 and 89 s")
	require.Equal(t, 1, last)
	most, last = c.most("another", noon)
	require.Zero(t, most+last)
	require.Equal(t, 588, least(600))
	require.Equal(t, 29, least(30))
}
