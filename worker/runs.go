package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/durable"
	"countersign/provider"
	"countersign/worker/apply"
)

// The kinds of run beside the tiers.
const (
	KindBackfill = "backfill"
	KindVerify   = "verify"
	KindRefs     = "ref"
)

// Params is what a verb asked a run to do; it rests as JSON in Run.Params.
type Params struct {
	Refs      []string `json:"refs,omitempty"`
	Documents *bool    `json:"documents,omitempty"` // backfill: false keeps statuses only
	Sample    int      `json:"sample,omitempty"`
	Seed      string   `json:"seed,omitempty"` // what the sample is drawn by
	Repair    bool     `json:"repair,omitempty"`
	Whole     bool     `json:"whole,omitempty"` // asked by hand: every row of the tier, however new its answer
}

// Queue writes a run for the loops to work off. With once, a run of its account and kind that is
// waiting or in work is returned instead.
func (w *Worker) Queue(ctx context.Context, r model.Run, once bool) (model.Run, error) {
	if once {
		busy, err := w.Store.Runs(ctx, store.RunFilter{Account: r.Account, Kind: r.Kind, States: []model.RunState{model.RunQueued, model.RunActive}, Limit: 1})
		if err != nil {
			return r, err
		}
		if len(busy) > 0 {
			return busy[0], nil
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return r, err
	}
	r.ID, r.State, r.CreatedAt = id.String(), model.RunQueued, w.Now()
	err = w.saveRun(ctx, &r)
	w.Nudge()
	return r, err
}

func (w *Worker) saveRun(ctx context.Context, r *model.Run) error {
	return w.doPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error { b.PutRun(*r); return nil }})
}

// runsOnce starts what is queued, and what a process that is gone left in work. One run of an
// account and kind is in work at a time. It returns at once; Run waits for them.
func (w *Worker) runsOnce(ctx context.Context) error {
	runs, err := w.Store.Runs(ctx, store.RunFilter{States: []model.RunState{model.RunQueued, model.RunActive}, Limit: 500, Oldest: true})
	if err != nil {
		return err
	}
	for _, r := range runs {
		key := r.Account + "\x00" + r.Kind
		w.mu.Lock()
		busy := w.running[key]
		if !busy {
			w.running[key] = true
			w.inWork.Add(1)
		}
		w.mu.Unlock()
		if busy {
			continue
		}
		go func() {
			defer w.inWork.Done()
			defer func() {
				w.mu.Lock()
				delete(w.running, key)
				w.mu.Unlock()
			}()
			round := func(ctx context.Context) error { return w.execute(ctx, r) }
			if err := w.guard(ctx, r.Kind, round); err != nil && ctx.Err() == nil {
				w.Log.WithFields(logrus.Fields{"account": r.Account, "loop": r.Kind, "err": err}).Warn("run not finished, it will be resumed")
			}
		}()
	}
	return nil
}

// execute works on one run until it is done, and writes down how it ended. A run that ctx cut
// short stays "running" and is resumed from its cursor.
func (w *Worker) execute(ctx context.Context, r model.Run) error {
	now := w.Now()
	a := w.account(r.Account)
	if a == nil {
		r.State, r.Note, r.FinishedAt = model.RunFailed, "the account is not configured", &now
		return w.saveRun(ctx, &r)
	}
	if r.StartedAt == nil {
		r.StartedAt = &now
	}
	r.State, r.BeatAt = model.RunActive, &now
	if err := w.saveRun(ctx, &r); err != nil {
		return err
	}
	var p Params
	if r.Params != "" {
		if err := json.Unmarshal([]byte(r.Params), &p); err != nil {
			return fmt.Errorf("run %s: %w", r.ID, err)
		}
	}
	ps := &pass{Worker: w, a: a, run: &r, params: p}
	err := ps.do(ctx)
	if ctx.Err() != nil {
		return w.saveRun(context.WithoutCancel(ctx), &r)
	}
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	ps.finish(err, w.Now())
	durable.CrashPoint("run before end")
	w.Log.WithFields(logrus.Fields{"account": r.Account, "loop": r.Kind, "status": string(r.State), "listed": r.Listed, "asked": r.Asked,
		"changed": r.Changed, "gaps": r.Gaps}).Info("run ended")
	err = w.saveRun(ctx, &r)
	durable.CrashPoint("run end saved")
	return err
}

// pass is one run in work.
type pass struct {
	*Worker
	a        *apply.Account
	run      *model.Run
	params   Params
	mu       sync.Mutex // guards the run's counts and what follows
	failures int
	first    error

	unanswered []model.Transaction // of the rows that were last asked about
}

// do does the run's work by its kind.
func (p *pass) do(ctx context.Context) error {
	if p.isForeign(p.a.ID) && p.run.Kind != KindVerify { // which has files to verify
		return errForeign(p.a.ID)
	}
	switch p.run.Kind {
	case string(apply.Active), string(apply.Idle), string(apply.Audit):
		return p.tier(ctx, apply.Tier(p.run.Kind))
	case KindBackfill:
		return p.backfill(ctx)
	case KindVerify:
		return p.verify(ctx)
	case KindRefs:
		return p.refs(ctx)
	}
	return fmt.Errorf("a run of kind %q is not known", p.run.Kind)
}

// finish writes down how the run ended.
func (p *pass) finish(err error, now time.Time) {
	r := p.run
	r.FinishedAt = &now
	if err == nil {
		err = p.first
	}
	switch {
	case err == nil:
		r.State, r.Cursor = model.RunDone, ""
	case p.failures > 0 && r.Asked > p.failures:
		r.State, r.Note = model.RunPartial, fmt.Sprintf("%d of %d questions failed: %v", p.failures, r.Asked, provider.Redact(err))
	default:
		r.State, r.Note = model.RunFailed, fmt.Sprint(provider.Redact(err))
	}
}

// count adds an answer to the run's counts.
func (p *pass) count(did Applied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if did.Grew {
		p.run.Changed++
	}
	p.run.Gaps += did.Gaps
	p.run.Queued += len(did.Documents)
}

// fail notes a question that got no answer. It returns an error where going on makes no sense.
func (p *pass) fail(ctx context.Context, t model.Transaction, err error) error {
	k := t.Key()
	p.mu.Lock()
	p.failures++
	if k.Ref != "" {
		p.unanswered = append(p.unanswered, t)
	}
	if p.first == nil {
		p.first = fmt.Errorf("%s: %w", k, err)
	}
	p.mu.Unlock()
	if ours := p.failed(ctx, p.a, k, err); ours != nil {
		return ours
	}
	if errors.Is(err, provider.ErrDenied) {
		return err
	}
	return ctx.Err()
}

// save keeps the run's cursor and counts.
func (p *pass) save(ctx context.Context) error {
	p.mu.Lock()
	now := p.Now()
	p.run.BeatAt = &now
	r := *p.run
	p.mu.Unlock()
	durable.CrashPoint("cursor before save")
	err := p.saveRun(ctx, &r)
	durable.CrashPoint("cursor saved")
	return err
}

// patient waits until the account may be asked, as long as the run has time.
func (p *pass) patient(ctx context.Context, until time.Time) error {
	for !p.may(p.a) {
		if !until.IsZero() && p.Now().After(until) {
			return fmt.Errorf("account %s: %w", p.a.ID, provider.ErrUnavailable)
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return ctx.Err()
}
