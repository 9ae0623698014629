package engine

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// roomOfHeap is how large the heap may become before garbage is collected, however little of it is in use. By default
// that happens at twice what is in use: with ten megabytes fifty times a second under load, for a tenth of the
// processor. Where more is in use, half more than that is.
const roomOfHeap = 24 << 20

// giveHeapRoom makes the memory limit decide when garbage is collected, so that the heap's goal is roomOfHeap, or
// half more than what is in use. The limit is looked at after each collection, until stop is called. What the
// environment says (GOGC, GOMEMLIMIT) is left as it is.
func giveHeapRoom() (stop func()) {
	const normal, byLimit = 100, 800
	limit := debug.SetMemoryLimit(-1)
	if before := debug.SetGCPercent(byLimit); before != normal || limit != 1<<63-1 {
		debug.SetGCPercent(before)
		return func() {}
	}
	var stopped atomic.Bool
	var collected func(*mark)
	collected = func(m *mark) {
		if stopped.Load() {
			return
		}
		if want := memoryLimit(); want < limit*9/10 || want > limit*21/20 {
			limit = want
			debug.SetMemoryLimit(limit)
		}
		runtime.SetFinalizer(m, collected) // and again after the next one
	}
	limit = memoryLimit()
	debug.SetMemoryLimit(limit)
	runtime.SetFinalizer(&mark{}, collected)
	return func() {
		stopped.Store(true)
		debug.SetGCPercent(normal)
		debug.SetMemoryLimit(1<<63 - 1)
	}
}

// mark is found to be garbage by each collection. It holds a pointer, so that it is not allocated together with others.
type mark struct{ _ *mark }

// memoryLimit is the limit that gives the heap its room, beside what else the runtime has.
func memoryLimit() int64 {
	read := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(read)
	bytes := func(i int) int64 { return int64(read[i].Value.Uint64()) } //nolint:gosec // of this process
	other := bytes(1) - bytes(2) - bytes(3) - bytes(4) - bytes(5)
	return other + max(roomOfHeap, 3*bytes(0)/2)
}
