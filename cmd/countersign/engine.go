package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker"
	"countersign/worker/files"
	"countersign/worker/poll"
)

// engine is the database with its writer, the accounts and a worker: what the daemon and the verbs
// that ask providers have in common.
type engine struct {
	env      *Env
	config   *config.Config
	log      *logrus.Entry
	store    *store.Store
	files    *files.Folder
	accounts *accounts
	worker   *worker.Worker

	stopWriter context.CancelFunc
	writer     chan error
}

// startEngine opens the database for writing, brings it to this version where no daemon uses it,
// and builds the accounts.
func (a *Env) startEngine(ctx context.Context, c *config.Config, log *logrus.Entry) (e *engine, err error) {
	e = &engine{env: a, config: c, log: log, writer: make(chan error, 1)}
	if e.store, err = a.openStore(ctx, c, false); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if have, want, serr := e.store.Schema(ctx); serr != nil {
		return e, serr
	} else if have != want {
		if err := a.migrateQuietly(ctx, e.store, log); err != nil {
			return e, err
		}
	}
	wctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stopWriter = stop
	go func() { e.writer <- e.store.Run(wctx) }()
	if err := e.store.Healthy(ctx); err != nil {
		return e, err
	}
	if e.files, err = files.Open(c.DocumentsFolder()); err != nil {
		return e, err
	}
	e.accounts = newAccounts(a, e.store, log)
	if err := e.accounts.set(ctx, c); err != nil {
		return e, err
	}
	e.worker = worker.New(worker.Options{
		Store: e.store, Accounts: e.accounts.list, Files: e.files, Now: a.utc, Rand: a.rand, Log: log, Owner: a.owner(),
		RetryWait: time.Duration(c.Retry.First), RetryMost: time.Duration(c.Retry.Most), Overlap: time.Duration(c.ListOverlap),
		Jitter: time.Duration(c.SlotJitter), Tick: a.tick, MinFree: int64(c.DocumentsMinFree), Inspect: sandbox.New().Inspect,
		Retention: poll.Retention{
			Bodies: time.Duration(c.Retention.Bodies), Refused: time.Duration(c.Retention.Refused),
			RefusedBytes: int64(c.Retention.RefusedSize), Outbox: time.Duration(c.Retention.Outbox), History: time.Duration(c.Retention.History),
		},
	})
	return e, nil
}

// utc is the clock of everything that is stored.
func (a *Env) utc() time.Time { return a.Now().UTC() }

// migrateQuietly makes or updates the schema, unless a daemon uses the database.
func (a *Env) migrateQuietly(ctx context.Context, s *store.Store, log *logrus.Entry) error {
	err := s.WithLock(ctx, database.LockServe, a.owner(), func(ctx context.Context) error {
		have, want, err := s.Schema(ctx)
		if err != nil || have == want {
			return err
		}
		kept, err := keepBefore(ctx, s, have)
		if err != nil {
			return err
		}
		switch {
		case have > 0 && kept != "":
			log.WithFields(logrus.Fields{"from": have, "source": kept}).Info("bringing the database to this version, kept as it was before")
		case have > 0:
			log.WithField("from", have).Warn("bringing the database to this version; there is no copy of it as it was before")
		}
		_, _, err = s.Migrate(ctx)
		return err
	})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon of another version uses the database: %w", err)
	}
	return err
}

// close ends the writer after what is queued, then the database. It may be called once.
func (e *engine) close() error {
	var err error
	if e.stopWriter != nil {
		e.stopWriter()
		err = <-e.writer
	}
	return errors.Join(err, e.store.Close())
}

// work holds the work lock while f runs: one process spends budgets and tokens. f's context ends
// when ctx does, when the lock is lost, or, where yields is set, when another process asks for it.
// errYield says that it did. store.ErrLocked: another process has it.
func (e *engine) work(ctx context.Context, yields bool, f func(context.Context) error) (err error) {
	h, err := e.store.Lock(ctx, database.LockWork, e.env.owner(), 15*time.Second)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Release()) }()
	if err := e.files.Sweep(); err != nil {
		return err
	}
	if err := e.store.ReleaseLeases(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		wanted := h.Wanted()
		if !yields {
			wanted = nil
		}
		select {
		case <-h.Lost():
			cancel(errLost)
		case <-wanted:
			cancel(errYield)
		case <-done:
		}
	}()
	err = f(ctx)
	if cause := context.Cause(ctx); err == nil && (errors.Is(cause, errYield) || errors.Is(cause, errLost)) {
		return cause
	}
	return err
}

var (
	errYield = errors.New("another process asks for the work")
	errLost  = errors.New("the work lock was lost")
)
