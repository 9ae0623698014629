package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command is how events are handed to a program: one run for each, the event on its stdin, without a shell.
type Command struct {
	Args    []string // the program and its arguments
	Timeout time.Duration
}

// mostOutput is how much a program may write before it is ended.
const mostOutput = 1 << 20

// Sender runs the program. An event is taken if the program ends with 0. When its time is over, or it writes without
// end, the program is killed with all that it has started and that did not leave its process group.
func (c Command) Sender() Sender {
	return func(ctx context.Context, e Event) Answer {
		ctx, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		out := &output{full: cancel}
		cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...) //nolint:gosec // the operator's own config names it
		cmd.Env = []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
			"COUNTERSIGN_EVENT_ID=" + e.ID, "COUNTERSIGN_EVENT_TYPE=" + e.Type,
		}
		cmd.Dir = "/"
		cmd.Stdin = bytes.NewReader(append(bytes.Clone(e.Body), '\n'))
		cmd.Stdout, cmd.Stderr = out, out
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
		cmd.WaitDelay = time.Second
		err := cmd.Start()
		if err == nil {
			err = cmd.Wait()
			killGroup(cmd.Process.Pid) //nolint:errcheck // mostly nothing is left of it
		}
		return c.answer(ctx, err, out)
	}
}

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }

func (c Command) answer(ctx context.Context, err error, out *output) Answer {
	var exit *exec.ExitError
	switch note := Plain(out.text()); {
	case out.isFull():
		return Answer{Note: fmt.Sprintf("killed: it wrote more than %d bytes", mostOutput)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Answer{Note: fmt.Sprintf("killed: not done within %s", c.Timeout)}
	case ctx.Err() != nil:
		return Answer{Note: "the daemon stopped before it was done"}
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // the latter: it has ended with 0, and a child holds its output
		return Answer{Taken: true, Note: "exit 0"}
	case errors.As(err, &exit) && exit.Exited():
		return Answer{Note: Plain(strings.TrimSuffix(fmt.Sprintf("exit %d: %s", exit.ExitCode(), note), ": "))}
	default:
		return Answer{Note: Plain(err.Error())}
	}
}

// output keeps the beginning of what a program writes.
type output struct {
	mu   sync.Mutex
	kept []byte
	all  int
	full context.CancelFunc
}

// Write is for io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all += len(p)
	o.kept = append(o.kept, p[:min(len(p), max(0, 4*mostNote-len(o.kept)))]...)
	if o.all > mostOutput {
		o.full()
	}
	return len(p), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}

func (o *output) isFull() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all > mostOutput
}
