package main

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"countersign/cmd/countersign/output"

	"github.com/stretchr/testify/require"
)

// A small bench: each subject accepts requests, and each of them stands in its table.
func TestBenchIngest(t *testing.T) {
	t.Parallel()
	out := &safeBuffer{}
	code := newApp(strings.NewReader(""), out, out).run(t.Context(), []string{"bench", "ingest", "--rounds", "1", "--seconds", "0.1", "--connections", "1,4", "--json"})
	require.Zero(t, code, out.String())
	lines := objects(t, out.String())
	require.Len(t, lines, 8)
	for i, l := range lines {
		require.Equal(t, []string{"ours", "naive", "work", "bare"}[i%4], l["what"])
		require.Positive(t, l["accepted"], l)
		require.Positive(t, l["per_second"], l)
		require.Positive(t, l["ours_to_this"], l)
	}
	for _, args := range [][]string{{"--rounds", "0"}, {"--seconds", "0"}, {"--connections", "0"}} {
		require.Equal(t, output.ExitUsage, newApp(strings.NewReader(""), io.Discard, io.Discard).run(t.Context(), append([]string{"bench", "ingest"}, args...)))
	}
}

// One request that was accepted and does not stand in the table ends the bench.
func TestBenchCounts(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	for name, c := range map[string]struct {
		lost int64
		want string
	}{"all kept": {0, ""}, "one lost": {1, "requests were accepted"}} {
		n.Store(0)
		s := &subjects{list: []subject{{
			name: "ours", do: func(context.Context, []byte) error { n.Add(1); return nil },
			count: func(context.Context) (int64, error) { return max(0, n.Load()-c.lost), nil },
		}}}
		_, err := s.measure(t.Context(), 2, benchOptions{rounds: 1, seconds: 0.01})
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
}
