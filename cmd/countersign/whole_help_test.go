package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// wholeWait is how long these tests wait for what must come; it is no measure of how fast it should.
const wholeWait = 90 * time.Second

// services is a simulated world behind a door that a test may hold shut.
type services struct {
	world *simulator.World
	url   string
	mu    sync.Mutex
	hook  func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// playServices serves a world on loopback. Its lives run only where the test runs them.
func playServices(t *testing.T, o simulator.Options) *services {
	s := &services{world: simulator.New(o)}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	s.url = srv.URL
	return s
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		s.world.Handler().ServeHTTP(w, r)
		return
	}
	hook(w, r, s.world.Handler())
}

// through puts f between the daemon and the services; nil takes it away.
func (s *services) through(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// account is a simulated account.
func (s *services) account(id string) simulator.Account {
	for _, a := range s.world.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return simulator.Account{}
}

// lastPort is the last that freeAddress gave out. It lies below the ports that outgoing connections and listeners on
// port 0 get, so that nobody takes a port between the look and the daemon's start.
var lastPort atomic.Int64

// freeAddress returns a loopback address that nobody listens on, each a single time.
func freeAddress() (string, error) {
	lastPort.CompareAndSwap(0, 20000+int64(os.Getpid()%100)*100)
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+lastPort.Add(1)%12000)
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port between 20000 and 32000")
}

// installation is a folder with a config for services.
type installation struct {
	dir, config, public, console string
}

// install writes a config. speed sets how fast slots and retries come, see simulatedConfig.
func install(t *testing.T, s *services, speed float64) installation {
	t.Helper()
	in := installation{dir: t.TempDir()}
	var err error
	in.public, err = freeAddress()
	require.NoError(t, err)
	in.console, err = freeAddress()
	require.NoError(t, err)
	in.config = filepath.Join(in.dir, "config.yaml")
	text := demo.Config(demo.ConfigOptions{Providers: providers(),
		Accounts: s.world.Accounts(), Base: s.url, PublicAddress: in.public, ConsoleAddress: in.console,
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
	})
	if speed <= 1 {
		text = "documents_min_free: 1MiB\nslot_jitter: 0s\nlog: { level: warning }\n" + strings.ReplaceAll(text,
			"    allow_private_links: true\n",
			"    allow_private_links: true\n    budget: { read: 6000, files: 3000, test: 900 }\n")
	}
	require.NoError(t, os.WriteFile(in.config, []byte(text), 0o600))
	return in
}

// table reads the database beside whoever uses it.
func (in installation) table(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(in.dir, "countersign.db")+"?mode=ro&_busy_timeout=5000")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // only read
	return db
}

// one reads one value; what is not there yet is the zero value.
func one[T any](db *sql.DB, query string, args ...any) (v T) {
	db.QueryRow(query, args...).Scan(&v) //nolint:errcheck // waited for
	return v
}

// eventually asks until it is so. It rests five times as long as the last look took, at least 20 ms: looks that run a
// verb are dear, and others play at the same time.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wholeWait)
	defer cancel()
	for {
		began := time.Now()
		if so() {
			return
		}
		if !engine.Pause(ctx, max(20*time.Millisecond, min(5*time.Since(began), time.Second))) {
			t.Fatalf("did not come: %s", what)
		}
	}
}

// process is the real program, run as a child.
type process struct {
	*exec.Cmd
	out  *safeBuffer
	done chan struct{}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the program with a config.
func (in installation) start(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	return in.startAs(t, binary, append([]string{"--config", in.config}, args...)...)
}

// startAs runs a program that becomes ours.
func (in installation) startAs(t *testing.T, binary string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(binary, args...), out: &safeBuffer{}, done: make(chan struct{})}
	p.Stdout, p.Stderr = p.out, p.out
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %v:\n%s", args, p.out.String())
		}
	})
	return p
}

func (p *process) kill() {
	p.Process.Signal(syscall.SIGKILL) //nolint:errcheck // may be over
	<-p.done
}

// serving starts the daemon and waits until both listeners answer; it says how long that took.
func (in installation) serving(t *testing.T, binary string, args ...string) (*process, time.Duration) {
	t.Helper()
	began := time.Now()
	p := in.start(t, binary, append([]string{"serve"}, args...)...)
	in.up(t, p)
	return p, time.Since(began)
}

// up waits until both listeners of a daemon answer.
func (in installation) up(t *testing.T, p *process) {
	t.Helper()
	eventually(t, "a listener that answers", func() bool {
		select {
		case <-p.done:
			t.Fatalf("the daemon ended:\n%s", p.out.String())
		default:
		}
		return answers("http://"+in.public+"/", http.StatusNotFound) &&
			answers("http://"+in.console+"/healthz", http.StatusOK)
	})
}

func answers(url string, code int) bool {
	resp, err := http.Get(url) //nolint:noctx // loopback
	if err != nil {
		return false
	}
	resp.Body.Close() //nolint:errcheck // only the code matters
	return resp.StatusCode == code
}

// exit waits for the program's end.
func (p *process) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(wholeWait):
		t.Fatal("the program did not end")
	}
	return p.ProcessState.ExitCode()
}

// post sends a callback and returns the answer; code 0 where none came.
func (in installation) post(account, contentType, authorization string, body []byte) (int, string) {
	req, err := http.NewRequest(http.MethodPost, "http://"+in.public+"/callbacks/"+account, bytes.NewReader(body)) //nolint:noctx // loopback
	if err != nil {
		return 0, err.Error()
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close() //nolint:errcheck // read
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(answer)
}

// oneSpanEvent is a callback body as OneSpan sends it.
func oneSpanEvent(name, ref string, at time.Time) []byte {
	return fmt.Appendf(nil,
		`{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":%q,"sessionUser":"owner","packageId":%q,"message":null,"documentId":null,"createdDate":%q}`,
		name, ref, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// write changes the database of an installation that nobody uses.
func (in installation) write(t *testing.T, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(in.dir, "countersign.db"))
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // committed
	_, err = db.Exec(query, args...)
	require.NoError(t, err)
}

// callbacks counts the callbacks of a verdict by ref, as the store tells them.
func (in installation) callbacks(t *testing.T, v model.Verdict) map[string]int {
	t.Helper()
	out := map[string]int{}
	in.read(t, func(s *store.Store) {
		f := store.CallbackFilter{Verdict: v, Limit: 500}
		for {
			list, next, err := s.Callbacks(t.Context(), f)
			require.NoError(t, err)
			for _, c := range list {
				out[c.Ref]++
			}
			if f.Cursor = next; next == "" {
				return
			}
		}
	})
	return out
}

// read opens the store beside whoever uses it.
func (in installation) read(t *testing.T, do func(*store.Store)) {
	t.Helper()
	a := newApp(strings.NewReader(""), io.Discard, io.Discard)
	a.ConfigFlag = in.config
	require.NoError(t, a.Reading(t.Context(), func(_ *config.Config, s *store.Store) error { do(s); return nil }))
}

func fileHash(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// edit changes the config.
func (in installation) edit(t *testing.T, pattern, with string) {
	t.Helper()
	text, err := os.ReadFile(in.config)
	require.NoError(t, err)
	next := regexp.MustCompile(pattern).ReplaceAll(text, []byte(with))
	require.NotEqual(t, string(text), string(next), "the config has %s", pattern)
	require.NoError(t, os.WriteFile(in.config, next, 0o600))
}

// daemon runs serve in this process until the test ends, or stop is called, which returns the exit code.
func (in installation) daemon(t *testing.T, args ...string) (stop func() int) {
	t.Helper()
	return in.daemonWhere(t, func() bool { return answers("http://"+in.public+"/", http.StatusNotFound) }, args...)
}

// daemonWhere is daemon, whose public listener is up when so says it.
func (in installation) daemonWhere(t *testing.T, so func() bool, args ...string) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, code := &safeBuffer{}, make(chan int, 1)
	go func() {
		code <- newApp(strings.NewReader(""), out, out).run(ctx, append([]string{"--config", in.config, "serve"}, args...))
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("output of serve:\n%s", out.String())
		}
	})
	eventually(t, "a listener that answers", func() bool {
		return so() && answers("http://"+in.console+"/healthz", http.StatusOK)
	})
	return stop
}

// verb runs a verb in this process.
func (in installation) verb(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = newApp(strings.NewReader(""), &o, &e).run(t.Context(), append([]string{"--config", in.config}, args...))
	return o.String(), e.String(), code
}
