package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
)

// A small bench: each subject accepts requests, and each of them stands in its table.
func TestBenchIngest(t *testing.T) {
	t.Parallel()
	out := &safeBuffer{}
	code := newApp(strings.NewReader(""), out, out).run(t.Context(),
		[]string{"bench", "ingest", "--rounds", "1", "--seconds", "0.1", "--connections", "1,4", "--json"})
	require.Zero(t, code, out.String())
	lines := objectsIn(t, out.String())
	require.Len(t, lines, 8)
	for i, l := range lines {
		require.Equal(t, []string{"ours", "naive", "work", "bare"}[i%4], l["what"])
		require.Positive(t, l["accepted"], l)
		require.Positive(t, l["per_second"], l)
		require.Positive(t, l["ours_to_this"], l)
	}
	for _, args := range [][]string{{"--rounds", "0"}, {"--seconds", "0"}, {"--connections", "0"}} {
		require.Equal(t, output.ExitUsage,
			newApp(strings.NewReader(""), io.Discard, io.Discard).run(t.Context(), append([]string{"bench", "ingest"}, args...)))
	}
}
