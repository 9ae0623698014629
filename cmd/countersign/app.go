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
	"golang.org/x/term"

	"countersign/model/store"
	"countersign/model/store/sqlitefile"
)

// app is what a verb works with: the streams, the clock and the environment of one run.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	now       func() time.Time
	rand      func() float64 // 0 ≤ x < 1, for jitter
	providers map[string]factory
	lookup    func(name string) (string, bool) // environment
	// wait pauses a verb that follows something; false once ctx has ended.
	wait func(ctx context.Context, d time.Duration) bool

	transport http.RoundTripper // for calls to providers; nil but in tests that play them in process
	tick      time.Duration     // the worker's loops look no more often; zero but in tests that play days

	terminal bool // stdout is one: tables are cut to what a person reads
	colour   bool

	configFlag string
	began      bool // a verb was found and its arguments fit
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{
		stdin: stdin, stdout: stdout, stderr: stderr,
		now:       time.Now,
		rand:      rand.Float64,
		providers: providers(),
		lookup:    os.LookupEnv,
		wait:      pause,
	}
	a.terminal = isTerminal(stdout)
	a.colour = a.terminal && wantsColour(a.lookup)
	return a
}

// isTerminal says whether a person reads w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// wantsColour obeys NO_COLOR (no-color.org) and terminals that can do nothing.
func wantsColour(lookup func(string) (string, bool)) bool {
	if v, ok := lookup("NO_COLOR"); ok && v != "" {
		return false
	}
	v, _ := lookup("TERM")
	return v != "dumb"
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
func (a *app) openStore(ctx context.Context, c *Config, readOnly bool) (*store.Store, error) {
	var keys [][]byte
	var err error
	if readOnly {
		keys, _ = a.installationKeys(c) // without it, what is secret stays so
		if file, ok := c.sqliteFile(); ok {
			if err := there(file); err != nil {
				return nil, err
			}
		}
	} else if keys, err = a.makeKey(c); err != nil {
		if file, ok := c.sqliteFile(); ok && errors.Is(err, errNoKey) { // whose file is it at all?
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
		DSN: c.Database, Key: key, OldKeys: keys, Now: a.now, Log: logrus.NewEntry(a.logger(c.Log)),
		Mode: fs.FileMode(c.DatabaseMode), ReadOnly: readOnly, Spoiled: func(err error) {
			a.logger(c.Log).WithField("err", err).Error("the database's own file could not be synced: ending at once; the next start reads what was committed from the log")
			os.Exit(exitFailed)
		},
	})
}

// reading runs a verb that only reads.
func (a *app) reading(ctx context.Context, do func(*Config, *store.Store) error) error {
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
func (a *app) owner() string {
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
