package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/engine/hooks"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/sqlitefile"
	"countersign/provider"
	"countersign/worker/console/acts"
	"countersign/worker/deliver"
)

// Env is what a verb works with: the streams, the clock and the environment of one run.
type Env struct {
	output.Printer
	Stdin io.Reader

	Rand      func() float64 // 0 ≤ x < 1, for jitter
	Providers map[string]provider.Driver
	Lookup    func(name string) (string, bool) // environment
	// wait pauses a verb that follows something; false once ctx has ended.
	Wait func(ctx context.Context, d time.Duration) bool

	Transport http.RoundTripper // for calls to providers; nil but in tests that play them in process
	Tick      time.Duration     // the worker's loops look no more often; zero but in tests that play days

	// Acts gives the console the functions that verbs use; nil: it has none.
	Acts func(*Engine) acts.Acts

	Version string // of this program

	Functions []*deliver.Hook // beside the hooks of the config; their ids begin with hooks.FunctionPrefix

	SlowSync time.Duration // each commit takes so much longer; 0 but in benchmarks

	ConfigFlag string
	daemon     bool   // it serves
	started    string // the config file that the daemon started with, which a reload reads again; "" before
}

// NewEnv is the environment of this process.
func NewEnv(stdin io.Reader, stdout, stderr io.Writer, known map[string]provider.Driver) *Env {
	return &Env{
		Printer: output.NewPrinter(stdout, stderr, time.Now, os.LookupEnv),
		Stdin:   stdin, Rand: rand.Float64, Providers: known, Lookup: os.LookupEnv, Wait: Pause,
	}
}

// Pause waits for d; it is false where ctx ended first.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// ErrNoDatabase is told by every verb that reads before anything was written.
var ErrNoDatabase = errors.New("no database yet")

// OpenStore opens the database. Opened to be read, it must be there, and nothing is written.
func (a *Env) OpenStore(ctx context.Context, c *config.Config, readOnly bool) (*store.Store, error) {
	var keys [][]byte
	var err error
	if readOnly {
		keys, _ = a.InstallationKeys(c) // without it, what is secret stays so
		if file, ok := c.SQLiteFile(); ok {
			if err := MustExist(file); err != nil {
				return nil, err
			}
		}
	} else if keys, err = keyfile.LoadOrMake(c, a.Lookup); err != nil {
		if file, ok := c.SQLiteFile(); ok && errors.Is(err, keyfile.ErrNone) { // whose file is it at all?
			if fault := sqlitefile.Examine(ctx, file); fault != nil {
				return nil, fault
			}
		}
		return nil, err
	}
	var key []byte
	if len(keys) > 0 {
		key, keys = keys[0], keys[1:]
	}
	return store.Open(ctx, store.Options{
		DSN: c.Database, Key: key, OldKeys: keys, Now: a.Now, Log: logrus.NewEntry(a.Logger(c.Log)),
		Mode: fs.FileMode(c.DatabaseMode), ReadOnly: readOnly, SlowSync: a.SlowSync, Version: a.Version, Spoiled: func(err error) {
			a.Logger(c.Log).WithField("err",
				err).Error("the database's own file could not be synced: ending at once; the next start reads what was committed from the log")
			a.Flush()
			os.Exit(output.ExitFailed)
		},
	})
}

// Reading runs a verb that only reads.
func (a *Env) Reading(ctx context.Context, do func(*config.Config, *store.Store) error) error {
	c, err := a.ReadConfig()
	if err != nil {
		return err
	}
	s, err := a.OpenStore(ctx, c, true)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	return do(c, s)
}

// Owner names this process in locks and leases.
func (a *Env) Owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// MustExist says that a database has still to be made.
func MustExist(file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there; `countersign serve` makes it", ErrNoDatabase, file)
	}
	return nil
}

// Config returns the whole config, checked, with every secret in place: for verbs that call
// providers or answer them.
func (a *Env) Config() (*config.Config, error) { return a.loadConfig(false) }

// ReadConfig returns the config for verbs that only read the database: they run in shells that
// lack the daemon's secrets, so these may be missing.
func (a *Env) ReadConfig() (*config.Config, error) { return a.loadConfig(true) }

func (a *Env) loadConfig(withoutSecrets bool) (*config.Config, error) {
	file := a.started
	if file == "" {
		var err error
		if file, err = config.Find(a.ConfigFlag, a.Lookup); err != nil {
			return nil, output.Usagef("%w", err)
		}
	}
	c, err := config.Load(file, config.Source{Lookup: a.Lookup, Providers: a.Providers, WithoutSecrets: withoutSecrets})
	if err != nil {
		return nil, output.Usagef("%w", err)
	}
	return c, nil
}

// Signals ends ctx at the first SIGINT or SIGTERM; at the second the process ends at once.
func (a *Env) Signals(ctx context.Context, log *logrus.Entry) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	ch, over := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-ch:
			log.WithField("reason", s.String()).Info("stopping")
			cancel()
		case <-over:
			return
		}
		select {
		case <-ch:
			os.Exit(output.ExitFailed)
		case <-over:
		}
	}()
	return ctx, func() { signal.Stop(ch); close(over); cancel() }
}

// InstallationKeys returns the current key and those before it; keyfile.ErrNone where there is none.
func (a *Env) InstallationKeys(c *config.Config) ([][]byte, error) { return keyfile.Load(c, a.Lookup) }

// InstallationKey returns the key that secrets in the database are encrypted with.
func (a *Env) InstallationKey(c *config.Config) ([]byte, error) {
	all, err := a.InstallationKeys(c)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Input is stdin, whose reads end with environ.ErrInterrupted as soon as ctx does.
func (a *Env) Input(ctx context.Context) io.Reader { return environ.Input(ctx, a.Stdin) }

// Proxy says through which proxy calls to providers and links to files leave; nil is none.
func (a *Env) Proxy() func(*http.Request) (*url.URL, error) {
	through := environ.Proxies(a.Lookup).ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return through(r.URL) }
}

func (a *Env) hookOptions(s *store.Store) hooks.Options {
	return hooks.Options{Store: s, Now: a.UTC, Proxy: a.Proxy(), Version: a.Version, Own: a.Functions}
}
