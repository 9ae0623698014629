package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// A small bench of the real program: the daemon takes the callbacks of each service, and all that is compared counts
// right.
func TestBenchIngest(t *testing.T) {
	t.Parallel()
	binary := builtProgram(t)
	args := []string{"bench", "ingest", "--json", "--rounds", "1", "--seconds", "0.1", "--connections", "4", "--open", "20",
		"--backlog", "5", "--defaults"}
	for _, s := range simulator.Services() {
		args = append(args, "--provider", s)
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	require.NoError(t, cmd.Run(), said.String())
	var r bench.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &r), out.String())
	seen := map[string]int{}
	for _, l := range r.Lines {
		seen[l.What]++
		require.Positive(t, l.Accepted, l)
		require.Positive(t, l.DaemonTo, l)
		if l.What == bench.Daemon {
			require.Positive(t, l.Anonymous)
		}
	}
	for _, what := range []string{bench.Daemon, bench.Work, bench.Bare, bench.Careful, bench.Careless, bench.Answer} {
		require.Equal(t, 5, seen[what], what)
	}
	require.Positive(t, r.Start)
	require.Positive(t, r.Disk.Daemon)
	require.Positive(t, r.Disk.Bare)
}

func TestBenchRefusesWhatCannotBeMeasured(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"ingest", "--rounds", "0"}, {"ingest", "--seconds", "0"},
		{"ingest", "--connections", "0"}, {"ingest", "--provider", "nobody"}, {"handle", "nothing"}} {
		require.Equal(t, output.ExitUsage, newApp(strings.NewReader(""), io.Discard, io.Discard).run(t.Context(),
			append([]string{"bench"}, args...)), args)
	}
}
