package installtest

import (
	"bytes"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Process is the real program, run as a child.
type Process struct {
	*exec.Cmd
	Out  *SafeBuffer
	Done chan struct{}
}

// SafeBuffer keeps what several write at once.
type SafeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *SafeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *SafeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Start runs the program with a config.
func (in Installation) Start(t *testing.T, binary string, args ...string) *Process {
	t.Helper()
	return in.StartAs(t, binary, append([]string{"--config", in.Config}, args...)...)
}

// StartAs runs a program that becomes ours.
func (in Installation) StartAs(t *testing.T, binary string, args ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(binary, args...), Out: &SafeBuffer{}, Done: make(chan struct{})}
	p.Stdout, p.Stderr = p.Out, p.Out
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("output of %v:\n%s", args, p.Out.String())
		}
	})
	return p
}

// Kill ends the process at once and waits for its end.
func (p *Process) Kill() {
	p.Process.Signal(syscall.SIGKILL) //nolint:errcheck // may be over
	<-p.Done
}

// Serving starts the daemon and waits until both listeners answer; it says how long that took.
func (in Installation) Serving(t *testing.T, binary string, args ...string) (*Process, time.Duration) {
	t.Helper()
	began := time.Now()
	p := in.Start(t, binary, append([]string{"serve"}, args...)...)
	in.Up(t, p)
	return p, time.Since(began)
}

// Up waits until both listeners of a daemon answer.
func (in Installation) Up(t *testing.T, p *Process) {
	t.Helper()
	Eventually(t, "a listener that answers", func() bool {
		select {
		case <-p.Done:
			t.Fatalf("the daemon ended:\n%s", p.Out.String())
		default:
		}
		return Answers("http://"+in.Public+"/", http.StatusNotFound) &&
			Answers("http://"+in.Console+"/healthz", http.StatusOK)
	})
}

// Answers says whether a GET of url is answered with code.
func Answers(url string, code int) bool {
	resp, err := http.Get(url) //nolint:noctx // loopback
	if err != nil {
		return false
	}
	resp.Body.Close() //nolint:errcheck // only the code matters
	return resp.StatusCode == code
}

// Exit waits for the program's end.
func (p *Process) Exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.Done:
	case <-time.After(WholeWait):
		t.Fatal("the program did not end")
	}
	return p.ProcessState.ExitCode()
}
