package main

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

	"countersign/cmd/countersign/output"
	"countersign/provider/simulator"
)

// The real program whose log goes to a pipe: neither a reader that ends nor one that stands still ends, blocks or
// delays it.
func TestWholeLogReaders(t *testing.T) {
	t.Parallel()
	binary := builtProgram(t)
	for name, ends := range map[string]bool{"a reader that ends": true, "a reader that stands still": false} {
		t.Run(name, func(t *testing.T) { t.Parallel(); logsInto(t, binary, ends) })
	}
}

// logsInto runs a daemon whose stdout and stderr are one small pipe.
func logsInto(t *testing.T, binary string, ends bool) {
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	in.edit(t, "log: .*", "log: { level: debug }")
	p, read := in.servingInto(t, binary)
	if ends {
		if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		read.Close() //nolint:errcheck // a test
	}
	in.up(t, p)
	key, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	post := func(key, ref string, want int) {
		began := time.Now()
		code, _ := in.post(simulator.AccountOneSpan, "application/json", "Basic "+key,
			oneSpanEvent("PACKAGE_CREATE", ref, time.Now()))
		if took := time.Since(began); code != want || took > stopsWithin {
			t.Fatalf("answered %d after %s, want %d", code, took, want)
		}
	}
	for i := range 200 { // with some 150 bytes a line: more than the pipe takes
		post(key, strconv.Itoa(i), http.StatusOK)
		if i%20 == 0 {
			post("wrong", "r", http.StatusUnauthorized)
		}
	}
	if n := in.rows(t); n != 200 {
		t.Errorf("%d rows", n)
	}
	_, metrics := in.looked(t, "/metrics", "", "")
	dropped := regexp.MustCompile(`(?m)^countersign_log_lines_dropped_total (\d+)$`).FindStringSubmatch(metrics)
	_, ready := in.looked(t, "/readyz", "", "")
	if len(dropped) != 2 || ends != (dropped[1] != "0") || ends != strings.Contains(ready, "lines were dropped") {
		t.Errorf("dropped %v; %s", dropped, ready)
	}

	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(t); code != output.ExitDone || time.Since(began) > stopsWithin {
		t.Errorf("exit %d after %s", code, time.Since(began))
	}
}

// servingInto starts the daemon with a pipe for its output, and returns the end that nobody reads yet.
func (in installation) servingInto(t *testing.T, binary string) (*process, *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() }) //nolint:errcheck // a test
	if _, err := unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(binary, "--config", in.config, "serve"), out: &safeBuffer{}, done: make(chan struct{})}
	p.Stdout, p.Stderr = write, write
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.Wait(); close(p.done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(p.kill)
	write.Close() //nolint:errcheck // a test
	return p, read
}
