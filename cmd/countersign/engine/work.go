package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/progress"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/verify"
)

// FollowRuns runs a verb that asks providers: it opens the engine, lets do queue runs, works them off (or
// follows the daemon that does) and returns them as they ended.
func (a *Env) FollowRuns(ctx context.Context, p progress.Display, queue func(context.Context, *Engine) ([]model.Run, error)) ([]model.Run, error) {
	c, err := a.Config()
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
	e, err := a.Start(ctx, c, log)
	if err != nil {
		return nil, err
	}
	runs, err := queue(ctx, e)
	if err == nil {
		runs, err = e.untilDone(ctx, runs, p)
	}
	return runs, errors.Join(err, e.Close())
}

// RunProgress shows how runs stand, on stderr.
func (a *Env) RunProgress() progress.Display {
	budgets := map[string]int{}
	if c, err := a.Config(); err == nil { // else the verb says what is wrong with it
		for i := range c.Accounts {
			budgets[c.Accounts[i].ID] = c.Accounts[i].Budgets()[provider.ClassRead]
		}
	}
	return progress.ShowOn(a.Stderr, a.Now, budgets, driftOf)
}

// driftOf is how many differences a verify has found; false for other runs.
func driftOf(r model.Run) (int, bool) {
	if r.Kind != ask.KindVerify {
		return 0, false
	}
	return verify.VerifiedBy(r).Drift, true
}

// untilDone works the runs off, as long as no daemon does, and returns when they have ended and the
// documents that they queued are no longer in work.
func (e *Engine) untilDone(ctx context.Context, runs []model.Run, p progress.Display) ([]model.Run, error) {
	defer p.End()
	for {
		err := e.Work(ctx, true, func(ctx context.Context) error { return e.workOff(ctx, runs, p) })
		switch {
		case ctx.Err() != nil:
			return runs, errors.New("stopped: what is not done is resumed by the daemon or by the same verb")
		case errors.Is(err, store.ErrLocked), errors.Is(err, ErrYield), errors.Is(err, errLost):
			// a daemon, or another verb, works: it works off our runs too
		case err != nil:
			return runs, err
		}
		done, err := e.Done(ctx, runs, p)
		if err != nil {
			return runs, err
		}
		if done {
			return runs, nil
		}
		if !e.Env.Wait(ctx, 250*time.Millisecond) {
			return runs, ctx.Err()
		}
	}
}

// workOff runs the worker in this process until the runs are done.
func (e *Engine) workOff(ctx context.Context, runs []model.Run, p progress.Display) error {
	e.identifyFirst(ctx)
	return e.WorkUntil(ctx, func(ctx context.Context) (bool, error) { return e.Done(ctx, runs, p) })
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
	all := true
	for i := range runs {
		r, err := e.Store.RunByID(ctx, runs[i].ID)
		if err != nil {
			return false, err
		}
		runs[i] = r
		if r.FinishedAt == nil {
			all = false
		}
	}
	p.Show(runs)
	if !all {
		return false, nil
	}
	for _, r := range runs {
		if r.Queued == 0 {
			continue
		}
		busy, err := e.documentsInWork(ctx, r.Account)
		if err != nil || busy {
			return false, err
		}
	}
	return true, nil
}

// documentsInWork says whether a document waits that has not been tried yet, or is due to be.
func (e *Engine) documentsInWork(ctx context.Context, account string) (bool, error) {
	docs, err := e.Store.Documents(ctx, store.DocumentFilter{Account: account, State: model.DocumentWaiting})
	if err != nil {
		return false, err
	}
	soon := e.Env.UTC().Add(time.Second)
	for _, d := range docs {
		if d.NextTryAt != nil && d.NextTryAt.Before(soon) {
			return true, nil
		}
	}
	return false, nil
}

// QueuePolls queues a whole pass of each tier for each of the accounts: those named, or all.
func (e *Engine) QueuePolls(ctx context.Context, ids []string, tiers []apply.Tier) ([]model.Run, error) {
	accounts, err := e.Chosen(ids)
	if err != nil {
		return nil, err
	}
	var runs []model.Run
	for _, acc := range accounts {
		for _, t := range tiers {
			r, err := e.Worker.Runs.Queue(ctx, model.Run{Account: acc.ID, Kind: string(t), Params: Params(ask.Params{Whole: true})}, false)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	return runs, nil
}

// Chosen returns the accounts that a verb is for: those named, or all.
func (e *Engine) Chosen(ids []string) ([]*apply.Account, error) {
	if len(ids) == 0 {
		return e.Accounts.List(), nil
	}
	var out []*apply.Account
	for _, id := range ids {
		a := e.Accounts.Find(id)
		if a == nil {
			return nil, output.Usagef("account %q is not in the config: it has %s", id, strings.Join(e.Names(), ", "))
		}
		out = append(out, a)
	}
	return out, nil
}

// Names are the ids of the accounts.
func (e *Engine) Names() []string {
	var out []string
	for _, a := range e.Accounts.List() {
		out = append(out, a.ID)
	}
	return out
}

// Params writes what a run is asked to do.
func Params(p ask.Params) string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // strings, numbers and booleans always marshal
	}
	return string(text)
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
