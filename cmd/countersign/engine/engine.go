// Package engine is the database, the accounts and the worker as one thing: what the daemon and the verbs that ask
// providers have in common. It serves, reloads, and sees to it that one process spends budgets at a time.
package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/engine/archive"
	"countersign/cmd/countersign/engine/hooks"
	"countersign/cmd/countersign/engine/migration"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker"
	"countersign/worker/files"
	"countersign/worker/jobs"
	"countersign/worker/jobs/river"
	"countersign/worker/poll"
)

// Engine is the database with its writer, the accounts and a worker: what the daemon and the verbs
// that ask providers have in common.
type Engine struct {
	Env      *Env
	Config   *config.Config
	Log      *logrus.Entry
	Store    *store.Store
	Files    files.Archive
	Accounts *accounts.Table
	Hooks    *hooks.Table
	Worker   *worker.Worker
	Jobs     *river.Queue // nil: work is not shared

	current    atomic.Pointer[config.Config] // as it was read last
	only       []string                      // the accounts that this process works for; none: all
	stopWriter context.CancelFunc
	writer     chan error
}

// Start opens the database for writing, brings it to this version where no daemon uses it,
// and builds the accounts.
func (a *Env) Start(ctx context.Context, c *config.Config, log *logrus.Entry) (e *Engine, err error) {
	e = &Engine{Env: a, Config: c, Log: log, writer: make(chan error, 1)}
	if e.Store, err = a.OpenStore(ctx, c, false); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if have, want, serr := e.Store.Schema(ctx); serr != nil {
		return e, serr
	} else if have != want {
		if err := migration.Quietly(ctx, e.Store, a.Owner(), log); err != nil {
			return e, err
		}
	}
	wctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stopWriter = stop
	go func() { e.writer <- e.Store.Run(wctx) }()
	if err := e.Store.Healthy(ctx); err != nil {
		return e, err
	}
	if e.Files, err = archive.Open(ctx, c); err != nil {
		return e, err
	}
	e.Accounts = accounts.New(a.accountOptions(e.Store, log))
	if _, err := e.Accounts.Set(ctx, c); err != nil {
		return e, err
	}
	e.Hooks = hooks.New(a.hookOptions(e.Store))
	if err := e.Hooks.Set(ctx, c); err != nil {
		return e, err
	}
	shared, err := e.openJobs(ctx)
	if err != nil {
		return e, err
	}
	e.Worker = worker.New(worker.Options{
		Jobs:  shared,
		Store: e.Store, Accounts: e.Accounts.List, Files: e.Files, Now: a.UTC, Rand: a.Rand, Log: log, Owner: a.Owner(),
		RetryWait: time.Duration(c.Retry.First), RetryMost: time.Duration(c.Retry.Most),
		Overlap: time.Duration(c.ListOverlap),
		Jitter:  time.Duration(c.SlotJitter), Tick: a.Tick, MinFree: int64(c.DocumentsMinFree),
		Inspect: sandbox.New().Inspect, Hooks: e.Hooks.List,
		Retention: poll.Retention{
			Bodies: time.Duration(c.Retention.Bodies), Refused: time.Duration(c.Retention.Refused),
			RefusedBytes: int64(c.Retention.RefusedSize), Outbox: time.Duration(c.Retention.Outbox),
			History: time.Duration(c.Retention.History),
		},
	})
	e.current.Store(c)
	return e, nil
}

// openJobs opens what daemons on PostgreSQL share their work through; nil: this process works alone.
func (e *Engine) openJobs(ctx context.Context) (jobs.Queue, error) {
	if !e.Store.Postgres() || !e.Env.daemon {
		return nil, nil
	}
	var err error
	e.Jobs, err = river.Open(ctx, river.Options{DSN: e.Config.Database, Now: e.Env.UTC, Log: e.Log, Owner: e.Env.Owner()})
	if err != nil {
		return nil, err
	}
	return e.Jobs, nil
}

// Current is the config as it was read last: a reload may have brought other accounts than Config has.
func (e *Engine) Current() *config.Config { return e.current.Load() }

// UTC is the clock of everything that is stored.
func (a *Env) UTC() time.Time { return a.Now().UTC() }

// Close ends the writer after what is queued, then the database. It may be called once.
func (e *Engine) Close() error {
	var err error
	if e.Hooks != nil {
		e.Hooks.Close()
	}
	if e.stopWriter != nil {
		e.stopWriter()
		err = <-e.writer
	}
	if e.Jobs != nil {
		e.Jobs.Close()
	}
	return errors.Join(err, e.Store.Close())
}

// Work holds the work lock while f runs, beside the daemons that share it, or, as a verb, alone; and goes on with the
// budgets where the last one left them. f's context ends when ctx does, when the lock is lost, or, for a verb, when a
// daemon asks for it: ErrYield says that it did. store.ErrLocked: another process has it.
func (e *Engine) Work(ctx context.Context, verb bool, f func(context.Context) error) (err error) {
	var h *database.Lock
	if verb {
		if h, err = e.Store.Lock(ctx, database.LockWork, e.Env.Owner(), workTTL); err == nil {
			err = e.tidy(ctx)
		}
	} else {
		h, err = e.Store.ShareLock(ctx, database.LockWork, e.Env.Owner(), workTTL, e.tidy)
	}
	if h != nil {
		defer func() { err = errors.Join(err, h.Release()) }()
	}
	if err != nil {
		return err
	}
	if err := e.Files.Sweep(e.Env.Now().Add(-sweepAge)); err != nil {
		return err
	}
	if err := e.Accounts.Resume(ctx); err != nil {
		return err
	}
	defer e.Accounts.Suspend(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		wanted := h.Wanted()
		if !verb {
			wanted = nil
		}
		select {
		case <-h.Lost():
			cancel(errLost)
		case <-wanted:
			cancel(ErrYield)
		case <-done:
		}
	}()
	err = f(ctx)
	if cause := context.Cause(ctx); err == nil && (errors.Is(cause, ErrYield) || errors.Is(cause, errLost)) {
		return cause
	}
	return err
}

const (
	workTTL  = 15 * time.Second
	sweepAge = time.Hour // longer than any download takes
)

// tidy takes away what dead processes left: leases and temporary files. It is called where no other process works.
func (e *Engine) tidy(ctx context.Context) error {
	if err := e.Files.Sweep(e.Env.Now().Add(sweepAge)); err != nil {
		return err
	}
	if err := e.Store.ReleaseLeases(ctx); err != nil {
		return err
	}
	if err := e.Worker.Documents.SweepLinkFiles(ctx); err != nil {
		e.Log.WithField("err", err).Warn("the folder of links' files was not swept")
	}
	return nil
}

var (
	// ErrYield says that the work was given to a process that asked for it.
	ErrYield = errors.New("another process asks for the work")
	errLost  = errors.New("the work lock was lost")
)
