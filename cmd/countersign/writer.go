package main

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker"
)

// writer is the database open for a short write, beside a daemon or without one.
type writer struct {
	config *config.Config
	store  *store.Store
	log    *logrus.Entry
	worker *worker.Worker
	built  []*worker.Account // accounts that the worker shall know; a verb that needs some builds them

	accounts *accounts
}

// remember writes the accounts of the config that the database does not know.
func (w *writer) remember(ctx context.Context) error { return w.accounts.remember(ctx, w.config) }

// tokens are those of an account, which rest in the database.
func (w *writer) tokens(account string) provider.Tokens { return w.accounts.tokens(account) }

// provider builds an account's provider, whose tokens rest in the database.
func (w *writer) provider(c *config.Config, acc *config.Account) (provider.Provider, error) {
	one, err := w.accounts.one(c, acc)
	return one.provider, err
}

// writing runs a verb that writes a little and calls nobody: the daemon's secrets may be missing.
func (a *Env) writing(ctx context.Context, do func(context.Context, *writer) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	return a.writingWith(ctx, c, do)
}

// writingWith is writing with a config that has been read.
func (a *Env) writingWith(ctx context.Context, c *config.Config, do func(context.Context, *writer) error) (err error) {
	log := logrus.NewEntry(a.logger(config.Log{Level: "warning", Format: c.Log.Format}))
	s, err := a.openStore(ctx, c, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if have, want, err := s.Schema(ctx); err != nil {
		return err
	} else if have != want {
		if err := a.migrateQuietly(ctx, s, log); err != nil {
			return err
		}
	}
	wctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(wctx) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	w := &writer{config: c, store: s, log: log, accounts: newAccounts(a, s, log)}
	w.worker = worker.New(worker.Options{
		Store: s, Accounts: func() []*worker.Account { return w.built }, Now: a.utc, Rand: a.rand, Log: log, Owner: a.owner(),
	})
	return do(ctx, w)
}

// useFiles gives the worker the document folder, and a way to look into what lies there.
func (w *writer) useFiles() (err error) {
	w.worker.Files, err = worker.OpenFiles(w.config.DocumentsFolder())
	w.worker.Inspect = sandbox.New().Inspect
	return err
}
