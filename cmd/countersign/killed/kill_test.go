package killed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// The real program is killed in the middle of everything: what was acknowledged is kept, what was in
// work is resumed, and nothing is left lying about.
func TestKilled(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	for name, test := range map[string]func(*testing.T, string){
		"callbacks": killedInCallbacks, "backfill": killedInBackfill, "poll": killedInPoll, "download": killedInDownload,
		"confirmation": killedInConfirmation, "stop": stoppedByTerm,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, binary) })
	}
}

// sender posts callbacks of distinct refs until told to stop, and remembers outside the daemon which
// were acknowledged. What got no answer is sent again, as a provider does.
type sender struct {
	in   installtest.Installation
	key  string
	mu   sync.Mutex
	took map[string]int // acknowledgements, by ref
	pace time.Duration  // between those of one caller
	sent atomic.Int64
}

func (s *sender) run(name string, stop <-chan struct{}) {
	for i := 0; ; i++ {
		ref := fmt.Sprintf("%s-%d", name, i)
		body := installtest.OneSpanEvent("PACKAGE_COMPLETE", ref, time.Now())
		for {
			select {
			case <-stop:
				return
			default:
			}
			s.sent.Add(1)
			if code, _ := s.in.Post(simulator.AccountOneSpan, "application/json", s.key, body); code == http.StatusOK {
				s.mu.Lock()
				s.took[ref]++
				s.mu.Unlock()
				time.Sleep(s.pace)
				break
			}
			time.Sleep(5 * time.Millisecond) // a provider that was not answered comes back
		}
	}
}

func (s *sender) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.took)
}

func killedInCallbacks(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	s := &sender{in: in, key: "Basic " + key, took: map[string]int{}}
	p, _ := in.Serving(t, binary)

	stop := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 6 {
		senders.Go(func() { s.run(fmt.Sprintf("ref%d", i), stop) })
	}
	for range 3 {
		want := s.taken() + 40 + rand.IntN(120)
		installtest.Eventually(t, "callbacks that are taken", func() bool { return s.taken() >= want })
		p.Kill()
		var ready time.Duration
		p, ready = in.Serving(t, binary)
		require.Less(t, ready, installtest.ReadyWithin, "ready again")
	}
	want := s.taken() + 50
	installtest.Eventually(t, "callbacks that are taken after the last kill", func() bool { return s.taken() >= want })
	close(stop)
	senders.Wait()
	p.Kill() // the last acknowledgements must be on disk too

	db := in.Table(t)
	require.Equal(t, "ok", installtest.One[string](db, "PRAGMA integrity_check"))
	stored := in.Callbacks(t, model.Accepted)
	for _, ref := range slices.Sorted(maps.Keys(s.took)) {
		require.Equal(t, 1, stored[ref], "callback of %s", ref)
		require.Equal(t, 1, installtest.One[int](db, "SELECT COUNT(*) FROM transactions WHERE account = ? AND ref = ?",
			simulator.AccountOneSpan, ref), ref)
	}
	for ref, n := range stored {
		require.Equal(t, 1, n, "callback of %s, acknowledged or not", ref)
	}
	t.Logf("%d callbacks sent, %d acknowledged, %d stored", s.sent.Load(), len(s.took), len(stored))
}

// pages notes which pages of OneSpan's list are asked for and answered, and holds one of them.
type pages struct {
	mu    sync.Mutex
	asked []string
	hold  string // the first record of the page that is held; "" none
	held  chan struct{}
}

// from names a page of the live list of a walk that begins before a time; "" for what is none.
func (p *pages) from(r *http.Request, before time.Time) string {
	q := r.URL.Query()
	since, err := time.Parse(time.RFC3339, q.Get("lastUpdatedStartDate"))
	if !strings.HasSuffix(r.URL.Path, "/api/packages") || q.Get("query") != "" || err != nil || since.After(before) {
		return ""
	}
	return q.Get("from")
}

func (p *pages) through(before time.Time) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if from := p.from(r, before); from != "" {
			p.mu.Lock()
			p.asked = append(p.asked, from)
			n, err := strconv.Atoi(from)
			hold := p.held != nil && err == nil && n > 1
			held := p.held
			if hold {
				p.hold, p.held = from, nil
			}
			p.mu.Unlock()
			if hold {
				close(held)
				<-r.Context().Done()
				return
			}
		}
		next.ServeHTTP(w, r)
	}
}

// restarted empties the list of what was asked and returns the page that was held.
func (p *pages) restarted() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = nil
	return p.hold
}

func (p *pages) list() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func killedInBackfill(t *testing.T, binary string) {
	svc := installtest.Historical(t, 260)
	in := installtest.Install(t, svc, 1)
	first := &pages{held: make(chan struct{})}
	held := first.held
	svc.Through(first.through(time.Now().Add(-24 * time.Hour)))
	p, _ := in.Serving(t, binary, "--backfill", "120d")
	awaited(t, held, "the second page")
	p.Kill()
	from := first.restarted()
	db := in.Table(t)
	require.Equal(t, "running", installtest.One[string](db, "SELECT state FROM runs WHERE kind = 'backfill'"))
	require.NotZero(t, installtest.One[int](db, "SELECT listed FROM runs WHERE kind = 'backfill'"))

	_, ready := in.Serving(t, binary, "--backfill", "120d")
	require.Less(t, ready, installtest.ReadyWithin)
	installtest.Eventually(t, "the end of the backfill", func() bool {
		return installtest.One[string](db, "SELECT state FROM runs WHERE kind = 'backfill' AND finished_at IS NOT NULL") != ""
	})
	require.Equal(t, "done", installtest.One[string](db, "SELECT state FROM runs WHERE kind = 'backfill'"))
	require.Equal(t, 1, installtest.One[int](db, "SELECT COUNT(*) FROM runs WHERE kind = 'backfill'"), "resumed, not repeated")
	require.Equal(t, from, first.list()[0], "resumed at the page that was held")
	for _, tx := range svc.World.Truth().Transactions {
		if tx.Listed && !tx.Trashed {
			require.Equal(t, 1, installtest.One[int](db, "SELECT COUNT(*) FROM transactions WHERE ref = ?", tx.Ref), tx.Ref)
		}
	}
}

// A verb that is killed in the middle of a poll leaves the run to the daemon that comes after it.
func killedInPoll(t *testing.T, binary string) {
	svc := installtest.Historical(t, 260)
	in := installtest.Install(t, svc, 1)
	require.Zero(t, in.Start(t, binary, "migrate").Exit(t))
	require.Zero(t, in.Start(t, binary, "poll", "--tier", "idle").Exit(t)) // makes the account
	db := in.Table(t)
	back := time.Now().Add(-120 * 24 * time.Hour).UTC()
	in.Write(t, "UPDATE accounts SET listed_until = ?", back.Format("2006-01-02T15:04:05.000Z"))
	first := &pages{held: make(chan struct{})}
	held := first.held
	svc.Through(first.through(time.Now().Add(-24 * time.Hour)))
	p := in.Start(t, binary, "poll", "--tier", "active")
	awaited(t, held, "the second page")
	p.Kill()
	from := first.restarted()
	id := installtest.One[string](db, "SELECT id FROM runs WHERE kind = 'active' AND state = 'running'")
	require.NotEmpty(t, id)

	in.Serving(t, binary)
	installtest.Eventually(t, "the end of the poll", func() bool {
		return installtest.One[string](db, "SELECT state FROM runs WHERE id = ? AND finished_at IS NOT NULL", id) != ""
	})
	require.Equal(t, "done", installtest.One[string](db, "SELECT state FROM runs WHERE id = ?", id))
	require.Equal(t, from, first.list()[0], "resumed at the page that was held")
	require.NotContains(t, first.list(), "1")
}

func killedInDownload(t *testing.T, binary string) {
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	held := make(chan struct{})
	var once sync.Once
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/pdf") {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		maps.Copy(w.Header(), rec.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(rec.Code)
		w.Write(body[:len(body)/2])           //nolint:errcheck // a test
		http.NewResponseController(w).Flush() //nolint:errcheck // a test
		once.Do(func() { close(held) })
		<-r.Context().Done()
	})
	p, _ := in.Serving(t, binary, "--backfill", "120d")
	awaited(t, held, "a download")
	incoming := filepath.Join(in.Dir, "documents", ".incoming")
	installtest.Eventually(t, "a half written file", func() bool {
		list, err := os.ReadDir(incoming)
		return err == nil && len(list) > 0
	})
	p.Kill()
	svc.Through(nil)
	left, err := os.ReadDir(incoming)
	require.NoError(t, err)
	require.NotEmpty(t, left)

	p, _ = in.Serving(t, binary, "--backfill", "120d")
	db := in.Table(t)
	installtest.Eventually(t, "all documents", func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'stored'") > 0 &&
			installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state <> 'stored'") == 0 &&
			installtest.One[int](db, "SELECT COUNT(*) FROM runs WHERE kind = 'backfill' AND state = 'done'") == 1
	})
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t))
	left, err = os.ReadDir(incoming)
	require.NoError(t, err)
	require.Empty(t, left)
	in.FilesWhole(t, svc)
}

// A row that a killed daemon was asking about is asked about again at once, not when a lease ends.
func killedInConfirmation(t *testing.T, binary string) {
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 1)
	var ref string
	for _, tx := range svc.World.Truth().Transactions {
		if tx.Status == "completed" && !tx.Trashed && tx.Listed {
			ref = tx.Ref
		}
	}
	require.NotEmpty(t, ref)
	held := make(chan struct{})
	var once sync.Once
	svc.Through(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/packages/"+ref) {
			next.ServeHTTP(w, r)
			return
		}
		once.Do(func() { close(held) })
		<-r.Context().Done()
	})
	key, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	p, _ := in.Serving(t, binary)
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+key,
		installtest.OneSpanEvent("PACKAGE_COMPLETE", ref, time.Now()))
	require.Equal(t, http.StatusOK, code)
	awaited(t, held, "a question")
	p.Kill()
	svc.Through(nil)
	db := in.Table(t)
	require.NotZero(t, installtest.One[int](db, "SELECT COUNT(*) FROM transactions WHERE lease_until IS NOT NULL"))

	in.Serving(t, binary)
	installtest.Eventually(t, "a confirmed row", func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM transactions WHERE ref = ? AND status = 'completed' AND confirmed",
			ref) == 1
	})
}

// SIGTERM ends the daemon in time and well, with requests in hand; a second daemon is refused meanwhile.
func stoppedByTerm(t *testing.T, binary string) {
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	p, _ := in.Serving(t, binary)

	other := installtest.Install(t, svc, 1) // other ports, the same database
	text, err := os.ReadFile(other.Config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other.Config,
		[]byte(strings.Replace(string(text), "./countersign.db", filepath.Join(in.Dir, "countersign.db"), 1)), 0o600))
	key, err := filepath.Glob(filepath.Join(in.Dir, "*key*"))
	require.NoError(t, err)
	for _, k := range key {
		b, err := os.ReadFile(k)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(other.Dir, filepath.Base(k)), b, 0o600))
	}
	second := other.Start(t, binary, "serve")
	require.Equal(t, output.ExitFailed, second.Exit(t), second.Out.String())
	require.Contains(t, second.Out.String(), "a daemon already uses this database")

	secret, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	s := &sender{in: in, key: "Basic " + secret, took: map[string]int{}}
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() { s.run(fmt.Sprintf("ref%d", i), stop) })
	}
	installtest.Eventually(t, "callbacks that are taken", func() bool { return s.taken() > 40 })
	began := time.Now()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t), p.Out.String())
	require.Less(t, time.Since(began), installtest.StopsWithin)
	close(stop)
	senders.Wait()
	stored := in.Callbacks(t, model.Accepted)
	for ref := range s.took {
		require.Equal(t, 1, stored[ref], ref)
	}
}

func awaited(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(installtest.WholeWait):
		t.Fatalf("did not come: %s", what)
	}
}
