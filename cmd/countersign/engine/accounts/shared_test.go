package accounts

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/autosign"
	"countersign/provider/simulator"
	"countersign/worker/workertest"
)

var (
	sharedFor  = flag.Duration("shared.for", 4*time.Second, "how long processes share a budget")
	sharedRead = flag.Int("shared.read", 60, "the budget that they share, in calls a minute")
)

// service is a simulated Autosign that notes what it is called.
type service struct {
	*httptest.Server
	account simulator.Account
	mu      sync.Mutex
	calls   []time.Time
	through func(w http.ResponseWriter, r *http.Request) bool // has answered
}

func simulated(t *testing.T) *service {
	t.Helper()
	world := simulator.New(simulator.Options{Services: []string{"autosign"}, Transactions: 20, Seed: 1})
	s := &service{account: world.Accounts()[0]}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, time.Now())
		through := s.through
		s.mu.Unlock()
		if through == nil || !through(w, r) {
			world.Handler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// answers has every call answered by f, unless it declines.
func (s *service) answers(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.through = f
}

// most is the largest number of calls in any sixty seconds.
func (s *service) most() (most, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	for i := range s.calls {
		for !s.calls[i].Before(s.calls[from].Add(time.Minute)) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most, len(s.calls)
}

// replicas are tables of accounts of so many processes on one PostgreSQL, all with one account of the service.
func replicas(t *testing.T, s *service, n, budget int) (all []*Table) {
	t.Helper()
	dsn := workertest.PostgresSchema(t)
	text := fmt.Sprintf(`retry: { first: 10ms }
accounts:
  - id: la
    provider: autosign
    base_url: %q
    budget: { read: %d }
    settings:
      webhook_secrets: ["secret"]
      oauth: { client_id: %q, client_secret: %q, refresh_token: %q, token_url: %q }
`, s.URL+s.account.BasePath, budget, s.account.OAuthClientID, s.account.OAuthClientSecret, s.account.RefreshToken,
		s.URL+s.account.TokenPath)
	providers := map[string]provider.Driver{"autosign": {Traits: autosign.Traits(), New: autosign.New}}
	c, err := config.Parse(filepath.Join(t.TempDir(), "config.yaml"), []byte(text),
		config.Source{Lookup: os.LookupEnv, Providers: providers})
	if err != nil {
		t.Fatal(config.SpelledOut(err))
	}
	for range n {
		db, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: []byte(strings.Repeat("k", 32)), Now: time.Now})
		workertest.Check(t, err)
		t.Cleanup(func() { workertest.Check(t, db.Close()) })
		_, _, err = db.Migrate(t.Context())
		workertest.Check(t, err)
		log := logrus.New()
		log.SetOutput(io.Discard)
		one := New(Options{Store: db, Log: logrus.NewEntry(log), Now: time.Now, Providers: providers})
		_, err = one.Set(t.Context(), c)
		workertest.Check(t, err)
		workertest.Check(t, one.Resume(t.Context()))
		t.Cleanup(func() { one.Suspend(context.Background()) })
		all = append(all, one)
	}
	return all
}

// call makes one call of an account's service past its provider.
func call(ctx context.Context, all *Table, s *service) error {
	req, err := http.NewRequestWithContext(provider.WithWork(ctx, provider.WorkBackfill), http.MethodGet, s.URL+"/truth", nil)
	if err != nil {
		return err
	}
	resp, err := all.table.Load().built["la"].transport.Client().Do(req)
	if err == nil {
		io.Copy(io.Discard, resp.Body) //nolint:errcheck // only the call matters
		resp.Body.Close()
	}
	return err
}

// Three processes on one PostgreSQL keep an account's limit in any sixty seconds together, one of them ending as if it
// were killed. With -shared.for=150s it is measured how much of it they use.
func TestProcessesShareTheBudgetOfAnAccount(t *testing.T) {
	s := simulated(t)
	all := replicas(t, s, 3, *sharedRead)
	ctx, cancel := context.WithTimeout(t.Context(), *sharedFor)
	defer cancel()
	var wg sync.WaitGroup
	for _, one := range all {
		for range 20 {
			wg.Go(func() {
				for ctx.Err() == nil {
					call(ctx, one, s) //nolint:errcheck // the service counts
				}
			})
		}
	}
	wg.Wait()
	most, n := s.most()
	used := float64(n) / (float64(*sharedRead) * max(sharedFor.Minutes(), 1))
	t.Logf("%d calls, at most %d in a minute, budget %d: %.1f%% of it", n, most, *sharedRead, 100*used)
	if most > *sharedRead || n < *sharedRead/2 {
		t.Errorf("%d calls, %d in a minute, of a budget of %d", n, most, *sharedRead)
	}
	if *sharedFor > time.Minute && used < 0.95 {
		t.Errorf("%.1f%% of the budget is used", 100*used)
	}
}

// until tries something until it is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never came that %s", what)
		}
	}
}

// What a service asks of one process holds for the others, and that it fails too.
func TestAPauseAndARestHoldForAllProcesses(t *testing.T) {
	s := simulated(t)
	all := replicas(t, s, 2, 6000)
	s.answers(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	for range 5 {
		call(t.Context(), all[0], s) //nolint:errcheck // it fails
	}
	until(t, "the breaker of the other is open", func() bool { return all[1].Find("la").Meter.BreakerOpen() })
	_, before := s.most()
	if err := call(t.Context(), all[1], s); !errors.Is(err, provider.ErrUnavailable) {
		t.Errorf("beside a service that fails: %v", err)
	}
	if _, after := s.most(); after != before {
		t.Error("the other has called")
	}
	s.answers(nil)
	all[1].table.Load().built["la"].transport.Try()
	workertest.Check(t, call(t.Context(), all[1], s))
	until(t, "the breaker of the first is closed", func() bool { return !all[0].Find("la").Meter.BreakerOpen() })

	s.answers(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	var after *provider.RetryAfter
	if err := call(t.Context(), all[0], s); !errors.As(err, &after) {
		t.Fatalf("got %v", err)
	}
	s.answers(nil)
	until(t, "the other is told to wait", func() bool { return errors.As(call(t.Context(), all[1], s), &after) })
	if after.Wait < 3500*time.Second || after.Wait > 3601*time.Second {
		t.Errorf("the other is told to wait for %s", after.Wait)
	}
}

// Processes that all need a new access token at once ask for one, and spend no refresh token that was replaced.
func TestTokensAreRenewedByOneProcess(t *testing.T) {
	s := simulated(t)
	all := replicas(t, s, 2, 6000)
	var mu sync.Mutex
	old := map[string]bool{} // access tokens that are refused
	seen := map[string]bool{}
	renewals, refused := 0, 0
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		token := r.Header.Get("Authorization")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.URL.Path == s.account.TokenPath:
			renewals++
			body, _ := io.ReadAll(r.Body) //nolint:errcheck // it is in memory
			r.Body = io.NopCloser(bytes.NewReader(body))
			return false
		case old[token]:
			refused++
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		seen[token] = true
		return false
	})
	ask := func(one *Table) {
		_, err := one.Find("la").Provider.Fetch(t.Context(), "no-such-transaction")
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			t.Error(err)
		}
	}
	const rounds = 12
	for range rounds {
		mu.Lock()
		for token := range seen {
			old[token] = true
		}
		mu.Unlock()
		var wg sync.WaitGroup
		for _, one := range slices.Concat(all, all) {
			wg.Go(func() { ask(one) })
		}
		wg.Wait()
	}
	if renewals != rounds {
		t.Errorf("%d renewals in %d rounds, %d calls refused", renewals, rounds, refused)
	}
}
