package installtest

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
	"countersign/provider"
	"countersign/provider/allsign"
	"countersign/provider/autosign"
	"countersign/provider/documenso"
	"countersign/provider/dropboxsign"
	"countersign/provider/onespan"
	"countersign/provider/simulator"
)

// WholeWait is how long these tests wait for what must come; it is no measure of how fast it should.
const WholeWait = 90 * time.Second

// Services is a simulated world behind a door that a test may hold shut.
type Services struct {
	World *simulator.World
	URL   string
	mu    sync.Mutex
	hook  func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

// PlayServices serves a world on loopback. Its lives run only where the test runs them.
func PlayServices(t *testing.T, o simulator.Options) *Services {
	s := &Services{World: simulator.New(o)}
	srv := httptest.NewServer(s)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	s.URL = srv.URL
	return s
}

func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		s.World.Handler().ServeHTTP(w, r)
		return
	}
	hook(w, r, s.World.Handler())
}

// Through puts f between the daemon and the services; nil takes it away.
func (s *Services) Through(f func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// Account is a simulated account.
func (s *Services) Account(id string) simulator.Account {
	for _, a := range s.World.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return simulator.Account{}
}

// lastPort is the last that freeAddress gave out. It lies below the ports that outgoing connections and listeners on
// port 0 get, so that nobody takes a port between the look and the daemon's start.
var lastPort atomic.Int64

// FreeAddress returns a loopback address that nobody listens on, each a single time.
func FreeAddress() (string, error) {
	lastPort.CompareAndSwap(0, 20000+int64(os.Getpid()%100)*100)
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+lastPort.Add(1)%12000)
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port between 20000 and 32000")
}

// Installation is a folder with a config for services.
type Installation struct {
	Dir, Config, Public, Console string
}

// Install writes a config. speed sets how fast slots and retries come, see simulatedConfig.
func Install(t *testing.T, s *Services, speed float64) Installation {
	t.Helper()
	in := Installation{Dir: t.TempDir()}
	var err error
	in.Public, err = FreeAddress()
	require.NoError(t, err)
	in.Console, err = FreeAddress()
	require.NoError(t, err)
	in.Config = filepath.Join(in.Dir, "config.yaml")
	text := demo.Config(demo.ConfigOptions{Providers: Providers(),
		Accounts: s.World.Accounts(), Base: s.URL, PublicAddress: in.Public, ConsoleAddress: in.Console,
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: speed,
	})
	if speed <= 1 {
		text = "documents_min_free: 1MiB\nslot_jitter: 0s\nlog: { level: warning }\n" + strings.ReplaceAll(text,
			"    allow_private_links: true\n",
			"    allow_private_links: true\n    budget: { read: 6000, files: 3000, test: 900 }\n")
	}
	require.NoError(t, os.WriteFile(in.Config, []byte(text), 0o600))
	return in
}

// Table reads the database beside whoever uses it.
func (in Installation) Table(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(in.Dir, "countersign.db")+"?mode=ro&_busy_timeout=5000")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() }) //nolint:errcheck // only read
	return db
}

// One reads one value; what is not there yet is the zero value.
func One[T any](db *sql.DB, query string, args ...any) (v T) {
	db.QueryRow(query, args...).Scan(&v) //nolint:errcheck // waited for
	return v
}

// Eventually asks until it is so. It rests five times as long as the last look took, at least 20 ms: looks that run a
// verb are dear, and others play at the same time.
func Eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), WholeWait)
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

// LastSeen returns a function that keeps what was seen last: a test that fails says it.
func LastSeen(t *testing.T, what string) func(format string, args ...any) {
	t.Helper()
	var last string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: %s", what, last)
		}
	})
	return func(format string, args ...any) { last = fmt.Sprintf(format, args...) }
}

// Shows is eventually for what a verb tells of the database: a verb is a process, so it looks again only when somebody
// has written, or two seconds later.
func (in Installation) Shows(t *testing.T, what string, so func() bool) {
	t.Helper()
	db := in.Table(t)
	db.SetMaxOpenConns(1) // the version is told to one connection
	var seen int
	var looked time.Time
	Eventually(t, what, func() bool {
		version := One[int](db, "PRAGMA data_version")
		if version == seen && time.Since(looked) < 2*time.Second {
			return false
		}
		seen, looked = version, time.Now()
		return so()
	})
}

// Post sends a callback and returns the answer; code 0 where none came.
func (in Installation) Post(account, contentType, authorization string, body []byte) (int, string) {
	req, err := http.NewRequest(http.MethodPost, "http://"+in.Public+"/callbacks/"+account, bytes.NewReader(body)) //nolint:noctx // loopback
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

// OneSpanEvent is a callback body as OneSpan sends it.
func OneSpanEvent(name, ref string, at time.Time) []byte {
	return fmt.Appendf(nil,
		`{"@class":"com.silanis.esl.packages.event.ESLProcessEvent","name":%q,"sessionUser":"owner","packageId":%q,"message":null,"documentId":null,"createdDate":%q}`,
		name, ref, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// Write changes the database of an installation that nobody uses.
func (in Installation) Write(t *testing.T, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(in.Dir, "countersign.db"))
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // committed
	_, err = db.Exec(query, args...)
	require.NoError(t, err)
}

// Callbacks counts the callbacks of a verdict by ref, as the store tells them.
func (in Installation) Callbacks(t *testing.T, v model.Verdict) map[string]int {
	t.Helper()
	out := map[string]int{}
	in.Read(t, func(s *store.Store) {
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

// Env is what a verb has, in this process: for what is read beside the program.
func (in Installation) Env() *engine.Env {
	env := engine.NewEnv(strings.NewReader(""), io.Discard, io.Discard, Providers())
	env.ConfigFlag = in.Config
	return env
}

// Read opens the store beside whoever uses it.
func (in Installation) Read(t *testing.T, do func(*store.Store)) {
	t.Helper()
	require.NoError(t, in.Env().Reading(t.Context(), func(_ *config.Config, s *store.Store) error { do(s); return nil }))
}

// FileHash is the SHA-256 of a file, in hex.
func FileHash(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Edit changes the config.
func (in Installation) Edit(t *testing.T, pattern, with string) {
	t.Helper()
	text, err := os.ReadFile(in.Config)
	require.NoError(t, err)
	next := regexp.MustCompile(pattern).ReplaceAll(text, []byte(with))
	require.NotEqual(t, string(text), string(next), "the config has %s", pattern)
	require.NoError(t, os.WriteFile(in.Config, next, 0o600))
}

// Daemon runs serve until the test ends, or stop is called, which returns the exit code.
func (in Installation) Daemon(t *testing.T, args ...string) (stop func() int) {
	t.Helper()
	return in.DaemonWhere(t, func() bool { return Answers("http://"+in.Public+"/", http.StatusNotFound) }, args...)
}

// DaemonWhere is daemon, whose public listener is up when so says it.
func (in Installation) DaemonWhere(t *testing.T, so func() bool, args ...string) (stop func() int) {
	t.Helper()
	p := in.Start(t, OurProgram(t), append([]string{"serve"}, args...)...)
	Eventually(t, "a listener that answers", func() bool {
		select {
		case <-p.Done:
			t.Fatalf("the daemon ended:\n%s", p.Out.String())
		default:
		}
		return so() && Answers("http://"+in.Console+"/healthz", http.StatusOK)
	})
	return sync.OnceValue(func() int {
		p.Process.Signal(syscall.SIGTERM) //nolint:errcheck // may be over
		return p.Exit(t)
	})
}

// Verb runs a verb to its end.
func (in Installation) Verb(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := exec.CommandContext(t.Context(), OurProgram(t), append([]string{"--config", in.Config}, args...)...)
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// Providers is every service, as the program lists them.
func Providers() map[string]provider.Driver {
	return map[string]provider.Driver{
		"allsign":     {Traits: allsign.Traits(), New: allsign.New},
		"autosign":    {Traits: autosign.Traits(), New: autosign.New},
		"documenso":   {Traits: documenso.Traits(), New: documenso.New},
		"dropboxsign": {Traits: dropboxsign.Traits(), New: dropboxsign.New},
		"onespan":     {Traits: onespan.Traits(), New: onespan.New},
	}
}

// FromEnvironment is a duration that a variable names, or another.
func FromEnvironment(t *testing.T, name string, or time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return or
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err, name)
	return d
}
