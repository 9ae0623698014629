package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker"
)

// ServeOptions is what the flags of serve say.
type ServeOptions struct {
	Backfill config.Span
	Schedule values.Slots // none: the backfill is not repeated
	Announce bool         // print the callback URLs

	Opened func(console net.Addr) // told once both listeners are open; nil: nobody waits for it
}

// Serve runs the daemon until ctx ends or a signal comes.
func (a *Env) Serve(ctx context.Context, o ServeOptions) error {
	a.outputApart()
	defer a.Flush()
	defer giveHeapRoom()()
	c, err := a.Config()
	if err != nil {
		return err
	}
	a.started = c.File()
	log := logrus.NewEntry(a.Logger(c.Log))
	ctx, stop := a.Signals(ctx, log)
	defer stop()
	defer environ.StopInTime(ctx, log, a.Flush)()
	a.daemon = true
	e, err := a.Start(ctx, c, log)
	if err != nil {
		return err
	}
	lock, err := e.Store.ShareLock(ctx, database.LockServe, a.Owner(), workTTL, nil)
	if err == nil {
		err = lock.During(ctx, func(ctx context.Context) error { return e.Serve(ctx, o) })
	}
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("a daemon already uses this database (%w): stop it first, or give this one another `database`", err)
	}
	return errors.Join(err, e.Close())
}

// Serve opens the listeners, then works, and stops in the order of starting undone: first what
// comes in, then the round in hand.
func (e *Engine) Serve(ctx context.Context, o ServeOptions) error {
	in, err := e.openListeners()
	if err != nil {
		return err
	}
	if o.Announce {
		if err := e.announce(in); err != nil {
			return errors.Join(err, in.publicSocket.Close(), in.consoleSocket.Close())
		}
	}
	if o.Opened != nil {
		o.Opened(in.consoleSocket.Addr())
	}
	e.Log.WithFields(logrus.Fields{"public": in.publicSocket.Addr().String(),
		"console": in.consoleSocket.Addr().String()}).Info("ready")
	e.warnOfConfig(e.Config)
	inCtx, stopIn := context.WithCancel(ctx)
	defer stopIn()
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()

	var working errgroup.Group
	working.Go(func() error { e.warnOfFolder(ctx); return nil }) // a bucket may take its time
	working.Go(func() error { return e.workOnLock(workCtx, o) })
	working.Go(func() error { return e.reloads(workCtx, in) })

	listening, inCtx := errgroup.WithContext(inCtx)
	listening.Go(func() error { return in.public.Run(inCtx, in.publicSocket, in.tls) })
	listening.Go(func() error { return in.console.Run(inCtx, in.consoleSocket) })
	listening.Go(func() error { return e.untilGone(inCtx) })
	notify(e.Log, daemon.SdNotifyReady)

	err = listening.Wait()
	notify(e.Log, daemon.SdNotifyStopping)
	stopWork()
	return errors.Join(err, working.Wait())
}

// untilGone ends the daemon once the database was moved elsewhere; a service manager starts it again, with the config
// as it is then.
func (e *Engine) untilGone(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.Store.Gone():
		return fmt.Errorf("%w: ending; the next start says where it is", database.ErrGone)
	}
}

// warnOfConfig logs what `config check` and `doctor` warn of.
func (e *Engine) warnOfConfig(c *config.Config) {
	for _, what := range c.Warnings(os.Stat) {
		e.Log.WithField("reason", what).Warn("the config may not be meant so")
	}
}

// warnOfFolder tells what the document folder's file system lacks.
func (e *Engine) warnOfFolder(ctx context.Context) {
	lost, err := e.Files.Lost(ctx)
	if err != nil {
		e.Log.WithField("err", err).Warn("documents cannot be stored")
	}
	for _, what := range lost {
		e.Log.WithField("reason", what).Warn("the document store lacks something")
	}
}

// notify tells systemd, where it started us.
func notify(log *logrus.Entry, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.WithField("err", err).Debug("systemd was not told")
	}
}

// announce prints, on stdout, what has to be registered at each provider. The log says nothing of it:
// no URL is logged, and a level may hide what is.
func (e *Engine) announce(in *listeners) error {
	t := e.Env.Table("account", "provider", "callback url")
	for _, acc := range e.Config.Accounts {
		url := e.Config.CallbackURL(acc.ID)
		if url == "" {
			scheme := "http://"
			if in.tls != nil {
				scheme = "https://"
			}
			url = e.Env.Say("cli.serve.here", "url", scheme+in.publicSocket.Addr().String()+"/callbacks/"+acc.ID)
		}
		t.AppendRow([]any{acc.ID, acc.Provider, output.Plain(url)})
	}
	return e.Env.Print(t)
}

// workOnLock does the daemon's work as long as it has the work lock, which it asks a verb for.
func (e *Engine) workOnLock(ctx context.Context, o ServeOptions) error {
	for ctx.Err() == nil {
		err := e.Work(ctx, false, func(ctx context.Context) error {
			e.identifyFirst(ctx)
			if err := e.QueueBackfills(ctx, o); err != nil {
				e.Log.WithField("err", err).Warn("backfill not queued")
			}
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return e.Worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
			g.Go(func() error { return e.repeatBackfill(ctx, o) })
			return g.Wait()
		})
		if errors.Is(err, store.ErrLocked) {
			if werr := e.Store.WantLock(ctx, database.LockWork); werr != nil && ctx.Err() == nil {
				e.Log.WithField("err", werr).Warn("the work lock was not asked for")
			}
		} else if err != nil && ctx.Err() == nil {
			e.Log.WithField("err", err).Warn("work stopped, starting again")
		}
		e.Env.Wait(ctx, 500*time.Millisecond)
	}
	return nil
}

// identifyFirst asks whose credentials we have before any work is done with them. A provider that
// does not answer soon holds up nothing: its word is waited for beside the work.
func (e *Engine) identifyFirst(ctx context.Context) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		e.identifyAll(ctx)
	}()
	most, cancel := context.WithTimeout(ctx, identifyMost)
	defer cancel()
	select {
	case <-said:
	case <-most.Done():
	}
}

const identifyMost = 5 * time.Second

// identifyAll asks each provider whose credentials we have. A wrong one takes no answer from it.
func (e *Engine) identifyAll(ctx context.Context) {
	var g errgroup.Group
	for _, a := range e.Accounts.List() {
		if len(e.only) > 0 && !slices.Contains(e.only, a.ID) {
			continue
		}
		g.Go(func() error {
			bound, done := a.Generation.Bind(ctx)
			defer done()
			if err := e.Accounts.Identify(bound, a); err != nil && bound.Err() == nil {
				e.Log.WithFields(logrus.Fields{"account": a.ID, "err": err}).Warn("the provider did not say who we are")
				if errors.Is(err, accounts.ErrOtherAccount) {
					e.Worker.Gate.Refuse(ctx, a, err.Error())
				}
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // all are nil
}
