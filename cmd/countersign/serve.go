package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/worker"
	"countersign/worker/callback"
	"countersign/worker/console"
)

// serveOptions is what the flags of serve say.
type serveOptions struct {
	backfill config.Span
	schedule string
	announce bool // print the callback URLs
}

// newServeCommand is the daemon.
func newServeCommand(env *Env) *cobra.Command {
	o := serveOptions{backfill: config.Span{Now: env.Now}, announce: true}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: listen for callbacks, poll, download",
		Long: `serve opens the public listener that providers call and the private console, polls in the slots of the
config, and fetches signed documents. SIGHUP reads the config again; SIGTERM ends within ten seconds with
every answered callback kept, a second one at once.

--backfill loads what no finished backfill covers, after the listener has opened: a restart resumes and
never repeats. --backfill-schedule repeats it on a cron line (UTC).`,
		Example: "  countersign serve\n  countersign serve --backfill 30d --backfill-schedule \"0 3 * * 0\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.schedule != "" && o.backfill.At == nil {
				return output.Usagef("--backfill-schedule needs --backfill, which says how far back")
			}
			if o.schedule != "" {
				if _, err := config.ParseSlots(o.schedule); err != nil {
					return output.Usagef("--backfill-schedule: %q %w", o.schedule, err)
				}
			}
			return env.serve(cmd.Context(), o)
		},
	}
	cmd.Flags().Var(&o.backfill, "backfill", "load history since `SPAN` (30d, 2w, 720h, a date or a time)")
	cmd.Flags().StringVar(&o.schedule, "backfill-schedule", "", "repeat the backfill on a `CRON` line in UTC")
	return cmd
}

// serve runs the daemon until ctx ends or a signal comes.
func (a *Env) serve(ctx context.Context, o serveOptions) error {
	a.outputApart()
	defer a.flush()
	c, err := a.config()
	if err != nil {
		return err
	}
	log := logrus.NewEntry(a.logger(c.Log))
	ctx, stop := a.signals(ctx, log)
	defer stop()
	e, err := a.startEngine(ctx, c, log)
	if err != nil {
		return err
	}
	err = e.store.WithLock(ctx, database.LockServe, a.owner(), func(ctx context.Context) error { return e.serve(ctx, o) })
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("a daemon already uses this database (%w): stop it first, or give this one another `database`", err)
	}
	return errors.Join(err, e.close())
}

// signals ends ctx at the first SIGINT or SIGTERM; at the second the process ends at once.
func (a *Env) signals(ctx context.Context, log *logrus.Entry) (context.Context, func()) {
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

// serve opens the listeners, then works, and stops in the order of starting undone: first what
// comes in, then the round in hand.
func (e *engine) serve(ctx context.Context, o serveOptions) error {
	in, err := e.openListeners()
	if err != nil {
		return err
	}
	if o.announce {
		if err := e.announce(in); err != nil {
			return errors.Join(err, in.publicSocket.Close(), in.consoleSocket.Close())
		}
	}
	e.log.WithFields(logrus.Fields{"public": in.publicSocket.Addr().String(), "console": in.consoleSocket.Addr().String()}).Info("ready")
	e.warnOfFolder()
	inCtx, stopIn := context.WithCancel(ctx)
	defer stopIn()
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()

	var working errgroup.Group
	working.Go(func() error { return e.keepWorking(workCtx, o) })
	working.Go(func() error { return e.reloads(workCtx, in) })

	listening, inCtx := errgroup.WithContext(inCtx)
	listening.Go(func() error { return in.public.Run(inCtx, in.publicSocket, in.tls) })
	listening.Go(func() error { return in.console.Run(inCtx, in.consoleSocket) })
	notify(e.log, daemon.SdNotifyReady)

	err = listening.Wait()
	notify(e.log, daemon.SdNotifyStopping)
	stopWork()
	return errors.Join(err, working.Wait())
}

// warnOfFolder tells what the document folder's file system lacks.
func (e *engine) warnOfFolder() {
	lost, err := e.files.Lost()
	if err != nil {
		e.log.WithField("err", err).Warn("the document folder cannot be written")
	}
	for _, what := range lost {
		e.log.WithField("reason", what).Warn("the document folder's file system lacks something")
	}
}

// notify tells systemd, where it started us.
func notify(log *logrus.Entry, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.WithField("err", err).Debug("systemd was not told")
	}
}

// listeners is both doors of the daemon.
type listeners struct {
	public        *callback.Listener
	publicSocket  net.Listener
	tls           *tls.Config
	console       *console.Server
	consoleSocket net.Listener
	reload        reloadState
	keeping       keeping
}

// announce prints, on stdout, what has to be registered at each provider. The log says nothing of it:
// no URL is logged, and a level may hide what is.
func (e *engine) announce(in *listeners) error {
	t := e.env.Table("account", "provider", "callback url")
	for _, acc := range e.config.Accounts {
		url := e.config.CallbackURL(acc.ID)
		if url == "" {
			scheme := "http://"
			if in.tls != nil {
				scheme = "https://"
			}
			url = scheme + in.publicSocket.Addr().String() + "/callbacks/" + acc.ID + " (here; public.url is not set)"
		}
		t.AppendRow([]any{acc.ID, acc.Provider, output.Plain(url)})
	}
	return e.env.Print(t)
}

// keepWorking does the daemon's work as long as it has the work lock, which it asks a verb for.
func (e *engine) keepWorking(ctx context.Context, o serveOptions) error {
	for ctx.Err() == nil {
		err := e.work(ctx, false, func(ctx context.Context) error {
			e.identifyFirst(ctx)
			if err := e.queueBackfills(ctx, o); err != nil {
				e.log.WithField("err", err).Warn("backfill not queued")
			}
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return e.worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
			g.Go(func() error { return e.repeatBackfill(ctx, o) })
			return g.Wait()
		})
		if errors.Is(err, store.ErrLocked) {
			if werr := e.store.WantLock(ctx, database.LockWork, e.env.owner()); werr != nil && ctx.Err() == nil {
				e.log.WithField("err", werr).Warn("the work lock was not asked for")
			}
		} else if err != nil && ctx.Err() == nil {
			e.log.WithField("err", err).Warn("work stopped, starting again")
		}
		e.env.wait(ctx, 500*time.Millisecond)
	}
	return nil
}

// identifyFirst asks whose credentials we have before any work is done with them. A provider that
// does not answer soon holds up nothing: its word is waited for beside the work.
func (e *engine) identifyFirst(ctx context.Context) {
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
func (e *engine) identifyAll(ctx context.Context) {
	var g errgroup.Group
	for _, a := range e.accounts.list() {
		g.Go(func() error {
			if err := e.accounts.identify(ctx, a); err != nil && ctx.Err() == nil {
				e.log.WithFields(logrus.Fields{"account": a.ID, "err": err}).Warn("the provider did not say who we are")
				if errors.Is(err, errOtherAccount) {
					e.worker.Gate.Refuse(ctx, a.ID, err.Error())
				}
			}
			return nil
		})
	}
	g.Wait() //nolint:errcheck // all are nil
}
