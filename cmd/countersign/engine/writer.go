package engine

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/engine/archive"
	"countersign/cmd/countersign/engine/follow"
	"countersign/cmd/countersign/engine/hooks"
	"countersign/cmd/countersign/engine/migration"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker"
	"countersign/worker/apply"
	"countersign/worker/documents"
)

// Writer is the database open for a short write, beside a daemon or without one.
type Writer struct {
	Config *config.Config
	Store  *store.Store
	log    *logrus.Entry
	Worker *worker.Worker
	Built  []*apply.Account // accounts that the worker shall know; a verb that needs some builds them

	env      *Env
	accounts *accounts.Table
}

// Served says whether a daemon runs.
func (w *Writer) Served(ctx context.Context) (bool, error) { return follow.Served(ctx, w.Store) }

// Remember writes the accounts of the config that the database does not know.
func (w *Writer) Remember(ctx context.Context) error { return w.accounts.Remember(ctx, w.Config) }

// Tokens are those of an account, which rest in the database.
func (w *Writer) Tokens(account string) provider.Tokens { return w.accounts.Tokens(account) }

// Provider builds an account's provider, whose tokens rest in the database.
func (w *Writer) Provider(c *config.Config, acc *config.Account) (provider.Service, error) {
	one, err := w.accounts.One(c, acc)
	return one.Client, err
}

// Writing runs a verb that writes a little and calls nobody: the daemon's secrets may be missing.
func (a *Env) Writing(ctx context.Context, do func(context.Context, *Writer) error) error {
	c, err := a.ReadConfig()
	if err != nil {
		return err
	}
	return a.WritingWith(ctx, c, do)
}

// WritingWith is writing with a config that has been read.
func (a *Env) WritingWith(ctx context.Context, c *config.Config, do func(context.Context, *Writer) error) (err error) {
	log := logrus.NewEntry(a.Logger(config.Log{Level: "warning", Format: c.Log.Format}))
	s, err := a.OpenStore(ctx, c, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if have, want, err := s.Schema(ctx); err != nil {
		return err
	} else if have != want {
		if err := migration.Quietly(ctx, s, a.Owner(), log); err != nil {
			return err
		}
	}
	wctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(wctx) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	w := &Writer{Config: c, Store: s, log: log, env: a, accounts: accounts.New(a.accountOptions(s, log))}
	w.Worker = worker.New(worker.Options{
		Store: s, Accounts: func() []*apply.Account { return w.Built }, Now: a.UTC, Rand: a.Rand, Log: log, Owner: a.Owner(),
	})
	return do(ctx, w)
}

// Hooks builds hooks, none of which run here.
func (w *Writer) Hooks() *hooks.Table { return hooks.New(w.env.hookOptions(w.Store)) }

// Documents are the files of the document folder, with a way to look into them. They fetch nothing.
func (w *Writer) Documents(ctx context.Context) (*documents.Documents, error) {
	folder, err := archive.Open(ctx, w.Config)
	if err != nil {
		return nil, err
	}
	return documents.New(documents.Options{
		Store: w.Store, Files: folder, Incidents: w.Worker.Table.Incidents(), Inspect: sandbox.New().Inspect, Accounts: func() []*apply.Account { return w.Built },
		Now: w.env.UTC, Log: w.log, Owner: w.env.Owner(),
	}), nil
}
