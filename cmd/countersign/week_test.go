package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output/progress"
	"countersign/model/store"
	"countersign/provider/simulator"
	"countersign/worker"
	"countersign/worker/callback"
	"countersign/worker/verify"
)

// toListener carries callbacks to the listener without a socket.
type toListener struct {
	way     latency
	handler http.Handler
}

// latency is a way that takes some time, never twice the same: what happens at different times must not
// carry the same one, and fake time stands still while anybody works.
type latency struct {
	base http.RoundTripper
	mu   sync.Mutex
	n    int
}

func (l *latency) take() {
	l.mu.Lock()
	l.n++
	d := time.Duration(20+l.n%97)*time.Millisecond + time.Duration(l.n)*time.Microsecond
	l.mu.Unlock()
	time.Sleep(d)
}

// RoundTrip takes its time there and back.
func (l *latency) RoundTrip(r *http.Request) (*http.Response, error) {
	l.take()
	resp, err := l.base.RoundTrip(r)
	l.take()
	return resp, err
}

func (l *toListener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.way.take()
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// A week in which four of ten callbacks are lost: after the last poll nothing drifts.
func TestWeekWithLostCallbacks(t *testing.T) {
	withoutRaces(t)
	synctest.Test(t, func(t *testing.T) {
		door := &toListener{}
		world := simulator.New(simulator.Options{
			Seed: 11, Transactions: 60, BornBefore: -1, Births: 4 * 24 * time.Hour, Speed: 1,
			Callbacks: "http://countersign.example", Client: door, Faults: simulator.Faults{Drop: 0.4},
		})
		e := weekEngine(t, world, world.Transport(), nil)
		o := e.ListenerOptions()
		o.Now, o.HMACKey = time.Now, make([]byte, 32)
		l, err := callback.New(o)
		require.NoError(t, err)
		door.handler = l.Handler()

		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		defer func() {
			cancel()
			require.NoError(t, g.Wait())
			require.NoError(t, e.Close())
		}()
		// No work lock: its heartbeat looks four times a second, which is a lot in a week.
		g.Go(func() error { return e.Worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
		g.Go(func() error { return world.Run(ctx) })

		time.Sleep(7 * 24 * time.Hour)
		world.Stop()
		time.Sleep(36 * time.Hour) // retries arrive, and every slot comes at least once

		runs, err := (&verifyOptions{}).queue(ctx, e.Queue())
		require.NoError(t, err)
		for done := false; !done; {
			time.Sleep(time.Minute)
			done, err = e.Done(ctx, runs, progress.Hidden{})
			require.NoError(t, err)
		}
		var sum verify.Verified
		for _, r := range runs {
			sum.Add(verify.VerifiedBy(r))
		}
		require.Zero(t, sum.Drift)
		require.Greater(t, sum.Checked, 40)

		gaps, err := e.Store.Gaps(ctx, store.GapFilter{})
		require.NoError(t, err)
		require.NotEmpty(t, gaps, "four of ten callbacks were lost, and the ledger says nothing")
		compareLedgers(t, world.Truth(), gaps, 5*time.Minute)
	})
}

// weekEngine is an engine whose providers are the world, in process, by a way to it. of changes its config; nil: nothing
// does.
func weekEngine(t *testing.T, world *simulator.World, way http.RoundTripper, of func(string) string) *engine.Engine {
	dir := t.TempDir()
	conf := demo.Config(demo.ConfigOptions{Providers: providers(),
		Accounts: world.Accounts(), Base: "http://simulator.example", PublicAddress: "127.0.0.1:0",
		ConsoleAddress: "127.0.0.1:0",
		Database:       "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1,
	})
	if of != nil {
		conf = of(conf)
	}
	file := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	a := newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	a.ConfigFlag, a.Transport, a.Tick = file, &latency{base: way}, time.Minute
	c, err := a.Config()
	require.NoError(t, err)
	e, err := a.Start(t.Context(), c, logrus.NewEntry(a.Logger(config.Log{Level: "error", Format: "text"})))
	require.NoError(t, err)
	return e
}
