package killed

import (
	"bufio"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
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
	"countersign/provider/simulator"
)

const (
	backWithin = 10 * time.Second
	nobody     = 65534 // who has no right to files of root
	smallDisk  = 24 << 20
)

// reachable is a folder that others may enter.
func reachable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	return dir
}

// A database that cannot be written is never acknowledged, told by /readyz, and back without a restart
// once its cause is gone. At the start it is exit 1 with the reason.
func TestDatabaseFaults(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	for name, c := range map[string]struct {
		fault   func(t *testing.T, d *ill) (mend func())
		disk    bool
		ready   string // what /readyz says
		atStart string // what serve says where it starts so; "": it does start
	}{
		"read-only":                 {immutable, false, "operation not permitted", "not writable"},
		"no right to the file":      {unwritable, false, "permission denied", "not writable"},
		"locked by another process": {locked, false, "database is locked", "database is locked"},
		"from a newer version":      {newer, false, "newer countersign", "newer countersign"},
		"a newer one in its place":  {newerInPlace, false, "newer countersign", "newer countersign"},
		"gone":                      {gone, false, "no such file or directory", ""},
		"disk full":                 {full, true, "disk is full", "disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &ill{binary: binary}
			d.installed(t, c.disk)
			d.serve(t)
			d.takes(t, 20)
			mend := c.fault(t, d)
			d.refuses(t, c.ready)
			mend()
			d.recovers(t)
			d.takes(t, 5)
			d.kept(t)
			if c.atStart == "" {
				return
			}
			d.p.Kill()
			mend = c.fault(t, d)
			d.p = d.start(t)
			require.Equal(t, output.ExitFailed, d.p.Exit(t), d.p.Out.String())
			require.Contains(t, d.p.Out.String(), c.atStart)
			require.Equal(t, 1, strings.Count(d.p.Out.String(), "error: "), d.p.Out.String())
			mend()
			d.serve(t)
			d.takes(t, 5)
			d.kept(t)
		})
	}
}

// ill is an installation whose database gets a fault from outside.
type ill struct {
	installtest.Installation
	binary string
	env    []string
	disk   int // a process in whose file system the database lies; 0: ours
	p      *installtest.Process
	key    string
	n      int
	took   []string // refs that were acknowledged
}

// installed has the database in a folder of its own, on a small disk where that is wanted.
func (d *ill) installed(t *testing.T, disk bool) {
	t.Helper()
	d.installedFor(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), disk)
}

func (d *ill) installedFor(t *testing.T, svc *installtest.Services, disk bool) {
	t.Helper()
	d.Installation = installtest.Install(t, svc, 1)
	reachable(t)
	d.Edit(t, `\./countersign.db`, "./data/countersign.db")
	d.key, _ = svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	require.NoError(t, os.MkdirAll(filepath.Join(d.Dir, "data"), 0o700))
	if disk {
		d.smallDisk(t)
	}
	if os.Getuid() != 0 || disk {
		return
	}
	require.NoError(t, filepath.WalkDir(d.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chown(path, nobody, nobody)
		}
		return err
	}))
}

// smallDisk mounts one over the data folder, for a process that sleeps and those that join it.
func (d *ill) smallDisk(t *testing.T) {
	t.Helper()
	script := fmt.Sprintf(`mount -t tmpfs -o size=%d none "$1" && echo mounted && exec cat`, smallDisk)
	c := exec.Command("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
		filepath.Join(d.Dir, "data"))
	in, err := c.StdinPipe() // cat ends when this process does
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	if err := c.Start(); err != nil {
		t.Skipf("no file system of our own can be mounted: %v", err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() }) //nolint:errcheck // it only slept
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Skipf("no file system of our own can be mounted (user namespaces, tmpfs): %v", err)
	}
	d.disk = c.Process.Pid
}

// data is where a file of the data folder is for us.
func (d *ill) data(name string) string {
	path := filepath.Join(d.Dir, "data", name)
	if d.disk != 0 {
		path = filepath.Join("/proc", fmt.Sprint(d.disk), "root", path)
	}
	return path
}

// command is the program, where the database is and as somebody whom rights stop.
func (d *ill) command(args ...string) *exec.Cmd {
	args = append([]string{d.binary, "--config", d.Config}, args...)
	if d.disk != 0 {
		args = append([]string{"nsenter", "--target", fmt.Sprint(d.disk), "--user", "--mount", "--preserve-credentials"},
			args...)
	}
	c := exec.Command(args[0], args[1:]...)
	c.Env = append(os.Environ(), d.env...)
	if os.Getuid() == 0 && d.disk == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return c
}

// start runs serve.
func (d *ill) start(t *testing.T, args ...string) *installtest.Process {
	t.Helper()
	p := &installtest.Process{Cmd: d.command(append([]string{"serve"}, args...)...), Out: &installtest.SafeBuffer{}, Done: make(chan struct{})}
	p.Stdout, p.Stderr = p.Out, p.Out
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("output of serve:\n%s", p.Out.String())
		}
	})
	return p
}

func (d *ill) serve(t *testing.T) {
	t.Helper()
	d.p = d.start(t)
	d.Up(t, d.p)
}

// send posts the next callback, and remembers it where it was acknowledged.
func (d *ill) send(t *testing.T) (code int, after string) {
	t.Helper()
	ref, body := d.next()
	code, after, err := d.calls(t, ref, body)
	require.NoError(t, err)
	return code, after
}

// next is a callback of a new ref.
func (d *ill) next() (ref string, body []byte) {
	d.n++
	ref = fmt.Sprintf("ref-%d", d.n)
	noise := make([]byte, 8<<10) // large enough to want room
	for i := range noise {
		noise[i] = "0123456789abcdef"[rand.IntN(16)]
	}
	return ref, bytes.Replace(installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now()), []byte(`"message":null`),
		fmt.Appendf(nil, `"message":%q`, noise), 1)
}

// calls posts, and notes what was taken. An error is that no answer came.
func (d *ill) calls(t *testing.T, ref string, body []byte) (code int, after string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+d.Public+"/callbacks/"+simulator.AccountOneSpan, bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Basic "+d.key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // read
	if _, err = io.ReadAll(resp.Body); err != nil {
		return 0, "", err
	}
	if resp.StatusCode == http.StatusOK {
		d.took = append(d.took, ref)
	}
	return resp.StatusCode, resp.Header.Get("Retry-After"), nil
}

func (d *ill) takes(t *testing.T, n int) {
	t.Helper()
	for range n {
		code, _ := d.send(t)
		require.Equal(t, http.StatusOK, code)
	}
}

// refuses waits until a callback is refused, and looks whether /readyz says why.
func (d *ill) refuses(t *testing.T, why string) {
	t.Helper()
	code, after := http.StatusOK, ""
	for room := 0; code == http.StatusOK && room < 200; room++ { // there may be some left
		code, after = d.send(t)
	}
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotEmpty(t, after, "Retry-After")
	code, text := d.Installation.Looked(t, "/readyz", "", "")
	require.Equal(t, http.StatusServiceUnavailable, code, text)
	require.Contains(t, text, why)
	code, _ = d.Installation.Looked(t, "/healthz", "", "")
	require.Equal(t, http.StatusOK, code)
}

// recovers waits until callbacks are taken again and we are ready.
func (d *ill) recovers(t *testing.T) {
	t.Helper()
	began := time.Now()
	installtest.Eventually(t, "a callback that is taken", func() bool { code, _ := d.send(t); return code == http.StatusOK })
	require.Less(t, time.Since(began), backWithin)
	code, text := d.Installation.Looked(t, "/readyz", "", "")
	require.Equal(t, http.StatusOK, code, text)
	require.NotContains(t, text, `"ok":false`)
}

// kept says that all that was acknowledged stands in the table, once and for others than the daemon,
// and nothing else.
func (d *ill) kept(t *testing.T) {
	t.Helper()
	for _, verb := range [][]string{{"list", "--json"}, {"callbacks", "list", "--json", "--verdict", "accepted"}} {
		out, err := d.command(verb...).Output()
		require.NoError(t, err)
		var refs []string
		for _, o := range installtest.ObjectsIn(t, string(out)) {
			ref, _ := o["ref"].(string)
			refs = append(refs, ref)
		}
		require.ElementsMatch(t, d.took, refs, verb)
	}
}

func (d *ill) open(t *testing.T, mode string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+d.data("countersign.db")+"?_busy_timeout=5000&mode="+mode)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // what was written is committed
	return db
}

func (d *ill) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	db := d.open(t, "rw")
	_, err := db.Exec(query, args...)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// immutable makes the database and its log such that not even who has them open may write. Their shared memory (-shm)
// is left alone: a process that writes to a page of an immutable file is ended by the system.
func immutable(t *testing.T, d *ill) func() {
	t.Helper()
	set := func(flag string) error {
		return exec.Command("chattr", flag, d.data("countersign.db"), d.data("countersign.db-wal")).Run()
	}
	t.Cleanup(func() { set("-i") }) //nolint:errcheck // or the folder stays
	if err := set("+i"); err != nil {
		t.Skipf("a file cannot be made immutable here (chattr, as root): %v", err)
	}
	return func() { require.NoError(t, set("-i")) }
}

// inPlace puts a copy of the database in its place, as a restore does.
func (d *ill) inPlace(t *testing.T, change func(copied string)) {
	t.Helper()
	copied := d.data("copy.db")
	d.exec(t, "VACUUM INTO ?", copied)
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(copied, nobody, nobody))
	}
	change(copied)
	for _, suffix := range []string{"-wal", "-shm"} {
		require.NoError(t, os.RemoveAll(d.data("countersign.db"+suffix)))
	}
	require.NoError(t, os.Rename(copied, d.data("countersign.db")))
}

// unwritable restores a copy that the daemon may only read.
func unwritable(t *testing.T, d *ill) func() {
	t.Helper()
	d.inPlace(t, func(copied string) { require.NoError(t, os.Chmod(copied, 0o444)) })
	return func() { require.NoError(t, os.Chmod(d.data("countersign.db"), 0o600)) }
}

func newer(t *testing.T, d *ill) func() {
	t.Helper()
	d.exec(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", installtest.NewerStep)
	return func() { d.exec(t, "DELETE FROM goose_db_version WHERE version_id = ?", installtest.NewerStep) }
}

func newerInPlace(t *testing.T, d *ill) func() {
	t.Helper()
	d.inPlace(t, func(copied string) {
		db, err := sql.Open("sqlite3", "file:"+copied)
		require.NoError(t, err)
		_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", installtest.NewerStep)
		require.NoError(t, err)
		require.NoError(t, db.Close())
	})
	return func() { d.exec(t, "DELETE FROM goose_db_version WHERE version_id = ?", installtest.NewerStep) }
}

// locked writes from outside and does not commit.
func locked(t *testing.T, d *ill) func() {
	t.Helper()
	db := d.open(t, "rw")
	db.SetMaxOpenConns(1)
	_, err := db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	return func() { require.NoError(t, db.Close()) }
}

func gone(t *testing.T, d *ill) func() {
	t.Helper()
	require.NoError(t, os.Rename(d.data("countersign.db"), d.data("away.db")))
	return func() { require.NoError(t, os.Rename(d.data("away.db"), d.data("countersign.db"))) }
}

// full leaves no room.
func full(t *testing.T, d *ill) func() {
	t.Helper()
	f, err := os.Create(d.data("filler"))
	require.NoError(t, err)
	_, err = f.Write(make([]byte, 2*smallDisk))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(d.data("filler"))) }
}
