package main

import (
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
)

// A small bench of files by the real program: each is found intact, and what a child took is told.
func TestBenchFiles(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), builtProgram(t), "bench", "files", "--queue", "3", "--rounds", "1",
		"--largest", "1", "--json").CombinedOutput()
	require.NoError(t, err, string(out))
	lines := objectsIn(t, string(out))
	require.Len(t, lines, 5)
	for i, what := range []string{"a queue", "35 kB", "1 MB", "100 signatures", "100,000 objects"} {
		require.Equal(t, what, lines[i]["what"])
		require.Positive(t, lines[i]["processor_ms"], lines[i])
		require.Positive(t, lines[i]["files_a_minute"], lines[i])
	}
	a, _, _ := testApp(nil)
	a.Stdout, a.Stderr = io.Discard, io.Discard
	require.Equal(t, output.ExitUsage, a.run(t.Context(), []string{"bench", "files", "--rounds", "0"}))
}
