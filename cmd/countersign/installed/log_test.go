package installed

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// The real program whose log goes to a pipe: neither a reader that ends nor one that stands still ends, blocks or
// delays it.
func TestLogReaders(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	for name, ends := range map[string]bool{"a reader that ends": true, "a reader that stands still": false} {
		t.Run(name, func(t *testing.T) { t.Parallel(); logsInto(t, binary, ends) })
	}
}

// logsInto runs a daemon whose stdout and stderr are one small pipe.
func logsInto(t *testing.T, binary string, ends bool) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	in.Edit(t, "log: .*", "log: { level: debug }")
	p, read := servingInto(t, in, binary)
	if ends {
		if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		read.Close() //nolint:errcheck // a test
	}
	in.Up(t, p)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	post := func(key, ref string, want int) {
		began := time.Now()
		code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
			installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
		if took := time.Since(began); code != want || took > installtest.StopsWithin {
			t.Fatalf("answered %d after %s, want %d", code, took, want)
		}
	}
	for i := range 200 { // with some 150 bytes a line: more than the pipe takes
		post(key, strconv.Itoa(i), http.StatusOK)
		if i%20 == 0 {
			post("wrong", "r", http.StatusUnauthorized)
		}
	}
	if n := in.Rows(t); n != 200 {
		t.Errorf("%d rows", n)
	}
	_, metrics := in.Looked(t, "/metrics", "", "")
	dropped := regexp.MustCompile(`(?m)^countersign_log_lines_dropped_total (\d+)$`).FindStringSubmatch(metrics)
	_, ready := in.Looked(t, "/readyz", "", "")
	if len(dropped) != 2 || ends != (dropped[1] != "0") || ends != strings.Contains(ready, "lines were dropped") {
		t.Errorf("dropped %v; %s", dropped, ready)
	}

	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.Exit(t); code != output.ExitDone || time.Since(began) > installtest.StopsWithin {
		t.Errorf("exit %d after %s", code, time.Since(began))
	}
}

// servingInto starts the daemon with a pipe for its output, and returns the end that nobody reads yet.
func servingInto(t *testing.T, in installtest.Installation, binary string) (*installtest.Process, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() }) //nolint:errcheck // a test
	if _, err := unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	p := &installtest.Process{Cmd: exec.Command(binary, "--config", in.Config, "serve"), Out: &installtest.SafeBuffer{}, Done: make(chan struct{})}
	p.Stdout, p.Stderr = write, write
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(p.Kill)
	write.Close() //nolint:errcheck // a test
	return p, read
}
