package killed

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
)

// faultLibrary builds the library that makes the daemon's file calls fail. SQLite is C and calls libc, which can be
// stood in for; the documents are Go's own and have tests of another kind.
func faultLibrary(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("gcc is needed (package gcc): %v", err)
		}
		t.Skipf("gcc is needed (package gcc): %v", err)
	}
	library := filepath.Join(reachable(t), "faults.so")
	out, err := exec.Command("gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library,
		filepath.Join("testdata", "faults.c"), "-ldl", "-lpthread").CombinedOutput()
	require.NoError(t, err, string(out))
	return library
}

// sick is an installation whose daemon's disk fails as a file says.
type sick struct {
	ill
	control string
}

func getsSick(t *testing.T, binary, library string) *sick {
	t.Helper()
	d := &sick{ill: ill{binary: binary}, control: filepath.Join(reachable(t), "control")}
	d.installed(t, false)
	d.rule(t, "")
	d.env = []string{"LD_PRELOAD=" + library, "FAULTS_DIR=" + filepath.Join(d.Dir, "data"), "FAULTS_CONTROL=" + d.control}
	return d
}

// rule sets what fails from now on.
func (d *sick) rule(t *testing.T, lines string) {
	t.Helper()
	require.NoError(t, os.WriteFile(d.control+".new", []byte(lines), 0o644)) //nolint:gosec // another user's daemon reads it
	require.NoError(t, os.Rename(d.control+".new", d.control))
}

// A disk that fails under the database: no callback is acknowledged that is not on it, /readyz and the log say why, and
// service is back within ten seconds of its mending, without a restart. Then the power fails: what had been
// acknowledged is there once, and nothing else.
func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	binary, library := installtest.BuiltProgram(t), faultLibrary(t)
	for name, c := range map[string]struct{ rule, says string }{
		"no space for the log":           {"write -wal ENOSPC", "database or disk is full"},
		"a quota for the log":            {"write -wal EDQUOT", "disk I/O error"},
		"an I/O error writing the log":   {"write -wal EIO", "disk I/O error"},
		"a log that turned read-only":    {"write -wal EROFS", "disk I/O error"},
		"short writes to the log":        {"short -wal ENOSPC", "database or disk is full"},
		"an I/O error syncing the log":   {"sync -wal EIO", "disk I/O error"},
		"a failed sync that drops pages": {"sync -wal EIO\ndrop", "disk I/O error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := getsSick(t, binary, library)
			d.serve(t)
			d.takes(t, 20)
			d.rule(t, c.rule)
			d.refuses(t, c.says)
			installtest.Eventually(t, "a line in the log", func() bool { return strings.Contains(d.p.Out.String(), c.says) })
			d.rule(t, "")
			d.recovers(t)
			d.takes(t, 5)
			d.kept(t)
			d.powerFails(t)
			d.kept(t)
			d.p.Kill()
			d.rule(t, c.rule)
			d.p = d.start(t)
			require.Equal(t, output.ExitFailed, d.p.Exit(t), d.p.Out.String())
			require.Contains(t, d.p.Out.String(), c.says)
			d.rule(t, "")
			d.serve(t)
			d.takes(t, 5)
			d.kept(t)
		})
	}
}

// powerFails lets all be lost that was not synced, at the next write, and starts again.
func (d *sick) powerFails(t *testing.T) {
	t.Helper()
	d.rule(t, "powercut")
	d.callsIn(t)
	select {
	case <-d.p.Done:
	case <-time.After(installtest.WholeWait):
		t.Fatal("it went on without power")
	}
	status, ok := d.p.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signal() == syscall.SIGKILL, d.p.ProcessState)
	d.rule(t, "")
	d.serve(t)
}

// callsIn sends a callback that gets no answer.
func (d *sick) callsIn(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Public+"/callbacks/sim-onespan",
		strings.NewReader(string(installtest.OneSpanEvent("PACKAGE_CREATE", "unanswered", time.Now()))))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Basic "+d.key)
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close() //nolint:errcheck // it is void
		require.NotEqual(t, http.StatusOK, resp.StatusCode)
	}
}

// Where the log can be written and the database's own file cannot, nothing is refused: the log holds it, and a kill
// loses nothing, whatever a checkpoint left half done.
func TestInjectedFaultsUnderACheckpoint(t *testing.T) {
	t.Parallel()
	binary, library := installtest.BuiltProgram(t), faultLibrary(t)
	for name, rule := range map[string]string{
		"no space":     "write countersign.db ENOSPC",
		"short writes": "short countersign.db EIO",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := getsSick(t, binary, library)
			d.serve(t)
			d.takes(t, 20)
			d.rule(t, rule)
			// a checkpoint at 8 MiB would have begun it anew
			for n := 0; fileSize(t, d.data("countersign.db-wal")) < 9<<20; n++ {
				require.Less(t, n, 200)
				d.takes(t, 20)
			}
			d.kept(t)
			d.powerFails(t)
			d.kept(t)
			d.takes(t, 20)
			db := d.open(t, "ro")
			require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
		})
	}
}

// Where the database's own file cannot be synced, nobody knows what of it is on disk: the daemon ends by itself before
// a later checkpoint would give the log away, and the next start finds all in it.
func TestInjectedFaultsInTheSyncOfTheDatabase(t *testing.T) {
	t.Parallel()
	binary, library := installtest.BuiltProgram(t), faultLibrary(t)
	for name, rule := range map[string]string{
		"an I/O error":             "sync countersign.db EIO",
		"one that drops the pages": "sync countersign.db EIO\ndrop",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := getsSick(t, binary, library)
			d.serve(t)
			d.takes(t, 20)
			d.rule(t, rule)
			ref, body, err := "", []byte(nil), error(nil)
			for err == nil { // until a checkpoint, at 8 MiB of log
				require.Less(t, fileSize(t, d.data("countersign.db-wal")), int64(12<<20))
				ref, body = d.next()
				_, _, err = d.calls(t, ref, body)
			}
			require.Equal(t, output.ExitFailed, d.p.Exit(t), d.p.Out.String())
			require.Contains(t, d.p.Out.String(), "own file could not be synced")
			d.rule(t, "")
			d.serve(t)
			code, _, err := d.calls(t, ref, body) // a provider that got no answer comes again
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, code)
			d.takes(t, 20)
			d.kept(t)
			d.powerFails(t)
			d.kept(t)
			db := d.open(t, "ro")
			require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
		})
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}
