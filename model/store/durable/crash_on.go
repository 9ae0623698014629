//go:build crashpoints

package durable

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// CrashPoint ends the process, as kill -9 does, where COUNTERSIGN_CRASH=NAME:N names this step and it is passed for
// the N-th time.
func CrashPoint(name string) {
	if p := crashPlan(); p.name == name && p.passed.Add(1) == p.at {
		syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // nothing is left that could read it
		select {}
	}
}

type plan struct {
	name   string
	at     int64
	passed atomic.Int64
}

var crashPlan = sync.OnceValue(func() *plan {
	name, at, _ := strings.Cut(os.Getenv("COUNTERSIGN_CRASH"), ":")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		n = 1
	}
	return &plan{name: name, at: n}
})
