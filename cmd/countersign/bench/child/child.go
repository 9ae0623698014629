// Package child runs this program a second time, as a process of its own, and reads what the kernel counts of it:
// processor time, memory, open files.
package child

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a child that was started.
type Process struct {
	cmd   *exec.Cmd
	name  string
	ended chan struct{}
	err   error

	mu   sync.Mutex
	said bytes.Buffer // its newest words
	most Memory
}

// Start runs binary with args in dir until Stop. Each line that it prints goes to line, if not nil.
func Start(ctx context.Context, binary, dir string, line func(string), args ...string) (*Process, error) {
	p := &Process{name: args[0], ended: make(chan struct{})}
	p.cmd = exec.Command(binary, args...) //nolint:gosec // ourselves
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), "COUNTERSIGN_KEY=", "COUNTERSIGN_CONFIG=")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	in.Close() //nolint:errcheck // the child has it
	go func() {
		defer out.Close() //nolint:errcheck // read to its end
		for s := bufio.NewScanner(out); s.Scan(); {
			p.hear(s.Text())
			if line != nil {
				line(s.Text())
			}
		}
		io.Copy(io.Discard, out) //nolint:errcheck // a line too long
	}()
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	return p, ctx.Err()
}

// hear keeps the newest words for an error.
func (p *Process) hear(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said.Len() > 16<<10 {
		p.said.Reset()
	}
	p.said.WriteString(line + "\n")
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Alive says why it is gone, if so.
func (p *Process) Alive() error {
	select {
	case <-p.ended:
		return p.gone()
	default:
		return nil
	}
}

func (p *Process) gone() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%s ended by itself: %w\n%s", p.name, errors.Join(p.err, errEnded), p.said.String())
}

var errEnded = errors.New("it was still needed")

// Until waits until ready, asked again and again.
func (p *Process) Until(ctx context.Context, what string, ready func() bool) error {
	for end := time.Now().Add(time.Minute); !ready(); time.Sleep(time.Millisecond) {
		if err := errors.Join(p.Alive(), ctx.Err()); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: no %s after a minute\n%s", p.name, what, p.said.String())
		}
	}
	return nil
}

// Stop asks it to end and waits; what does not end in half a minute is killed. The error of one that ended badly holds its
// newest words.
func (p *Process) Stop() error {
	if err := p.Alive(); err != nil {
		return err
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		return errors.Join(fmt.Errorf("%s did not end", p.name), p.cmd.Process.Kill())
	}
	if p.err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		return fmt.Errorf("%s: %w\n%s", p.name, p.err, p.said.String())
	}
	return nil
}

// ticks is how many of the kernel's units of processor time a second has, on each Linux.
const ticks = 100

// CPU is the processor time that it and its ended children took.
func (p *Process) CPU() (time.Duration, error) { return CPUOf(p.PID()) }

// CPUOf is the processor time that a process of this machine and its ended children took.
func CPUOf(pid int) (time.Duration, error) {
	file := filepath.Join("/proc", strconv.Itoa(pid), "stat")
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, fmt.Errorf("%s: %q has too few fields", file, b)
	}
	sum := 0
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// Memory is resident memory in bytes.
type Memory struct{ Resident, Anonymous, Peak int64 }

// Memory is what it holds now.
func (p *Process) Memory() (m Memory, err error) {
	b, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*int64{"VmRSS": &m.Resident, "RssAnon": &m.Anonymous, "VmHWM": &m.Peak}[name]
		if to == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, err
		}
		*to = n << 10
	}
	return m, nil
}

// Watch notes its memory ten times a second until ctx ends, for Most.
func (p *Process) Watch(ctx context.Context) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		if m, err := p.Memory(); err == nil {
			p.mu.Lock()
			p.most.Anonymous = max(p.most.Anonymous, m.Anonymous)
			p.most.Resident = max(p.most.Resident, m.Resident)
			p.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-p.ended:
			return
		case <-t.C:
		}
	}
}

// Most is the most memory that Watch saw.
func (p *Process) Most() Memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

func (p *Process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.PID()), name)
}
