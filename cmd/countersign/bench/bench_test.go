package bench

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

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
		_, err := s.measure(t.Context(), 2, Options{Rounds: 1, Seconds: 0.01})
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
}
