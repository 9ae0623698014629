// Package stage sets up what is measured: the daemon with a filled table, and the simulated services, each a process of
// its own.
package stage

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
	"time"

	"github.com/sirupsen/logrus"
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

// Options is what a stage is made of.
type Options struct {
	Binary    string // the program that is measured: this one
	Services  []string
	Open      int           // transactions that are open to begin with
	Rows      int           // and how many stand in the table, if more
	Backlog   int           // rows that are due at a service which is down
	SyncDelay time.Duration // that each commit takes longer
	Postgres  string        // the daemon's tables lie in a schema of this server
	Extra     string        // further accounts of the config, indented
	Busy      []string      // those of OneSpan among them that have more to ask than they may, with callback_key none
	Idle      bool          // the services have no transactions of their own
	Processes int           // daemons on that server, each with listeners of its own; 0 is one
}

// Loaded is the account that the load calls. The simulated service knows none of its transactions; its own, with their
// callbacks, confirmations and downloads, are in the account beside it.
func Loaded(service string) string { return "load-" + service }

// producers is how many fill a table at once.
const producers = 256

// down is the account whose service answers 503 to everything.
const down = "down"

// Stage is the daemon and the simulated services, each a process of its own, in a folder.
type Stage struct {
	Options
	Env      engine.Env
	Dir      string
	Daemon   *child.Process
	Services *child.Process
	Accounts map[string]simulator.Account
	Stocks   map[string]*load.Stock
	Adapters map[string]provider.Service // each service's own code, as the daemon runs it
	Schema   string                      // of PostgreSQL
	Tables   string                      // the DSN of that schema; "": the daemon's table is a file

	public   string
	console  string
	more     []*replica // the daemons beside the first
	faulty   *http.Server
	fills    uint32
	stopping func()
}

// New starts the simulated services, writes the daemon's config and fills its table.
func New(ctx context.Context, env *engine.Env, dir string, o Options) (a *Stage, err error) {
	a = &Stage{Options: o, Env: *env, Dir: dir, Accounts: map[string]simulator.Account{},
		Stocks: map[string]*load.Stock{}, Adapters: map[string]provider.Service{}, stopping: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()
	a.Env.ConfigFlag = filepath.Join(dir, "config.yaml")
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
func (a *Stage) simulate(ctx context.Context) (base string, err error) {
	truth := make(chan string, 1)
	args := []string{"simulate", "--address", "127.0.0.1:0", "--callbacks", "http://" + a.public,
		"--transactions", "5000", "--days", "2", "--speed", "24"}
	if a.Options.Idle {
		args = []string{"simulate", "--address", "127.0.0.1:0", "--callbacks", "http://" + a.public, "--transactions", "0"}
	}
	for _, s := range a.Options.Services {
		args = append(args, "--service", s)
	}
	a.Services, err = child.Start(ctx, a.Options.Binary, a.Dir, func(line string) {
		if rest, ok := strings.CutPrefix(line, "truth "); ok {
			truth <- strings.TrimSuffix(strings.TrimSpace(rest), "/truth")
		}
	}, args...)
	if err != nil {
		return "", err
	}
	if err := a.Services.Until(ctx, "address", func() bool { return len(truth) > 0 }); err != nil {
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
		a.Accounts[acc.Provider] = acc
	}
	return base, nil
}

// configure writes the daemon's config: for each service the account that lives and the one that the load calls, with
// the budgets that the services grant.
func (a *Stage) configure(ctx context.Context, base string) error {
	var all []simulator.Account
	for _, s := range a.Options.Services {
		acc, known := a.Accounts[s]
		if !known {
			return fmt.Errorf("no simulated service %q", s)
		}
		mine := acc
		mine.ID = Loaded(s)
		all = append(all, acc, mine)
		maker, err := load.For(s, 1, acc.Settings)
		if err != nil {
			return err
		}
		a.Stocks[s] = &load.Stock{Make: maker, At: a.Env.UTC}
	}
	where := "sqlite:./countersign.db"
	if a.Options.Postgres != "" {
		var err error
		a.Schema = fmt.Sprintf("bench_%d", os.Getpid())
		if a.Tables, err = limits.InSchema(ctx, a.Options.Postgres, a.Schema); err != nil {
			return err
		}
		where = a.Tables
	}
	text := demo.Config(demo.ConfigOptions{Providers: a.Env.Providers, Accounts: all, Base: base, PublicAddress: a.public,
		ConsoleAddress: a.console, Database: where, Documents: "file:./documents", Speed: 1})
	if a.Options.Postgres != "" {
		text = "key_file: ./countersign.key\n" + text // without a file beside it, there is no other place
	}
	if a.Options.Backlog > 0 {
		address, err := a.fail(ctx)
		if err != nil {
			return err
		}
		text += fmt.Sprintf("  - id: %s\n    provider: onespan\n    base_url: %s\n    settings: { api_key: none, "+
			"callback_key: none }\n", down, config.Quote("http://"+address))
	}
	text += a.Options.Extra
	if err := os.WriteFile(a.Env.ConfigFlag, []byte(text), 0o600); err != nil {
		return err
	}
	return a.multiply(text)
}

// fail serves what is never there.
func (a *Stage) fail(ctx context.Context) (address string, err error) {
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
func (a *Stage) fill(ctx context.Context) (err error) {
	c, err := a.Env.Config()
	if err != nil {
		return err
	}
	e, err := a.Env.Start(ctx, c, logrus.NewEntry(config.Silent()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	each := max(a.Options.Open, a.Options.Rows) / len(a.Options.Services)
	for i, s := range a.Options.Services {
		maker, err := load.For(s, 2+uint32(i), a.Accounts[s].Settings) //nolint:gosec // five
		if err != nil {
			return err
		}
		a.Adapters[s] = e.Accounts.Find(Loaded(s)).Provider
		if err := a.apply(ctx, e, Loaded(s), each, a.opens(maker)); err != nil {
			return err
		}
	}
	for i, account := range a.Options.Busy {
		maker, err := load.For("onespan", 200+uint32(i), map[string]any{"callback_key": "none"}) //nolint:gosec // few
		if err == nil {
			err = a.apply(ctx, e, account, busyRows, a.opens(maker))
		}
		if err != nil {
			return err
		}
	}
	if a.Options.Backlog == 0 {
		return nil
	}
	maker, err := load.For("onespan", 99, map[string]any{"callback_key": "none"})
	if err != nil {
		return err
	}
	return a.apply(ctx, e, down, a.Options.Backlog, func(i int) []load.Callback {
		t := int64(i)
		return []load.Callback{maker(t/1024*4096+t%1024+3*1024, a.Env.UTC())} // completed, so due at once
	})
}

// busyRows is how many rows each busy account has: more than are asked about in two minutes.
const busyRows = 2000

// opens are the first two of the four callbacks of a transaction: then it is open.
func (a *Stage) opens(maker load.Maker) func(i int) []load.Callback {
	return func(i int) []load.Callback {
		t := int64(i)
		n := t/1024*4096 + t%1024
		return []load.Callback{maker(n, a.Env.UTC()), maker(n+1024, a.Env.UTC())}
	}
}

// Fill adds n open transactions of a service while the daemon is down.
func (a *Stage) Fill(ctx context.Context, service string, n int) (err error) {
	c, err := a.Env.Config()
	if err != nil {
		return err
	}
	e, err := a.Env.Start(ctx, c, logrus.NewEntry(config.Silent()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	a.fills++
	maker, err := load.For(service, 300+a.fills, a.Accounts[service].Settings)
	if err != nil {
		return err
	}
	return a.apply(ctx, e, Loaded(service), n, a.opens(maker))
}

// apply takes the callbacks of n transactions as the listener does. The bodies of a filled table are kept.
func (a *Stage) apply(ctx context.Context, e *engine.Engine, account string, n int,
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
	for range producers {
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

// Pattern sends the four callbacks of one transaction of each service, whose rows the limits copy.
func (a *Stage) Pattern(ctx context.Context, service string) error {
	maker, err := load.For(service, 1000, a.Accounts[service].Settings)
	if err != nil {
		return err
	}
	for step := range int64(4) {
		if err := load.Post(ctx, a.Target(service), maker(step*1024, a.Env.UTC())); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return nil
}

// Stop ends all that was started, the daemon first.
func (a *Stage) Stop() error {
	errs := []error{a.StopDaemon()}
	if a.Services != nil {
		errs = append(errs, a.Services.Stop())
	}
	if a.Tables != "" {
		errs = append(errs, limits.DropSchema(context.Background(), a.Options.Postgres, a.Schema))
	}
	if a.faulty != nil {
		errs = append(errs, a.faulty.Close())
	}
	return errors.Join(errs...)
}

// Console is where the daemon's private listener is.
func (a *Stage) Console() string { return "http://" + a.console }

// File is the daemon's database.
func (a *Stage) File() string { return filepath.Join(a.Dir, "countersign.db") }
