package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/engine/certificates"
	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback"
	"countersign/worker/callback/odd"
	"countersign/worker/console"
)

// lastStored is how the last callback fared that had to be stored. A probe that writes one page may go
// well while a callback, which is larger, does not.
type lastStored struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// shownFor is how long a callback that was not stored counts: without new ones nothing tells that the
// cause is gone, and whoever sends only to the ready would send none.
const shownFor = 10 * time.Second

func (k *lastStored) set(at time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.err = at, err
}

func (k *lastStored) get(at time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil || at.Sub(k.at) > shownFor {
		return nil
	}
	return fmt.Errorf("the last callback was not stored: %w", k.err)
}

// ListenerOptions are those of the public listener, as the config sets them. HMACKey is missing.
func (e *Engine) ListenerOptions() callback.Options {
	p := e.Config.Public
	return callback.Options{
		Lookup: e.Accounts.Find, Apply: e.Worker.Table.Callback, Nudge: e.Worker.Nudge, Now: e.Env.Now, Log: e.Log,
		MaxBody: int64(p.MaxBody), MaxConns: p.MaxConnections, MaxConnsEach: p.MaxConnectionsPerAddress,
		RefusedAMinute: p.RefusedPerMinute, RefusedBytes: int64(e.Config.Retention.RefusedSize),
		TrustedProxies: p.Proxies(),
	}
}

// openListeners opens both sockets and builds what serves them.
func (e *Engine) openListeners() (in *listeners, err error) {
	in = &listeners{}
	reg := prometheus.NewRegistry()
	counters := console.NewCounters(console.CounterOptions{
		Objective: float64(e.Config.CallbackObjective) / 100, OddKinds: odd.Kinds(), LogDropped: e.Env.logDropped,
	})
	reg.MustRegister(counters, console.TableMetrics(e.Store, e.Env.UTC), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	key, err := e.Env.InstallationKey(e.Config)
	if err != nil {
		return nil, err
	}
	o := e.ListenerOptions()
	o.Apply, o.Hint, o.HMACKey, o.MaxConns = in.noting(e), e.hint, key, e.connections()
	o.Count, o.CountOdd = counters.Callback, counters.Odd
	in.public, err = callback.New(o)
	if err != nil {
		return nil, err
	}
	in.console, err = console.New(console.Options{
		Address: e.Config.Console.Address, Token: e.Config.Console.Token.Reveal(), Registry: reg, Log: e.Log, Now: e.Env.Now,
		Checks: []console.Check{
			{Name: "database", Check: e.Store.Healthy, Fatal: true},
			{Name: "callbacks", Check: func(context.Context) error { return in.lastStored.get(e.Env.Now()) }, Fatal: true},
			{Name: "credentials", Check: e.credentialsTaken, Fatal: false},
			{Name: "documents", Check: e.documentsWritable, Fatal: false},
			{Name: "log", Check: func(context.Context) error { return e.Env.logWritten() }, Fatal: false},
			{Name: "config", Check: func(context.Context) error { return in.reload.get() }, Fatal: false},
		},
	})
	if err != nil {
		return nil, err
	}
	switch t := e.Config.Public.TLS; {
	case t.CertFile != "":
		in.tls, err = certificates.FromFiles(t)
	case len(t.ACME.Hosts) > 0:
		in.tls, err = certificates.Issued(e.Config)
	}
	if err != nil {
		return nil, err
	}
	if in.publicSocket, err = net.Listen("tcp", e.Config.Public.Address); err != nil {
		return nil, fmt.Errorf("public.address: %w", err)
	}
	if in.consoleSocket, err = net.Listen("tcp", e.Config.Console.Address); err != nil {
		return nil, errors.Join(fmt.Errorf("console.address: %w", err), in.publicSocket.Close())
	}
	return in, nil
}

// spareFiles is how many open files are left for database, documents and calls.
const spareFiles = 128

// connections is how many connections may be open: fewer than the config says where the system gives us fewer files, since
// a database that cannot open one stores nothing.
func (e *Engine) connections() int {
	want := e.Config.Public.MaxConnections
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil || most.Cur >= uint64(want+spareFiles) { //nolint:gosec // checked with the config
		return want
	}
	have := int(most.Cur) - min(spareFiles, int(most.Cur)/2) //nolint:gosec // below want
	e.Log.WithFields(logrus.Fields{"reason": fmt.Sprintf("%d open files", most.Cur), "connections": have}).Warn("public.max_connections is more than the system allows: raise the limit of open files (LimitNOFILE)")
	return have
}

// documentsWritable says whether documents can be kept now.
func (e *Engine) documentsWritable(context.Context) error {
	free, err := e.Files.Free()
	if err == nil && free < int64(e.Config.DocumentsMinFree) {
		err = fmt.Errorf("the document folder has less than documents_min_free left")
	}
	return err
}

// credentialsTaken names the accounts whose credentials the provider refuses. Their callbacks are still
// taken, and the others work: that is no reason to be not ready.
func (e *Engine) credentialsTaken(ctx context.Context) error {
	open, err := e.Store.Incidents(ctx, true)
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
func (in *listeners) noting(e *Engine) callback.Apply {
	return func(ctx context.Context, c apply.Incoming) (apply.Result, error) {
		res, err := e.Worker.Table.Callback(ctx, c)
		in.lastStored.set(e.Env.Now(), err)
		return res, err
	}
}

// hint hands what a browser said to the worker.
func (e *Engine) hint(ctx context.Context, account string, h provider.Hinted) (string, error) {
	status, err := e.Worker.Table.Hint(ctx, account, h)
	if status == model.Unknown {
		status = ""
	}
	return string(status), err
}

// listeners is both doors of the daemon.
type listeners struct {
	public        *callback.Listener
	publicSocket  net.Listener
	tls           *tls.Config
	console       *console.Server
	consoleSocket net.Listener
	reload        reloadState
	lastStored    lastStored
}
