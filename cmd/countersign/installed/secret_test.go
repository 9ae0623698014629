package installed

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// hush gathers what must not be told: what the world's accounts, answers and callbacks hold of secrets, and who signs.
type hush struct {
	mu      sync.Mutex
	secrets map[string]bool
	people  map[string]bool
}

var (
	tokenMember = regexp.MustCompile(`"(?:token|access_token|refresh_token)"\s*:\s*"([^"]{6,})"`)
	linkMember  = regexp.MustCompile(`"[A-Za-z_]*(?:[uU]rl|[lL]ink)[A-Za-z_]*"\s*:\s*"(https?:[^"]{12,})"`)
)

// heard looks for tokens and links to files in what went over a wire.
func (h *hush) heard(body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range tokenMember.FindAllSubmatch(body, -1) {
		h.secrets[string(m[1])] = true
	}
	for _, m := range linkMember.FindAllSubmatch(body, -1) {
		if at, err := url.Parse(strings.ReplaceAll(string(m[1]), `\/`, "/")); err == nil &&
			(at.RawQuery != "" || strings.Contains(at.Path, "storage")) {
			if strings.Contains(at.Path, "/home/manage") {
				continue // a page behind a login, that names nothing but the ref
			}
			h.secrets[at.RequestURI()] = true // without the host, which may be quoted in another way
		}
	}
}

// settings takes every text of an account's settings but the few words.
func (h *hush) settings(v any) {
	switch v := v.(type) {
	case string:
		if len(v) >= 12 {
			h.secrets[v] = true
		}
	case []string:
		for _, s := range v {
			h.settings(s)
		}
	case []any:
		for _, s := range v {
			h.settings(s)
		}
	case map[string]any:
		for _, s := range v {
			h.settings(s)
		}
	}
}

// world takes what accounts and truth hold.
func (h *hush) world(w *simulator.World) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range w.Accounts() {
		h.settings(a.Settings)
		h.people[a.Email] = true
	}
	for _, tx := range w.Truth().Transactions {
		for _, s := range tx.Signers {
			h.people[s.Name], h.people[s.Email] = true, true
		}
	}
	delete(h.people, "")
}

// known is what was heard until now. The services go on answering.
func (h *hush) known() (secrets, people map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.secrets), maps.Clone(h.people)
}

func told(in string, words map[string]bool) (found []string) {
	for _, w := range slices.Sorted(maps.Keys(words)) {
		if strings.Contains(in, w) {
			found = append(found, w)
		}
	}
	return found
}

// unmasked runs the program with the most open mask there is.
func unmasked(t *testing.T, in installtest.Installation, binary string, args ...string) (out, log *installtest.SafeBuffer, p *installtest.Process) {
	t.Helper()
	out, log = &installtest.SafeBuffer{}, &installtest.SafeBuffer{}
	p = &installtest.Process{
		Cmd: exec.Command("sh", append([]string{"-c", `umask 0; exec "$0" "$@"`, binary, "--config", in.Config}, args...)...),
		Out: log, Done: make(chan struct{}),
	}
	p.Stdout, p.Stderr = out, log
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(p.Kill)
	return out, log, p
}

// A world of all services is played at debug level, with faults, forgeries and refused questions: no log, error, metric
// or state tells a secret or a person, no file holds a secret in clear, and none can be read by others.
func TestNothingIsTold(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	h := &hush{secrets: map[string]bool{}, people: map[string]bool{}}
	public, err := installtest.FreeAddress()
	require.NoError(t, err)
	to, err := url.Parse("http://" + public)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	calls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) //nolint:errcheck // what came
		h.heard(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(calls.Close)
	svc := installtest.PlayServices(t, simulator.Options{
		Seed: 11, Transactions: 24, BornBefore: 8, Births: 2 * time.Hour, Speed: installtest.DaySeconds, Callbacks: calls.URL,
		QuotaScale: 100,
		Services:   []string{"onespan", "dropboxsign", "allsign", "autosign", "documenso"},
		Faults: simulator.Faults{Drop: 0.2, Duplicate: 0.1, Forge: 0.2, ErrorRate: 0.1, RateLimit: 0.05, BadFiles: 0.2,
			Stale: 0.1},
	})
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		h.heard(rec.Body.Bytes())
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes()) //nolint:errcheck // the daemon may be gone
	})
	in := installtest.Install(t, svc, installtest.DaySeconds)
	in.Edit(t, `public: \{[^}]*\}`, `public: { address: "`+public+`" }`)
	in.Edit(t, `(?m)^accounts:`, "log: { level: trace, format: json }\naccounts:")
	in.Public = public
	out, log, p := unmasked(t, in, binary, "serve", "--backfill", "2d")
	in.Up(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- svc.World.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
	installtest.Eventually(t, "the end of the lives", func() bool { svc.World.FlushDelayed(); return svc.World.Idle() })

	h.world(svc.World)
	secret := ""
	secrets, _ := h.known()
	for _, s := range slices.Sorted(maps.Keys(secrets)) {
		secret = s
	}
	for _, broken := range []string{"GET /callbacks/" + secret + " HTTP/1.1\r\nHost: " + secret + "\r\n\r\n",
		secret + "\r\n\r\n"} {
		(&attacked{Installation: in}).talk(t, broken) // a stranger may guess it; the log repeats it to nobody
	}
	said := map[string]string{"stdout": out.String(), "log": log.String()}
	for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
		_, said[path] = in.Looked(t, path, "", "")
	}
	for _, verb := range [][]string{{"status"}, {"doctor"}, {"config", "check"}, {"poll"}, {"gaps"},
		{"callbacks", "list"}, {"documents", "list"}, {"registration", "show", simulator.AccountDocumenso}} {
		stdout, stderr, _ := in.Verb(t, verb...)
		said[strings.Join(verb, " ")] = stdout + stderr
	}
	require.Greater(t, strings.Count(said["log"], "\n"), 50, "there is something to look through")
	secrets, people := h.known()
	t.Logf("%d secrets, %d people, %d lines of log", len(secrets), len(people), strings.Count(said["log"], "\n"))
	require.Greater(t, len(secrets), 20)
	require.Greater(t, len(people), 20)
	for what, text := range said {
		require.Empty(t, told(text, secrets), "secrets in %s", what)
		require.Empty(t, told(text, people), "people in %s", what)
	}

	_, _, code := in.Verb(t, "backup", filepath.Join(in.Dir, "backup.db"))
	require.Zero(t, code)
	holdsNoSecret(t, in, secrets)
	isClosed(t, in)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t))
	isClosed(t, in)
}

// holdsNoSecret looks through every file but the config, and through the bodies that rest compressed.
func holdsNoSecret(t *testing.T, in installtest.Installation, secrets map[string]bool) {
	t.Helper()
	looked := 0
	require.NoError(t, filepath.WalkDir(in.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == in.Config {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil // renamed meanwhile
		}
		looked++
		require.Empty(t, told(string(raw), secrets), "in clear in %s", d.Name())
		return nil
	}))
	require.Greater(t, looked, 5)
	kinds := map[model.Verdict]int{}
	in.Read(t, func(s *store.Store) {
		for before := ""; ; {
			list, next, err := s.Callbacks(t.Context(), store.CallbackFilter{Limit: 200, Cursor: before})
			require.NoError(t, err)
			for _, c := range list {
				whole, err := s.Callback(t.Context(), c.ID)
				require.NoError(t, err)
				kinds[whole.Verdict]++
				for _, v := range whole.Headers {
					require.Empty(t, told(v, secrets), "in a header of %s, %s", c.ID, c.Account)
				}
				if !whole.Sealed {
					require.Empty(t, told(string(whole.Body), secrets), "in the body of %s, %s", c.ID, c.Account)
				}
			}
			if before = next; next == "" {
				return
			}
		}
	})
	require.NotZero(t, kinds[model.Accepted])
	require.NotZero(t, kinds[model.Refused])
}

// isClosed walks an installation: what it has made is read by its owner alone.
func isClosed(t *testing.T, in installtest.Installation) {
	t.Helper()
	seen := map[string]bool{}
	require.NoError(t, filepath.WalkDir(in.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		info, err := d.Info()
		if err != nil || path == in.Dir {
			return nil //nolint:nilerr // gone meanwhile
		}
		name, err := filepath.Rel(in.Dir, path)
		require.NoError(t, err)
		seen[strings.SplitN(filepath.ToSlash(name), "/", 3)[0]] = true
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		require.Equal(t, want, info.Mode().Perm(), name)
		return nil
	}))
	for _, name := range []string{"countersign.db", "countersign.key", "documents", "backup.db"} {
		require.True(t, seen[name], name)
	}
}
