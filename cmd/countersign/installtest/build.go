// Package installtest is for tests of the built program: an installation in a folder of its own, simulated services
// beside it, verbs and daemons as processes.
package installtest

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
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

// Run runs the tests and takes the programs away. They read English, whatever the language of who runs them.
func (b *builds) Run() int {
	if err := os.Setenv("LC_ALL", "C"); err != nil {
		panic(err)
	}
	defer func() { os.RemoveAll(b.dir) }() //nolint:errcheck // of no use any more
	return b.testing.Run()
}

var programs = &builds{made: map[string]string{}}

// Tests are the tests of a package, for its TestMain: once they have run, the programs that they built are taken away.
// More of them run at once than there are cores, since they mostly wait for a daemon; -parallel says otherwise.
func Tests(m *testing.M) interface{ Run() int } {
	if err := flag.Set("test.parallel", strconv.Itoa(max(6, 2*runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	programs.testing = m
	return programs
}

// BuiltProgram is the real program, or one built otherwise. Others than us may run it.
func BuiltProgram(t *testing.T, flags ...string) string {
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
	programs.made[key] = BuildProgram(t, binary, flags...)
	return binary
}

// OurProgram is the program that verbs and daemons run as: where the tests look for races, it does too.
func OurProgram(t *testing.T) string {
	t.Helper()
	return BuiltProgram(t, raceFlags...)
}

// BuildProgram builds the real program with flags.
func BuildProgram(t *testing.T, binary string, flags ...string) string {
	t.Helper()
	out, err := exec.Command("go", append(append([]string{"build"}, flags...), "-o", binary, "countersign/cmd/countersign")...).CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// BuildOverlaid builds the real program as it were with other files: their texts, by their paths in the repository.
func BuildOverlaid(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	module, err := exec.Command("go", "env", "GOMOD").Output()
	require.NoError(t, err)
	replace := map[string]string{}
	for name, text := range files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replace[filepath.Join(filepath.Dir(string(module)), filepath.FromSlash(name))] = file
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlay")
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	return BuildProgram(t, filepath.Join(dir, "countersign"), "-overlay", overlay)
}
