package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/bench/tables"
	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// A small bench of the real program: the daemon takes the callbacks of each service, and all that is compared counts
// right.
func TestBenchIngest(t *testing.T) {
	t.Parallel()
	args := []string{"--backlog", "5", "--defaults", "--sync-delay", "1ms"}
	for _, s := range simulator.Services() {
		args = append(args, "--provider", s)
	}
	r := benchIngest(t, args...)
	seen := map[string]int{}
	for _, l := range r.Lines {
		seen[l.What]++
		require.Positive(t, l.Accepted, l)
		require.Positive(t, l.DaemonTo, l)
		if l.What == bench.Daemon {
			require.Positive(t, l.Anonymous)
			require.Positive(t, l.Commits)
		}
	}
	for _, what := range []string{bench.Daemon, bench.Work, bench.Bare, bench.Careful, bench.Careless, bench.Answer} {
		require.Equal(t, 5, seen[what], what)
	}
	require.Positive(t, r.Start)
	require.Positive(t, r.Disk.Daemon)
	require.Positive(t, r.Disk.Bare)
}

// On PostgreSQL the daemon and one writer lie in schemas of their own, which are gone afterwards.
func TestBenchIngestOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES is not set")
	}
	r := benchIngest(t, "--postgres", dsn, "--provider", "documenso")
	require.Len(t, r.Lines, 2)
	require.Equal(t, []string{bench.Daemon, bench.Bare}, []string{r.Lines[0].What, r.Lines[1].What})
	require.Positive(t, r.Lines[1].DaemonTo)
	require.Len(t, r.Goals, 0, "four connections have none")
}

// The others measure something too, of a small table.
func TestBenchTables(t *testing.T) {
	t.Parallel()
	for verb, figures := range map[string]int{
		"start --rows 20 --rounds 1": 3, "list --rows 600": 16, "poll --rows 200 --for 3s": 8,
	} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			var out, said bytes.Buffer
			cmd := exec.CommandContext(t.Context(), installtest.BuiltProgram(t), append([]string{"bench"},
				append(strings.Fields(verb), "--json")...)...)
			cmd.Stdout, cmd.Stderr = &out, &said
			require.NoError(t, cmd.Run(), said.String())
			var found tables.Figures
			require.NoError(t, json.Unmarshal(out.Bytes(), &found), out.String())
			require.Len(t, found.Figures, figures)
			for _, f := range found.Figures {
				require.Positive(t, f.Value, f.What)
			}
		})
	}
}

// The console is measured as browsers see it: each page answers, and what it may cost is said beside it.
func TestBenchConsole(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), installtest.BuiltProgram(t), "bench", "console", "--rows", "1200", "--visits", "1",
		"--for", "300ms", "--json")
	out, err := cmd.Output()
	require.NoError(t, err)
	var found tables.Figures
	require.NoError(t, json.Unmarshal(out, &found), string(out))
	seen := map[string]float64{}
	for _, f := range found.Figures {
		seen[f.What] = f.Value
	}
	for _, what := range []string{"bytes, compressed: overview", "bytes, compressed: script", "time of page: list of 50",
		"time of page: one transaction with 60 changes", "first answer of a search for a name", "changes a second that are watched"} {
		require.Positive(t, seen[what], what)
	}
}

// Growth is measured and drawn, and what was measured can be drawn again.
func TestBenchGrowth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), installtest.BuiltProgram(t), append([]string{"bench", "growth", "--json"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		require.NoError(t, err)
		return out
	}
	out := run("--sizes", "10000,12000", "--rounds", "1", "--svg", "one.svg")
	var g tables.Growth
	require.NoError(t, json.Unmarshal(out, &g))
	require.Len(t, g.Points, 2)
	require.Equal(t, 10_000, g.Points[0].Callbacks)
	require.Positive(t, g.Points[1].CPU)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "growth.json"), out, 0o600))
	run("--from", "growth.json", "--svg", "two.svg")
	one, err := os.ReadFile(filepath.Join(dir, "one.svg"))
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(dir, "two.svg"))
	require.NoError(t, err)
	require.Equal(t, string(one), string(two))
	require.Contains(t, string(one), "<svg")
}

// benchIngest runs the real program for a moment.
func benchIngest(t *testing.T, args ...string) (r bench.Report) {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), installtest.BuiltProgram(t), append([]string{"bench", "ingest", "--json", "--rounds", "1",
		"--seconds", "0.1", "--connections", "4", "--open", "20"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &said
	require.NoError(t, cmd.Run(), said.String())
	require.NoError(t, json.Unmarshal(out.Bytes(), &r), out.String())
	return r
}

func TestBenchRefusesWhatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"ingest", "--rounds", "0"}, {"ingest", "--seconds", "0"},
		{"ingest", "--connections", "0"}, {"ingest", "--provider", "nobody"}, {"handle", "nothing"},
		{"list", "--rows", "0"}, {"start", "--rounds", "0"}, {"poll", "--for", "0s"}, {"console", "--visits", "0"}} {
		require.Equal(t, output.ExitUsage, newApp(strings.NewReader(""), io.Discard, io.Discard).run(t.Context(),
			append([]string{"bench"}, args...)), args)
	}
}
