package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/follow"
	"countersign/cmd/countersign/engine/queue"
	"countersign/cmd/countersign/output/progress"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker"
	"countersign/worker/ask/runs"
	"countersign/worker/verify"
)

// queuing writes the runs that a verb asks for.
type queuing func(context.Context, *queue.Queue) ([]model.Run, error)

// FollowRuns runs a verb that asks providers: it lets put write runs, follows the daemon that works them off, and
// returns them as they ended. Where no daemon runs, it works them off itself, for which it needs the secrets.
func (a *Env) FollowRuns(ctx context.Context, p progress.Display, put queuing) ([]model.Run, error) {
	c, err := a.ReadConfig()
	if err != nil {
		return nil, err
	}
	log := logrus.NewEntry(a.Logger(c.Log))
	log.Logger.SetOutput(p.LogTo(a.Stderr))
	if c.Log.Level == "info" {
		log.Logger.SetLevel(logrus.WarnLevel) // the verb tells what it does
	}
	ctx, stop := a.Signals(ctx, log)
	defer stop()
	defer p.End()
	f := a.follower(c, nil, p)
	f.Out = p.LogTo(a.Stderr)
	err = a.WritingWith(ctx, c, func(ctx context.Context, w *Writer) error {
		up, err := follow.Served(ctx, w.Store)
		if err != nil || !up {
			return err
		}
		if f.Runs, err = put(ctx, w.Queue()); err != nil {
			return err
		}
		return f.Daemon(ctx, w.Store)
	})
	if f.Over || err != nil {
		return f.Runs, err
	}
	return f.Runs, a.workHere(ctx, log, f, put)
}

func (a *Env) follower(c *config.Config, runs []model.Run, p progress.Display) *follow.Follower {
	return &follow.Follower{Runs: runs, Shows: p, Now: a.UTC, Wait: a.Wait, First: time.Duration(c.Retry.First)}
}

// workHere works runs off in this process, as long as no daemon does. What was queued for a daemon that has stopped
// goes on.
func (a *Env) workHere(ctx context.Context, log *logrus.Entry, f *follow.Follower, put queuing) error {
	c, err := a.Config()
	if err != nil && len(f.Runs) > 0 {
		const stays = "the daemon has stopped: it goes on with what is not done when it is started again; to go on here"
		return fmt.Errorf(stays+": %w", err)
	}
	if err != nil {
		return err
	}
	e, err := a.Start(ctx, c, log)
	if err != nil {
		return err
	}
	if len(f.Runs) == 0 {
		f.Runs, err = put(ctx, e.Queue())
	}
	if err == nil {
		err = e.untilDone(ctx, f)
	}
	return errors.Join(err, e.Close())
}

// RunProgress shows how runs stand, on stderr.
func (a *Env) RunProgress() progress.Display {
	budgets := map[string]int{}
	if c, err := a.ReadConfig(); err == nil { // else the verb says what is wrong with it
		for i := range c.Accounts {
			budgets[c.Accounts[i].ID] = c.Accounts[i].Budgets()[provider.ClassRead]
		}
	}
	return progress.ShowOn(&a.Printer, budgets, driftOf)
}

// driftOf is how many differences a verify has found; false for other runs.
func driftOf(r model.Run) (int, bool) {
	if r.Kind != runs.KindVerify {
		return 0, false
	}
	return verify.VerifiedBy(r).Drift, true
}

// untilDone works the runs off, as long as no daemon does, and returns when they have ended and the
// documents that they queued are no longer in work.
func (e *Engine) untilDone(ctx context.Context, f *follow.Follower) error {
	e.Only(f.Accounts()...)
	for {
		err := e.Work(ctx, true, func(ctx context.Context) error {
			e.identifyFirst(ctx)
			return e.WorkUntil(ctx, func(ctx context.Context) (bool, error) { return f.Done(ctx, e.Store) })
		})
		switch {
		case ctx.Err() != nil:
			return follow.ErrStopped
		case errors.Is(err, store.ErrLocked), errors.Is(err, ErrYield), errors.Is(err, errLost):
			// a daemon, or another verb, works: a daemon works off our runs too
		case err != nil:
			return err
		}
		done, err := f.Done(ctx, e.Store)
		if err != nil || done {
			return err
		}
		if !e.Env.Wait(ctx, 250*time.Millisecond) {
			return follow.ErrStopped
		}
	}
}

// Only restricts the work of this process to some accounts.
func (e *Engine) Only(ids ...string) {
	e.only = ids
	e.Worker.Only(ids...)
}

// WorkUntil runs the worker in this process until something is done, which done says.
func (e *Engine) WorkUntil(ctx context.Context, done func(context.Context) (bool, error)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.Worker.Run(ctx, worker.PartLoops) })
	g.Go(func() error {
		defer stop()
		for {
			over, err := done(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil || over || !e.Env.Wait(ctx, 200*time.Millisecond) {
				return err
			}
		}
	})
	return g.Wait()
}

// Done reads how the runs stand, shows it, and says whether there is nothing left to wait for.
func (e *Engine) Done(ctx context.Context, runs []model.Run, p progress.Display) (bool, error) {
	return e.Env.follower(e.Config, runs, p).Ended(ctx, e.Store)
}

// Queue is where verbs put runs, beside what works them off.
func (e *Engine) Queue() *queue.Queue { return e.Env.queue(e.Config, e.Store, e.Worker.Runs, e.Log) }

// Queue is where verbs put runs for a daemon.
func (w *Writer) Queue() *queue.Queue { return w.env.queue(w.Config, w.Store, w.Worker.Runs, w.log) }

func (a *Env) queue(c *config.Config, s *store.Store, runs *runs.Runs, log *logrus.Entry) *queue.Queue {
	return &queue.Queue{Config: c, Providers: a.Providers, Store: s, Runs: runs, Log: log, Out: &a.Printer, Now: a.UTC}
}
