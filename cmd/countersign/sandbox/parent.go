// Package sandbox reads one file in a child process of its own: the parent is the daemon, the child can write nothing
// and is ended where it takes more than its share.
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"countersign/worker/pdf"
)

// Reader looks into files, each in a child process of this program.
type Reader struct {
	program string
	slots   chan struct{}
	wall    time.Duration
	// a child that timed out with less processor time was starved: the machine is to blame, not the file
	busy time.Duration
	look time.Duration // how often a child's memory is looked at
	told func(Usage)
}

// Usage is what looking into one file took.
type Usage struct {
	Processor time.Duration // of the child, its start included
	Peak      int64         // bytes; the most that was seen in use
}

// Watch has told be called with what each child took, and looks at its memory each millisecond.
func (c *Reader) Watch(told func(Usage)) { c.told, c.look = told, time.Millisecond }

// New finds this program, to start it as a child.
func New() *Reader {
	c := &Reader{slots: make(chan struct{}, max(1, runtime.NumCPU()/2)), wall: wallTime, busy: time.Second,
		look: 10 * time.Millisecond}
	c.program, _ = os.Executable() //nolint:errcheck // what is not there cannot be started, and that is told
	if runtime.GOOS == "linux" {
		c.program = "/proc/self/exe" // this program, also when another one has taken its place on disk
	}
	return c
}

var errNoChild = errors.New("no child process to look into a file")

// Inspect starts a child process for one file and waits for what it finds. Errors are the machine's; a child that
// died or took too much is the file's fault.
func (c *Reader) Inspect(ctx context.Context, f *os.File, trusted pdf.Trusted) (pdf.Verdict, error) {
	patience := time.NewTimer(c.wall)
	defer patience.Stop()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return pdf.Verdict{}, ctx.Err()
	case <-patience.C:
		return pdf.Verdict{}, fmt.Errorf("%w: others are still being looked into", errNoChild)
	}
	in, err := reopen(f)
	if err != nil {
		return pdf.Verdict{}, err
	}
	defer in.Close() //nolint:errcheck // only read
	st, err := in.Stat()
	if err != nil {
		return pdf.Verdict{}, err
	}
	question, err := json.Marshal(trusted)
	if err != nil {
		return pdf.Verdict{}, err
	}
	return c.run(ctx, in, question, memoryFor(st.Size()))
}

// reopen opens a file anew, to be read only, from its start. One that came from a bucket has no name any more.
func reopen(f *os.File) (*os.File, error) {
	in, err := os.Open(f.Name())
	if errors.Is(err, fs.ErrNotExist) {
		in, err = os.Open("/dev/fd/" + strconv.FormatUint(uint64(f.Fd()), 10))
	}
	return in, err
}

func (c *Reader) run(ctx context.Context, in *os.File, question []byte, memory int64) (pdf.Verdict, error) {
	out, faults := &capped{most: 1 << 20}, &capped{most: 4 << 10}
	cmd := &exec.Cmd{
		Path: c.program, Args: []string{"countersign", Verb}, Dir: "/",
		// none of ours: secrets are in there
		Env:   []string{"GOMAXPROCS=2", "GOTRACEBACK=none", "GORACE=atexit_sleep_ms=0"},
		Stdin: bytes.NewReader(question), Stdout: out, Stderr: faults, ExtraFiles: []*os.File{in}, WaitDelay: time.Second,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := cmd.Start(); err != nil {
		return pdf.Verdict{}, fmt.Errorf("%w: %w", errNoChild, err)
	}
	kill := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } //nolint:errcheck // gone already
	done := make(chan struct{})
	var overran bool
	var peak int64
	var watch sync.WaitGroup
	watch.Go(func() {
		late := time.NewTimer(c.wall)
		defer late.Stop()
		look := time.NewTicker(max(c.look, time.Millisecond))
		defer look.Stop()
		for {
			select {
			case <-done:
				return
			case <-look.C:
				peak = max(peak, resident(cmd.Process.Pid))
			case <-ctx.Done():
				kill()
				<-done
				return
			case <-late.C:
				overran = true
				kill()
				<-done
				return
			}
		}
	})
	err := cmd.Wait()
	close(done)
	watch.Wait()
	if ctx.Err() != nil {
		return pdf.Verdict{}, ctx.Err()
	}
	if c.told != nil {
		c.told(Usage{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak})
	}
	ended := ending{err: err, out: out.String(), faults: faults.String(), state: cmd.ProcessState, overran: overran,
		peak: peak, memory: memory, busy: c.busy}
	return ended.verdict()
}

// ending is how a child process ended.
type ending struct {
	err         error
	out, faults string
	state       *os.ProcessState
	overran     bool
	peak        int64 // the most memory that was seen in use
	memory      int64 // and the most that it may have
	busy        time.Duration
}

// verdict tells what a child found, or whether file or machine is to blame that it found nothing.
func (e ending) verdict() (v pdf.Verdict, err error) {
	text, ready := strings.CutPrefix(e.out, readyLine)
	spent := func(why string) (pdf.Verdict, error) {
		return pdf.Verdict{Fault: "the file could not be read through: " + why, Spent: true}, nil
	}
	used := e.state.UserTime() + e.state.SystemTime()
	large := e.peak > e.memory/4
	killed := false
	if s, ok := e.state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		killed = s.Signal() == syscall.SIGKILL
	}
	switch {
	case !ready:
		return v, fmt.Errorf("%w: it did not get ready: %s", errNoChild, e.state)
	case used >= processorSeconds*time.Second:
		return spent(fmt.Sprintf("that took more than %d seconds of processor time", processorSeconds))
	case e.overran && used >= e.busy:
		return spent("that took more than " + wallTime.String())
	case e.err != nil && large:
		return spent(fmt.Sprintf("that took more than %d MiB of memory", e.memory>>20))
	case e.overran, killed, e.starved():
		return v, fmt.Errorf("%w: it was ended, and not for what it used: %s", errNoChild, e.state)
	case e.err != nil:
		return spent("its reader died of it")
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return spent("what its reader said is no answer")
	}
	return v, nil
}

// starved says whether the child got no memory or no thread, though it had not used up its own share.
func (e ending) starved() bool {
	for _, said := range []string{"out of memory", "cannot allocate memory", "pthread_create failed",
		"failed to create new OS thread"} {
		if e.err != nil && strings.Contains(e.faults, said) {
			return true
		}
	}
	return false
}

// resident is the memory that a process has in use now. What the system tells of it in the end is no measure: that
// begins with what its maker had in use.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// capped keeps the beginning of what is written.
type capped struct {
	text bytes.Buffer // not embedded: its ReadFrom would take all
	most int
}

func (c *capped) String() string { return c.text.String() }

func (c *capped) Write(p []byte) (int, error) {
	if room := c.most - c.text.Len(); room > 0 {
		c.text.Write(p[:min(room, len(p))]) //nolint:errcheck // it never fails
	}
	return len(p), nil
}
