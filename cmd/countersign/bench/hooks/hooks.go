// Package hooks measures how many announcements a second reach receivers.
package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	receivers "countersign/cmd/countersign/config/hooks"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/hooks"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/deliver"
	"countersign/worker/incidents"
)

// Options is what is measured.
type Options struct {
	Changes, Transactions, Rounds int
	Receivers                     int
	Dead                          int // of the receivers, how many take a connection and never answer
}

// Figures is what was found: medians of the rounds.
type Figures struct {
	Receivers int
	Dead      int
	Changes   int
	PerSecond float64 // announcements that the living receivers took
	Seconds   float64 // until each of them had every change
}

const secret = "whsec_YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=" //nolint:gosec // it protects nothing

// Run writes changes and has them delivered, round by round: a SQLite database of its own with every commit synced,
// signed requests over loopback, receipts written. Sender and receivers share the machine.
func Run(ctx context.Context, env *engine.Env, o Options) (f Figures, err error) {
	f = Figures{Receivers: o.Receivers, Dead: o.Dead, Changes: o.Changes}
	var took []float64
	for range o.Rounds {
		seconds, err := round(ctx, env, o)
		if err != nil {
			return f, err
		}
		took = append(took, seconds)
	}
	slices.Sort(took)
	f.Seconds = took[len(took)/2]
	f.PerSecond = float64(o.Changes*(o.Receivers-o.Dead)) / f.Seconds
	return f, nil
}

// round is one measurement.
func round(ctx context.Context, env *engine.Env, o Options) (seconds float64, err error) {
	dir, err := os.MkdirTemp("", "countersign-bench-hooks-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + filepath.Join(dir, "bench.db"), Now: env.Now,
		Key: bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, _, err := s.Migrate(ctx); err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	took, got, end, err := serve()
	if err != nil {
		return 0, err
	}
	defer end()
	table := hooks.New(hooks.Options{Store: s, Now: env.Now, Proxy: env.Proxy(), Version: env.Version})
	defer table.Close()
	if err := table.Set(ctx, configOf(o, took)); err != nil {
		return 0, err
	}
	if err := change(ctx, s, o); err != nil {
		return 0, err
	}
	return send(running, env, s, table, got, int64(o.Changes*(o.Receivers-o.Dead)))
}

// serve counts what is posted to it; what is posted to /dead is never answered.
func serve() (at string, got *counter, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	got = &counter{done: make(chan struct{})}
	over := make(chan struct{})
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dead" {
			select {
			case <-over:
			case <-r.Context().Done():
			}
			return
		}
		io.Copy(io.Discard, r.Body) //nolint:errcheck // only counted
		w.WriteHeader(http.StatusNoContent)
		got.add()
	})}
	go srv.Serve(l) //nolint:errcheck // it ends by being closed
	return "http://" + l.Addr().String(), got, func() { close(over); srv.Close() }, nil
}

// counter tells when enough has come.
type counter struct {
	n, want atomic.Int64
	once    sync.Once
	done    chan struct{}
}

func (c *counter) add() {
	if c.n.Add(1) >= c.want.Load() && c.want.Load() > 0 {
		c.once.Do(func() { close(c.done) })
	}
}

func configOf(o Options, at string) *config.Config {
	c := &config.Config{}
	for i := range o.Receivers {
		var h receivers.Hook
		h.Fill()
		h.ID, h.Type, h.URL = fmt.Sprintf("h%d", i), "http", fmt.Sprintf("%s/%d", at, i)
		h.Secrets, h.AllowPrivate = []values.Secret{secret}, true
		if i < o.Dead {
			h.URL = at + "/dead"
		}
		c.Hooks = append(c.Hooks, h)
	}
	return c
}

// change writes what is announced.
func change(ctx context.Context, s *store.Store, o Options) error {
	const group = 200
	for from := 0; from < o.Changes; from += group {
		err := s.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
			for i := from; i < min(from+group, o.Changes); i++ {
				b.AddChange(model.Change{Account: "bench", Ref: fmt.Sprintf("r%d", i%o.Transactions), Kind: model.KindStatus,
					From: "draft", To: "in_progress", Status: model.InProgress, Confirmed: true, Source: "confirm", Announce: true})
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// send runs the hooks until the receivers have all.
func send(
	ctx context.Context, env *engine.Env, s *store.Store, table *hooks.Table, got *counter, want int64,
) (float64, error) {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	log := logrus.NewEntry(quiet)
	d := deliver.New(deliver.Options{Store: s, Incidents: incidents.New(s, log), Hooks: table.List, Now: env.UTC,
		Rand: env.Rand, Log: log, Owner: "bench"})
	ctx, stop := context.WithCancel(ctx)
	got.want.Store(want)
	began := env.Now()
	var all sync.WaitGroup
	for _, l := range d.Lanes() {
		all.Go(func() {
			for ctx.Err() == nil {
				if l.Round(ctx) != nil || !env.Wait(ctx, 100*time.Millisecond) {
					return
				}
			}
		})
	}
	var err error
	select {
	case <-got.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	took := env.Now().Sub(began).Seconds()
	stop()
	all.Wait()
	return took, err
}
