package values

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShortestTimeBetweenSlots(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]time.Duration{
		"0 */6 * * *":           6 * time.Hour,
		"0 3 * * *":             Day,
		"0 3,4 * * 1":           time.Hour,
		"0 3 * * 1":             7 * Day,
		"0 23 * * 6":            7 * Day,
		"59 23 * * 0":           7 * Day,
		"0 0,23 * * *":          time.Hour, // over midnight
		"0 3 1,2 * *":           Day,
		"0 3 */2 * *":           Day, // the 31st and the 1st
		"0 3 1 * *":             28 * Day,
		"*/5 * * * *":           5 * time.Minute,
		"*/3 * * * * *":         3 * time.Second,
		"0 3 29 2 *":            4 * 365 * Day, // and a day
		"@weekly":               7 * Day,
		"0 12 * 3 *":            Day,
		"0 3,4,9,10 1 6 *":      time.Hour,
		"30 10,12 * * 2,5":      2 * time.Hour,
		"0 22 * * 0,1":          Day,
		"0 1,2,3,4,5,6 * * 1-5": time.Hour,
	} {
		slots, err := ParseSlots(line)
		require.NoError(t, err, line)
		if line == "0 3 29 2 *" {
			want += Day
		}
		require.Equal(t, want, slots.Shortest(), line)
	}
	require.Zero(t, Slots{}.Shortest())
}

func BenchmarkShortest(b *testing.B) {
	slots, err := ParseSlots("0 */6 * * *")
	require.NoError(b, err)
	for b.Loop() {
		slots.Shortest()
	}
}
