package all

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/bench/tables"
)

// Each load is a line, with what it is compared with behind it, and each goal says whether it was reached.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	f := Found{
		Commands: []string{"bench ingest"},
		Ingest: []bench.Report{{
			Lines: []bench.Line{
				{Service: "onespan", What: bench.Daemon, Connections: 1, PerSecond: 500, P99: 3},
				{Service: "onespan", What: bench.Work, Connections: 1, PerSecond: 9000, DaemonTo: 0.06},
				{Service: "onespan", What: bench.Daemon, Connections: 64, PerSecond: 7000, P99: 9},
				{Service: "onespan", What: bench.Work, Connections: 64, PerSecond: 9100, DaemonTo: 0.77},
			},
			Goals: []bench.Goal{{What: "beside work", Want: 0.75, Got: 0.77, Met: true}, {What: "p99", Want: 5, Got: 9,
				AtMost: true, Unit: " ms"}},
		}},
		Figures: []tables.Figures{{Kind: "list", Rows: 7, Figures: []tables.Figure{{What: "one row", Unit: "ms", Value: 0.5,
			P99: 0.75, Times: 9, Want: "p99 at most 1", Met: true}}}},
		Growth: &tables.Growth{Points: []tables.Point{{Callbacks: 100_000, CPU: 210, Disk: 1250}}},
	}
	text := f.Markdown()
	for _, want := range []string{
		"| onespan | 1 | 500 | 0 to 0 | 0.00 | 3.00 | 0.00 | 0 | 0.000 | 9000 (0.06) |  |  |  |  |",
		"| onespan | 64 | 7000 | 0 to 0 | 0.00 | 9.00 | 0.00 | 0 | 0.000 | 9100 (0.77) |  |  |  |  |",
		"| beside work | at least 0.75 | 0.77 | reached |", "| p99 | at most 5 ms | 9 ms | **not reached** |",
		"`bench list`, 7 transactions:", "| one row | 0.5 ms | 0.75 ms | p99 at most 1 | reached |",
		"| 100000 | 0 | 210 | 0.0 | 1250 | 0 |",
	} {
		require.Contains(t, text, want)
	}
	for line := range strings.Lines(text) {
		require.NotContains(t, line, "%!", line)
	}
}
