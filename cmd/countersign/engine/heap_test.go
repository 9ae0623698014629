package engine

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The limit is that of an idle heap, follows what is in use, and is gone afterwards. Not parallel: there is one heap.
func TestTheHeapHasRoom(t *testing.T) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		t.Skip("the environment says when garbage is collected")
	}
	stop := giveHeapRoom()
	defer stop()
	few := debug.SetMemoryLimit(-1)
	require.GreaterOrEqual(t, few, int64(roomOfHeap))
	require.Less(t, few, int64(math.MaxInt64))
	large := make([]byte, 4*roomOfHeap)
	require.Eventually(t, func() bool {
		runtime.GC()
		return debug.SetMemoryLimit(-1) >= few+4*roomOfHeap
	}, 10*time.Second, time.Millisecond, "what is in use has grown")
	runtime.KeepAlive(large)
	require.Eventually(t, func() bool {
		runtime.GC()
		return debug.SetMemoryLimit(-1) < few+roomOfHeap
	}, 10*time.Second, time.Millisecond, "it is free again")
	stop()
	require.Equal(t, int64(math.MaxInt64), debug.SetMemoryLimit(-1))
	require.Equal(t, 100, debug.SetGCPercent(100))
}
