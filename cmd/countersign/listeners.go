package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config"
	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback"
	"countersign/worker/console"
)

// reloadState is how the last reload went; a fault is shown in /readyz until one goes well.
type reloadState struct {
	mu  sync.Mutex
	err error
}

func (r *reloadState) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *reloadState) get() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// keeping is how the last callback fared that had to be stored. A probe that writes one page may go
// well while a callback, which is larger, does not.
type keeping struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// shownFor is how long a callback that was not stored counts: without new ones nothing tells that the
// cause is gone, and whoever sends only to the ready would send none.
const shownFor = 10 * time.Second

func (k *keeping) set(at time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.err = at, err
}

func (k *keeping) get(at time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil || at.Sub(k.at) > shownFor {
		return nil
	}
	return fmt.Errorf("the last callback was not stored: %w", k.err)
}

// openListeners opens both sockets and builds what serves them.
func (e *engine) openListeners() (in *listeners, err error) {
	in = &listeners{}
	reg := prometheus.NewRegistry()
	callbacks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "countersign_callbacks_total", Help: "Callbacks by account and verdict.",
	}, []string{"account", "verdict"})
	objective := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "countersign_callback_objective", Help: "The share of changes that callbacks should tell (callback_objective).",
	})
	objective.Set(float64(e.config.CallbackObjective) / 100)
	reg.MustRegister(callbacks, objective, e.env.logMetrics(), console.TableMetrics(e.store, e.env.utc), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	key, err := e.env.installationKey(e.config)
	if err != nil {
		return nil, err
	}
	in.public, err = callback.New(callback.Options{
		Lookup: e.accounts.find, Apply: in.noting(e), Nudge: e.worker.Nudge, Hint: e.hint, MaxBody: int64(e.config.Public.MaxBody),
		MaxConns: e.connections(), MaxConnsEach: e.config.Public.MaxConnectionsPerAddress,
		RefusedAMinute: e.config.Public.RefusedPerMinute, RefusedBytes: int64(e.config.Retention.RefusedSize),
		TrustedProxies: e.config.Public.Proxies(), HMACKey: key, Now: e.env.Now, Log: e.log,
		Count: func(account string, v model.Verdict) { callbacks.WithLabelValues(account, string(v)).Inc() },
	})
	if err != nil {
		return nil, err
	}
	in.console, err = console.New(console.Options{
		Address: e.config.Console.Address, Token: e.config.Console.Token.Reveal(), Registry: reg, Log: e.log, Now: e.env.Now,
		Checks: []console.Check{
			{Name: "database", Check: e.store.Healthy, Fatal: true},
			{Name: "callbacks", Check: func(context.Context) error { return in.keeping.get(e.env.Now()) }, Fatal: true},
			{Name: "credentials", Check: e.credentialsTaken, Fatal: false},
			{Name: "documents", Check: e.documentsWritable, Fatal: false},
			{Name: "log", Check: func(context.Context) error { return e.env.logWritten() }, Fatal: false},
			{Name: "config", Check: func(context.Context) error { return in.reload.get() }, Fatal: false},
		},
	})
	if err != nil {
		return nil, err
	}
	switch t := e.config.Public.TLS; {
	case t.CertFile != "":
		in.tls, err = certificates(t)
	case len(t.ACME.Hosts) > 0:
		in.tls, err = issued(e.config)
	}
	if err != nil {
		return nil, err
	}
	if in.publicSocket, err = net.Listen("tcp", e.config.Public.Address); err != nil {
		return nil, fmt.Errorf("public.address: %w", err)
	}
	if in.consoleSocket, err = net.Listen("tcp", e.config.Console.Address); err != nil {
		return nil, errors.Join(fmt.Errorf("console.address: %w", err), in.publicSocket.Close())
	}
	return in, nil
}

// spareFiles is how many open files are left for database, documents and calls.
const spareFiles = 128

// connections is how many connections may be open: fewer than the config says where the system gives us fewer files, since
// a database that cannot open one stores nothing.
func (e *engine) connections() int {
	want := e.config.Public.MaxConnections
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil || most.Cur >= uint64(want+spareFiles) { //nolint:gosec // checked with the config
		return want
	}
	have := int(most.Cur) - min(spareFiles, int(most.Cur)/2) //nolint:gosec // below want
	e.log.WithFields(logrus.Fields{"reason": fmt.Sprintf("%d open files", most.Cur), "connections": have}).Warn("public.max_connections is more than the system allows: raise the limit of open files (LimitNOFILE)")
	return have
}

// certificates reads the pair at each handshake that finds the file changed, so that a renewal
// needs no restart.
func certificates(t config.TLS) (*tls.Config, error) {
	var mu sync.Mutex
	var cert *tls.Certificate
	var read time.Time
	load := func() (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		info, err := os.Stat(t.CertFile)
		if err == nil && (cert == nil || !info.ModTime().Equal(read)) {
			pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			if err != nil && cert == nil {
				return nil, fmt.Errorf("public.tls: %w", err)
			}
			if err == nil {
				cert, read = &pair, info.ModTime()
			}
		}
		if cert == nil {
			return nil, fmt.Errorf("public.tls: %w", err)
		}
		return cert, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }}, nil
}

// documentsWritable says whether documents can be kept now.
func (e *engine) documentsWritable(context.Context) error {
	free, err := e.files.Free()
	if err == nil && free < int64(e.config.DocumentsMinFree) {
		err = fmt.Errorf("the document folder has less than documents_min_free left")
	}
	return err
}

// credentialsTaken names the accounts whose credentials the provider refuses. Their callbacks are still
// taken, and the others work: that is no reason to be not ready.
func (e *engine) credentialsTaken(ctx context.Context) error {
	open, err := e.store.Incidents(ctx, true)
	if err != nil {
		return err
	}
	var refused []string
	for _, i := range open {
		if i.Kind == model.CredentialsRefused {
			refused = append(refused, i.Account)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return fmt.Errorf("refused by the provider: account %s", strings.Join(refused, ", "))
}

// noting applies a callback, and notes whether what it was given could be stored.
func (in *listeners) noting(e *engine) callback.Apply {
	return func(ctx context.Context, c apply.Incoming) (apply.Result, error) {
		res, err := e.worker.Table.Callback(ctx, c)
		in.keeping.set(e.env.Now(), err)
		return res, err
	}
}

// reloads reads the config again at each SIGHUP. A faulty file changes nothing.
func (e *engine) reloads(ctx context.Context, in *listeners) error {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGHUP)
	defer signal.Stop(ch)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ch:
		}
		notify(e.log, daemon.SdNotifyReloading)
		c, err := e.env.config()
		if err == nil {
			err = e.accounts.set(ctx, c)
		}
		err = config.SpelledOut(err)
		in.reload.set(err)
		notify(e.log, daemon.SdNotifyReady)
		if err != nil {
			e.log.WithField("err", err).Error("config not taken over, the one before stays")
			continue
		}
		e.worker.Resume()
		e.identifyFirst(ctx) // the credentials may be new
		e.log.WithFields(logrus.Fields{"accounts": len(c.Accounts)}).Info("config read again: accounts, slots and waits are new; addresses, database and documents need a restart")
	}
}

// hint hands what a browser said to the worker.
func (e *engine) hint(ctx context.Context, account string, h provider.Hinted) (string, error) {
	status, err := e.worker.Table.Hint(ctx, account, h)
	if status == model.Unknown {
		status = ""
	}
	return string(status), err
}
