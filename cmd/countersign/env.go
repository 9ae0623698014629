package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/sqlitefile"
	"countersign/provider"
)

// Env is what a verb works with: the streams, the clock and the environment of one run.
type Env struct {
	output.Printer
	stdin io.Reader

	rand      func() float64 // 0 ≤ x < 1, for jitter
	providers map[string]provider.Driver
	lookup    func(name string) (string, bool) // environment
	// wait pauses a verb that follows something; false once ctx has ended.
	wait func(ctx context.Context, d time.Duration) bool

	transport http.RoundTripper // for calls to providers; nil but in tests that play them in process
	tick      time.Duration     // the worker's loops look no more often; zero but in tests that play days

	configFlag string
}

// newEnv is the environment of this process.
func newEnv(stdin io.Reader, stdout, stderr io.Writer, known map[string]provider.Driver) *Env {
	return &Env{
		Printer: output.NewPrinter(stdout, stderr, time.Now, os.LookupEnv),
		stdin:   stdin, rand: rand.Float64, providers: known, lookup: os.LookupEnv, wait: pause,
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// errNoDatabase is told by every verb that reads before anything was written.
var errNoDatabase = errors.New("no database yet")

// openStore opens the database. Opened to be read, it must be there, and nothing is written.
func (a *Env) openStore(ctx context.Context, c *config.Config, readOnly bool) (*store.Store, error) {
	var keys [][]byte
	var err error
	if readOnly {
		keys, _ = a.installationKeys(c) // without it, what is secret stays so
		if file, ok := c.SQLiteFile(); ok {
			if err := there(file); err != nil {
				return nil, err
			}
		}
	} else if keys, err = a.makeKey(c); err != nil {
		if file, ok := c.SQLiteFile(); ok && errors.Is(err, errNoKey) { // whose file is it at all?
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
		DSN: c.Database, Key: key, OldKeys: keys, Now: a.Now, Log: logrus.NewEntry(a.logger(c.Log)),
		Mode: fs.FileMode(c.DatabaseMode), ReadOnly: readOnly, Spoiled: func(err error) {
			a.logger(c.Log).WithField("err", err).Error("the database's own file could not be synced: ending at once; the next start reads what was committed from the log")
			a.flush()
			os.Exit(output.ExitFailed)
		},
	})
}

// reading runs a verb that only reads.
func (a *Env) reading(ctx context.Context, do func(*config.Config, *store.Store) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx, c, true)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	return do(c, s)
}

// owner names this process in locks and leases.
func (a *Env) owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// there says that a database has still to be made.
func there(file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not there; `countersign serve` makes it", errNoDatabase, file)
	}
	return nil
}

// config returns the whole config, checked, with every secret in place: for verbs that call
// providers or answer them.
func (a *Env) config() (*config.Config, error) { return a.loadConfig(false) }

// readConfig returns the config for verbs that only read the database: they run in shells that
// lack the daemon's secrets, so these may be missing.
func (a *Env) readConfig() (*config.Config, error) { return a.loadConfig(true) }

func (a *Env) loadConfig(withoutSecrets bool) (*config.Config, error) {
	file, err := config.Find(a.configFlag, a.lookup)
	if err != nil {
		return nil, output.Usagef("%w", err)
	}
	c, err := config.Load(file, config.Source{Lookup: a.lookup, Providers: a.providers, WithoutSecrets: withoutSecrets})
	if err != nil {
		return nil, output.Usagef("%w", err)
	}
	return c, nil
}
