package embed

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/demo"
	"countersign/model"
	"countersign/model/announced"
	"countersign/provider"
	"countersign/provider/onespan"
	"countersign/provider/simulator"
	"countersign/worker/hook"
)

func TestWhatRunRefuses(t *testing.T) {
	t.Parallel()
	on := func(context.Context, Change) error { return nil }
	for name, o := range map[string]Options{
		"no function": {}, "a name that is none": {OnChange: on, Name: "Main!"},
		"no config": {OnChange: on, Config: "/nowhere/config.yaml"}, "no span": {OnChange: on, Backfill: "soon"},
	} {
		o.Stdout, o.Stderr = io.Discard, io.Discard
		require.Error(t, Run(t.Context(), o), name)
	}
}

// A function is a hook: what it returns says whether the change is handed over again, and when.
func TestAFunctionIsAHook(t *testing.T) {
	t.Parallel()
	var says error
	var got Change
	h := function(Options{Name: "main", OnChange: func(_ context.Context, c Change) error {
		got = c
		return says
	}})
	require.Equal(t, "function:main", h.ID)
	e, err := hook.EventOf(&announced.Change{Change: model.Change{Seq: 7, Account: "a", Ref: "r", Kind: model.KindStatus,
		To: "completed", Status: model.Completed, Confirmed: true, At: time.Unix(1, 0)}, Provider: "onespan", ExternalID: "C-1"})
	require.NoError(t, err)
	require.True(t, h.Send(t.Context(), e).Taken)
	require.Equal(t, Change{ID: e.ID, Seq: 7, Account: "a", Provider: "onespan", Ref: "r", ExternalID: "C-1",
		Kind: model.KindStatus, To: "completed", Status: model.Completed, Confirmed: true, At: time.Unix(1, 0)}, got)
	says = errors.New("the books are closed")
	require.Equal(t, hook.Answer{Note: "the books are closed"}, h.Send(t.Context(), e))
	says = &Later{Wait: time.Hour, Err: says}
	require.Equal(t, hook.Answer{Note: "in 1h0m0s: the books are closed", Wait: time.Hour}, h.Send(t.Context(), e))
}

func TestAFunctionsTimeIsBounded(t *testing.T) {
	t.Parallel()
	h := function(Options{Name: "main", Timeout: time.Millisecond, OnChange: func(ctx context.Context, _ Change) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	require.False(t, h.Send(t.Context(), hook.Event{}).Taken)
}

// Over a restart the function goes on where it was: what it did not take is handed over again, under the same id.
func TestAFunctionGoesOnWhereItWas(t *testing.T) {
	configFile := simulatedFor(t)
	var mu sync.Mutex
	tries, took := map[string]int{}, map[string]bool{}
	last := map[string]int64{}
	run := func(take bool, until func() bool) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		require.NoError(t, Run(ctx, Options{
			Config: configFile, Providers: onespanOnly(), Backfill: "30d", First: 10 * time.Millisecond,
			Filter: Filter{Backfills: true}, Stdout: io.Discard, Stderr: os.Stderr,
			OnChange: func(_ context.Context, c Change) error {
				mu.Lock()
				defer mu.Unlock()
				tries[c.ID]++
				if until() {
					stop()
				}
				if !take {
					return errors.New("not yet")
				}
				if c.Seq < last[c.Ref] && !took[c.ID] {
					t.Errorf("%s: seq %d after %d", c.Ref, c.Seq, last[c.Ref])
				}
				took[c.ID], last[c.Ref] = true, max(c.Seq, last[c.Ref])
				return nil
			},
		}))
	}
	run(false, func() bool { return len(tries) >= 3 })
	refused := len(tries)
	run(true, func() bool { return len(took) >= 10 })
	for id := range tries {
		if took[id] {
			refused--
		}
	}
	require.LessOrEqual(t, refused, 0, "what was refused before the restart was taken after it")
}

func onespanOnly() map[string]provider.Driver {
	return map[string]provider.Driver{"onespan": {Traits: onespan.Traits(), New: onespan.New}}
}

// simulatedFor serves an account with a history, and writes a config for it.
func simulatedFor(t *testing.T) (configFile string) {
	t.Helper()
	world := simulator.New(simulator.Options{Seed: 5, Transactions: 12, BornBefore: 12, Services: []string{"onespan"},
		QuotaScale: 100})
	service := httptest.NewServer(world.Handler())
	t.Cleanup(service.Close)
	configFile = filepath.Join(t.TempDir(), "config.yaml")
	text := demo.Config(demo.ConfigOptions{
		Accounts: world.Accounts(), Base: service.URL, PublicAddress: free(t), ConsoleAddress: free(t),
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1, Providers: onespanOnly(),
	})
	require.NoError(t, os.WriteFile(configFile, []byte("documents_min_free: 1MiB\nlog: { level: warning }\n"+text), 0o600))
	return configFile
}

// free is a loopback address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // only looked at
	return l.Addr().String()
}
