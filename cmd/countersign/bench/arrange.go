package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/bench/child"
	"countersign/cmd/countersign/bench/limits"
	"countersign/cmd/countersign/bench/load"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/provider"
	"countersign/provider/simulator"
	"countersign/worker/apply"
	"countersign/worker/callback"
)

// loaded is the account that the load calls. The simulated service knows none of its transactions; its own, with their
// callbacks, confirmations and downloads, are in the account beside it.
func loaded(service string) string { return "load-" + service }

// down is the account whose service answers 503 to everything.
const down = "down"

// arrangement is the daemon and the simulated services, each a process of its own, in a folder.
type arrangement struct {
	o        Options
	env      engine.Env
	dir      string
	public   string
	console  string
	daemon   *child.Process
	services *child.Process
	accounts map[string]simulator.Account
	stocks   map[string]*load.Stock
	adapters map[string]provider.Service // each service's own code, as the daemon runs it
	faulty   *http.Server
	schema   string // of PostgreSQL
	tables   string // the DSN of that schema; "": the daemon's table is a file
	stopping func()
}

// arrange starts the simulated services, writes the daemon's config, fills its table and starts it.
func arrange(ctx context.Context, env *engine.Env, dir string, o Options) (a *arrangement, err error) {
	a = &arrangement{o: o, env: *env, dir: dir, accounts: map[string]simulator.Account{},
		stocks: map[string]*load.Stock{}, adapters: map[string]provider.Service{}, stopping: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.stop())
		}
	}()
	a.env.ConfigFlag = filepath.Join(dir, "config.yaml")
	if a.public, err = child.FreeAddress(); err != nil {
		return a, err
	}
	if a.console, err = child.FreeAddress(); err != nil {
		return a, err
	}
	base, err := a.simulate(ctx)
	if err != nil {
		return a, err
	}
	if err := a.configure(ctx, base); err != nil {
		return a, err
	}
	return a, a.fill(ctx)
}

// simulate starts the services, whose transactions live slowly enough for real budgets.
func (a *arrangement) simulate(ctx context.Context) (base string, err error) {
	truth := make(chan string, 1)
	args := []string{"simulate", "--address", "127.0.0.1:0", "--callbacks", "http://" + a.public,
		"--transactions", "5000", "--days", "2", "--speed", "24"}
	for _, s := range a.o.Services {
		args = append(args, "--service", s)
	}
	a.services, err = child.Start(ctx, a.o.Binary, a.dir, func(line string) {
		if rest, ok := strings.CutPrefix(line, "truth "); ok {
			truth <- strings.TrimSuffix(strings.TrimSpace(rest), "/truth")
		}
	}, args...)
	if err != nil {
		return "", err
	}
	if err := a.services.Until(ctx, "address", func() bool { return len(truth) > 0 }); err != nil {
		return "", err
	}
	base = <-truth
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/accounts", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var all []simulator.Account
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return "", fmt.Errorf("accounts of the simulated services: %w", err)
	}
	for _, acc := range all {
		a.accounts[acc.Provider] = acc
	}
	return base, nil
}

// configure writes the daemon's config: for each service the account that lives and the one that the load calls, with
// the budgets that the services grant.
func (a *arrangement) configure(ctx context.Context, base string) error {
	var all []simulator.Account
	for _, s := range a.o.Services {
		acc, known := a.accounts[s]
		if !known {
			return fmt.Errorf("no simulated service %q", s)
		}
		mine := acc
		mine.ID = loaded(s)
		all = append(all, acc, mine)
		maker, err := load.For(s, 1, acc.Settings)
		if err != nil {
			return err
		}
		a.stocks[s] = &load.Stock{Make: maker, At: a.env.UTC}
	}
	where := "sqlite:./countersign.db"
	if a.o.Postgres != "" {
		var err error
		a.schema = fmt.Sprintf("bench_%d", os.Getpid())
		if a.tables, err = limits.InSchema(ctx, a.o.Postgres, a.schema); err != nil {
			return err
		}
		where = a.tables
	}
	text := demo.Config(demo.ConfigOptions{Providers: a.env.Providers, Accounts: all, Base: base, PublicAddress: a.public,
		ConsoleAddress: a.console, Database: where, Documents: "file:./documents", Speed: 1})
	if a.o.Postgres != "" {
		text = "key_file: ./countersign.key\n" + text // without a file beside it, there is no other place
	}
	if a.o.Backlog > 0 {
		address, err := a.fail(ctx)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("  - id: %s\n    provider: onespan\n    base_url: %s\n    settings: { api_key: none, "+
			"callback_key: none }\n", down, config.Quote("http://"+address))
	}
	return os.WriteFile(a.env.ConfigFlag, []byte(text), 0o600)
}

// fail serves what is never there.
func (a *arrangement) fail(ctx context.Context) (address string, err error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	a.faulty = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })}
	go a.faulty.Serve(ln) //nolint:errcheck // it ends with Close
	return ln.Addr().String(), nil
}

// fill applies, as the daemon does but in process, what has to be in the table to begin with: open transactions, some
// whole ones as patterns of the limits' rows, and those of the backlog.
func (a *arrangement) fill(ctx context.Context) (err error) {
	c, err := a.env.Config()
	if err != nil {
		return err
	}
	e, err := a.env.Start(ctx, c, Quiet())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	each := max(a.o.Open, a.o.Rows) / len(a.o.Services)
	for i, s := range a.o.Services {
		maker, err := load.For(s, 2+uint32(i), a.accounts[s].Settings) //nolint:gosec // five
		if err != nil {
			return err
		}
		a.adapters[s] = e.Accounts.Find(loaded(s)).Provider
		// The first two of the four callbacks of each: then it is open.
		if err := a.apply(ctx, e, loaded(s), each, func(i int) []load.Callback {
			t := int64(i)
			n := t/1024*4096 + t%1024
			return []load.Callback{maker(n, a.env.UTC()), maker(n+1024, a.env.UTC())}
		}); err != nil {
			return err
		}
	}
	if a.o.Backlog == 0 {
		return nil
	}
	maker, err := load.For("onespan", 99, map[string]any{"callback_key": "none"})
	if err != nil {
		return err
	}
	return a.apply(ctx, e, down, a.o.Backlog, func(i int) []load.Callback {
		t := int64(i)
		return []load.Callback{maker(t/1024*4096+t%1024+3*1024, a.env.UTC())} // completed, so due at once
	})
}

// apply takes the callbacks of n transactions as the listener does. The bodies of a filled table are kept.
func (a *arrangement) apply(ctx context.Context, e *engine.Engine, account string, n int,
	of func(i int) []load.Callback) error {
	acc := e.Accounts.Find(account)
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	g.Go(func() error {
		defer close(next)
		for i := range n {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range limits.Producers {
		g.Go(func() error {
			for i := range next {
				for _, c := range of(i) {
					if err := take(ctx, e, acc, c); err != nil {
						return fmt.Errorf("fill %s: %w", account, err)
					}
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func take(ctx context.Context, e *engine.Engine, acc *apply.Account, c load.Callback) error {
	in, err := callback.Judge(acc, provider.Callback{Account: acc.ID, Header: c.Header, Body: c.Body,
		ReceivedAt: e.Env.UTC(), RemoteAddr: "127.0.0.1"})
	if err != nil {
		return err
	}
	if in.Callback.Verdict != model.Accepted {
		return fmt.Errorf("%s %s: %s", in.Callback.Verdict, in.Callback.Type, in.Callback.Note)
	}
	in.Callback.Headers = map[string]string{"Content-Type": c.Header.Get("Content-Type"),
		"Content-Length": strconv.Itoa(len(c.Body)), "User-Agent": c.Header.Get("User-Agent")}
	_, err = e.Worker.Table.Callback(ctx, in)
	return err
}

// pattern sends the four callbacks of one transaction of each service, whose rows the limits copy.
func (a *arrangement) pattern(ctx context.Context, service string) error {
	maker, err := load.For(service, 1000, a.accounts[service].Settings)
	if err != nil {
		return err
	}
	for step := range int64(4) {
		if err := load.Post(ctx, a.target(service), maker(step*1024, a.env.UTC())); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return nil
}

func (a *arrangement) target(service string) load.Target {
	return load.Target{Address: a.public, Path: "/callbacks/" + loaded(service)}
}

// serve starts the daemon and says how long it took to listen.
func (a *arrangement) serve(ctx context.Context) (took time.Duration, err error) {
	args := []string{"serve", "--config", a.env.ConfigFlag, "--bench-sync-delay", a.o.SyncDelay.String()}
	began := time.Now()
	if a.daemon, err = child.Start(ctx, a.o.Binary, a.dir, nil, args...); err != nil {
		return 0, err
	}
	err = a.daemon.Until(ctx, "listener", func() bool {
		conn, err := net.DialTimeout("tcp", a.public, time.Second)
		if err != nil {
			return false
		}
		took = time.Since(began)
		return conn.Close() == nil
	})
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() { a.daemon.Watch(watch) })
	a.stopping = func() { stop(); watching.Wait() }
	return took, err
}

// stop ends the daemon first.
func (a *arrangement) stop() error {
	var errs []error
	a.stopping()
	for _, p := range []*child.Process{a.daemon, a.services} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	a.daemon, a.services = nil, nil
	if a.tables != "" {
		errs = append(errs, limits.DropSchema(context.Background(), a.o.Postgres, a.schema))
	}
	if a.faulty != nil {
		errs = append(errs, a.faulty.Close())
	}
	return errors.Join(errs...)
}

// file is the daemon's database.
func (a *arrangement) file() string { return filepath.Join(a.dir, "countersign.db") }
