package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/output/progress"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker"
	"countersign/worker/ask/runs"
	"countersign/worker/verify"
)

// queuing writes the runs that a verb asks for.
type queuing func(context.Context, *Queue) ([]model.Run, error)

// FollowRuns runs a verb that asks providers: it lets queue write runs, follows the daemon that works them off, and
// returns them as they ended. Where no daemon runs, it works them off itself, for which it needs the secrets.
func (a *Env) FollowRuns(ctx context.Context, p progress.Display, queue queuing) ([]model.Run, error) {
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
	f := &follower{shows: p, out: p.LogTo(a.Stderr), now: a.UTC}
	err = a.WritingWith(ctx, c, func(ctx context.Context, w *Writer) error {
		up, err := served(ctx, w.Store)
		if err != nil || !up {
			return err
		}
		if f.runs, err = queue(ctx, w.Queue()); err != nil {
			return err
		}
		return f.daemon(ctx, w.Queue())
	})
	if f.over || err != nil {
		return f.runs, err
	}
	return f.runs, a.workHere(ctx, log, f, queue)
}

// workHere works runs off in this process, as long as no daemon does. What was queued for a daemon that has stopped goes
// on.
func (a *Env) workHere(ctx context.Context, log *logrus.Entry, f *follower, queue queuing) error {
	c, err := a.Config()
	if err != nil && len(f.runs) > 0 {
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
	if len(f.runs) == 0 {
		f.runs, err = queue(ctx, e.Queue())
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
	return progress.ShowOn(a.Stderr, a.Now, budgets, driftOf)
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
func (e *Engine) untilDone(ctx context.Context, f *follower) error {
	e.Only(f.accounts()...)
	for {
		err := e.Work(ctx, true, func(ctx context.Context) error {
			e.identifyFirst(ctx)
			return e.WorkUntil(ctx, func(ctx context.Context) (bool, error) { return f.done(ctx, e.Queue()) })
		})
		switch {
		case ctx.Err() != nil:
			return errStopped
		case errors.Is(err, store.ErrLocked), errors.Is(err, ErrYield), errors.Is(err, errLost):
			// a daemon, or another verb, works: a daemon works off our runs too
		case err != nil:
			return err
		}
		done, err := f.done(ctx, e.Queue())
		if err != nil || done {
			return err
		}
		if !e.Env.Wait(ctx, 250*time.Millisecond) {
			return errStopped
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
	return (&follower{runs: runs, shows: p, now: e.Env.UTC}).ended(ctx, e.Queue())
}

// Failures turns the runs that did not end well into the verb's error: one line an account.
func Failures(runs []model.Run) error {
	var errs []error
	for _, r := range runs {
		if r.State == model.RunFailed || r.State == model.RunPartial {
			errs = append(errs, fmt.Errorf("account %s, %s: %s", r.Account, r.Kind, r.Note))
		}
	}
	return errors.Join(errs...)
}
