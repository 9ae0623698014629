package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/certificates"
	"countersign/cmd/countersign/engine/readiness"
	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback"
	"countersign/worker/callback/odd"
	"countersign/worker/console"
	"countersign/worker/console/acts"
	"countersign/worker/console/login"
)

// ListenerOptions are those of the public listener, as the config sets them. HMACKey is missing.
func (e *Engine) ListenerOptions() callback.Options {
	p := e.Config.Public
	return callback.Options{
		Lookup: e.Accounts.Find, Apply: e.Worker.Table.Callback, Now: e.Env.Now, Log: e.Log,
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
		Commits: e.Store.Commits.Load,
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
		Store: e.Store, Acts: e.acts(), Version: e.Env.Version, URL: e.Config.Console.Outside(), Issuer: issuer(e.Config),
		Checks: []console.Check{
			{Name: "database", Check: e.Store.Healthy, Fatal: true},
			{Name: "callbacks", Check: func(context.Context) error { return in.stored.Err(e.Env.Now()) }, Fatal: true},
			{Name: "credentials", Check: readiness.Credentials(e.Store), Fatal: false},
			{Name: "documents", Check: readiness.Folder(e.Files, int64(e.Config.DocumentsMinFree)), Fatal: false},
			{Name: "log", Check: func(context.Context) error { return e.Env.logWritten() }, Fatal: false},
			{Name: "config", Check: func(context.Context) error { return in.reload.Err() }, Fatal: false},
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

// issuer is who people log in to the console through; nil: nobody.
func issuer(c *config.Config) *login.Issuer {
	o := c.Console.OIDC
	if !o.Meant() {
		return nil
	}
	return &login.Issuer{URL: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Claim: o.Claim,
		Operators: o.Operators, Readers: o.Readers}
}

// acts are the functions that the console has.
func (e *Engine) acts() acts.Acts {
	if e.Env.Acts == nil {
		return acts.Acts{}
	}
	return e.Env.Acts(e)
}

// spareFiles is how many open files are left for database, documents and calls.
const spareFiles = 128

// connections is how many connections may be open: fewer than the config says where the system gives us fewer files,
// since a database that cannot open one stores nothing.
func (e *Engine) connections() int {
	want := e.Config.Public.MaxConnections
	var most unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &most) != nil || most.Cur >= uint64(want+spareFiles) { //nolint:gosec // checked with the config
		return want
	}
	have := int(most.Cur) - min(spareFiles, int(most.Cur)/2) //nolint:gosec // below want
	e.Log.WithFields(logrus.Fields{"reason": fmt.Sprintf("%d open files", most.Cur),
		"connections": have}).Warn("public.max_connections is more than the system allows: raise the limit of open files (LimitNOFILE)")
	return have
}

// noting applies a callback, and notes whether what it was given could be stored.
func (in *listeners) noting(e *Engine) callback.Apply {
	return func(ctx context.Context, c apply.Incoming) (apply.Result, error) {
		res, err := e.Worker.Table.Callback(ctx, c)
		in.stored.Set(e.Env.Now(), err)
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
	reload        readiness.Reload
	stored        readiness.Stored
}
