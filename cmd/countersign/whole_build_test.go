package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// builds are the programs that this run of the tests has built, by their flags.
type builds struct {
	testing *testing.M
	mu      sync.Mutex
	dir     string
	made    map[string]string
}

// Run runs the tests and takes the programs away.
func (b *builds) Run() int {
	defer func() { os.RemoveAll(b.dir) }() //nolint:errcheck // of no use any more
	return b.testing.Run()
}

var programs = &builds{made: map[string]string{}}

// builtProgram is the real program, or one built otherwise. Others than us may run it.
func builtProgram(t *testing.T, flags ...string) string {
	t.Helper()
	programs.mu.Lock()
	defer programs.mu.Unlock()
	key := strings.Join(flags, " ")
	if binary := programs.made[key]; binary != "" {
		return binary
	}
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "countersign-programs-")
		require.NoError(t, err)
		require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // another user's daemon is run from it
		programs.dir = dir
	}
	binary := filepath.Join(programs.dir, "countersign"+strings.ReplaceAll(key, " ", ""))
	programs.made[key] = buildProgram(t, binary, flags...)
	return binary
}

// buildProgram builds the real program with flags.
func buildProgram(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	out, err := exec.Command("go", append(append([]string{"build"}, flags...), "-o", binary, ".")...).CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}
