// Package runs carries runs out: it queues them, asks about the rows of one in a pass, and writes its counts and its
// end.
package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/ask"
)

// The kinds of run beside the tiers.
const (
	KindBackfill = "backfill"
	KindVerify   = "verify"
	KindRefs     = "ref"
	KindRetry    = "retry" // documents are fetched again
)

// Params is what a verb asked a run to do; it rests as JSON in Run.Params.
type Params struct {
	By        string   `json:"by,omitempty"` // who asked: "operator NAME"; "" is a verb, or a slot
	Refs      []string `json:"refs,omitempty"`
	Only      []string `json:"only,omitempty"`      // retry: the ids of the documents; none: all of the refs
	Documents *bool    `json:"documents,omitempty"` // backfill: false stores statuses only
	Sample    int      `json:"sample,omitempty"`
	Seed      string   `json:"seed,omitempty"` // what the sample is drawn by
	Repair    bool     `json:"repair,omitempty"`
	Whole     bool     `json:"whole,omitempty"` // asked by hand: every row of the tier, however new its answer
}

// Kind does the work of a run of one kind.
type Kind func(ctx context.Context, p *Pass) error

// Options is what Runs needs. All of it is required.
type Options struct {
	Store    *store.Store
	Asker    *ask.Asker
	Accounts func() []*apply.Account // the current ones; a reload swaps them
	Now      func() time.Time
	Log      *logrus.Entry
	Nudge    func() // wakes the loops: a run is queued
	Owner    string // names this process in leases
	Kinds    map[string]Kind
}

// Runs is the queue of runs, each one pass over many rows of an account. Every run is a row, so that a restart loses
// none.
type Runs struct{ o Options }

// New returns the queue.
func New(o Options) *Runs { return &Runs{o} }

// behind says whether somebody waits for a run that is behind r, in any process. Where its account rests, r gives way to
// it and goes on after it: else that one would wait for the rest too, to be told that the provider does not answer.
func (rs *Runs) behind(ctx context.Context, r *model.Run) (bool, error) {
	queued, err := rs.o.Store.Runs(ctx, store.RunFilter{
		Account: r.Account, Kind: r.Kind, States: []model.RunState{model.RunQueued}, Limit: 500,
	})
	return slices.ContainsFunc(queued, func(r model.Run) bool { return byHand(&r) }), err
}

// Queue writes a run for the loops to work off. With once, a run of its account and kind that is waiting or in work is
// returned instead: looking and writing are one step, so that two who ask at the same time get one run. A slot has one
// run, whoever asks: where another process has queued it and it is over, no run is returned.
func (rs *Runs) Queue(ctx context.Context, r model.Run, once bool) (model.Run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return r, err
	}
	r.ID, r.State, r.CreatedAt = id.String(), model.RunQueued, rs.o.Now()
	out := r
	err = rs.o.Store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		out = r
		if once {
			busy, ok, err := b.UnfinishedRun(r.Account, r.Kind)
			if err != nil {
				return err
			}
			if ok {
				out = busy
				return nil
			}
		}
		if r.Slot != nil {
			if done, err := b.SlotDone(r.Account, r.Kind, *r.Slot); err != nil || done {
				out = model.Run{}
				return err
			}
		}
		b.PutRun(r)
		return nil
	}})
	if err == nil && out.ID == r.ID { // else nothing new waits, and whoever asks in a loop would wake itself
		rs.o.Nudge()
	}
	return out, err
}

// Nudge wakes the loops: a run may be waiting.
func (rs *Runs) Nudge() { rs.o.Nudge() }

func unfinished() []model.RunState { return []model.RunState{model.RunQueued, model.RunActive} }

// Waiting returns the runs to be worked off, the oldest first: those that are queued, and those that a process that is
// gone left in work.
func (rs *Runs) Waiting(ctx context.Context) ([]model.Run, error) {
	return rs.o.Store.Runs(ctx, store.RunFilter{States: unfinished(), Limit: 500, Oldest: true})
}

func (rs *Runs) save(ctx context.Context, r *model.Run) error {
	return rs.o.Store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error { b.PutRun(*r); return nil }})
}

func (rs *Runs) account(id string) *apply.Account {
	for _, a := range rs.o.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// leaseFor is how long a run stays out of other hands; it is renewed three times in that span while it is worked on.
const leaseFor = 30 * time.Second

// errLease ends the work on a run that another process may have by now.
var errLease = errors.New("the run's lease is over")

// Work works on one run until it is done, and writes down how it ended. A run that ctx cut short stays "running" and is
// resumed from its cursor. So is one whose account a reload changes: it goes on at once, under the account as it is
// then. No two of one account and kind are worked on at a time, in any process: where another has one in work, nothing
// is done.
func (rs *Runs) Work(ctx context.Context, id string) error {
	claimed, err := rs.o.Store.ClaimRun(ctx, id, rs.o.Owner, leaseFor)
	if err != nil || !claimed {
		return err
	}
	ctx, end := rs.hold(ctx, id)
	err = rs.toTheEnd(ctx, id)
	return errors.Join(err, end())
}

// hold keeps a claimed run until end. The context ends when the lease could not be renewed in time.
func (rs *Runs) hold(ctx context.Context, id string) (held context.Context, end func() error) {
	held, lose := context.WithCancelCause(ctx)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(leaseFor / 3)
		defer t.Stop()
		for last := rs.o.Now(); ; {
			select {
			case <-stop:
				return
			case <-t.C:
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseFor/3)
			claimed, err := rs.o.Store.ClaimRun(ctx, id, rs.o.Owner, leaseFor)
			cancel()
			switch {
			case err == nil && claimed:
				last = rs.o.Now()
			case err == nil || rs.o.Now().Sub(last) > leaseFor*2/3:
				lose(errLease)
				return
			}
		}
	}()
	return held, func() error {
		close(stop)
		<-done
		lose(nil)
		return rs.o.Store.LeaveRun(context.WithoutCancel(ctx), id, rs.o.Owner)
	}
}

// toTheEnd works on a run that is claimed.
func (rs *Runs) toTheEnd(ctx context.Context, id string) error {
	var was *apply.Generation
	for first := true; ; first = false {
		r, err := rs.o.Store.RunByID(ctx, id)
		if err != nil || !slices.Contains(unfinished(), r.State) {
			return err
		}
		a, err := rs.settled(ctx, r.Account)
		if err != nil {
			return err
		}
		if a == nil {
			now := rs.o.Now()
			r.State, r.Note, r.FinishedAt = model.RunFailed, "the account is not configured", &now
			return rs.save(ctx, &r)
		}
		if !first && was != nil && a.Generation != nil && was.Server != a.Generation.Server {
			if err := rs.startOver(ctx, &r); err != nil {
				return err
			}
		}
		again, err := rs.work(ctx, a, &r)
		if err != nil || !again {
			return err
		}
		was = a.Generation
	}
}

// settled returns an account as it is configured, once no reload is under way that changes it; nil: it is not
// configured.
func (rs *Runs) settled(ctx context.Context, id string) (*apply.Account, error) {
	for {
		a := rs.account(id)
		if a == nil || !a.Generation.Over() {
			return a, nil
		}
		if err := ask.Sleep(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// startOver takes back what a run has of another server: its place in a list, and what a verify found there.
func (rs *Runs) startOver(ctx context.Context, r *model.Run) error {
	r.Cursor = ""
	if r.Kind != KindVerify {
		return nil
	}
	r.Result, r.Asked, r.Total = "", 0, 0
	return errors.Join(rs.o.Store.ForgetVerified(ctx, r.ID), rs.o.Store.ForgetDrift(ctx, r.ID))
}

// work works on a run for one generation of its account. again: a reload has ended that one.
func (rs *Runs) work(ctx context.Context, a *apply.Account, r *model.Run) (again bool, err error) {
	now := rs.o.Now()
	if r.StartedAt == nil {
		r.StartedAt = &now
	}
	r.State, r.BeatAt = model.RunActive, &now
	if err := rs.save(ctx, r); err != nil {
		return false, err
	}
	p := &Pass{Run: r, Account: a, runs: rs, Asker: rs.o.Asker, answered: now}
	if r.Params != "" {
		if err := json.Unmarshal([]byte(r.Params), &p.Params); err != nil {
			return false, fmt.Errorf("run %s: %w", r.ID, err)
		}
	}
	bound, done := a.Generation.Bind(ctx)
	err = rs.do(bound, p)
	done()
	switch {
	case a.Generation.Over():
		log := rs.o.Log.WithFields(logrus.Fields{"account": r.Account, "loop": r.Kind})
		log.Info("run goes on with the account as it is now")
		return ctx.Err() == nil, nil // the run is read again as it was saved last
	case errors.Is(context.Cause(ctx), errLease):
		return false, errLease // whoever has it writes it
	case ctx.Err() != nil, err != nil && errors.Is(p.GaveUp(), ask.ErrGaveWay):
		return false, rs.save(context.WithoutCancel(ctx), r)
	case errors.Is(err, store.ErrUnavailable):
		return false, err
	}
	return false, rs.end(ctx, p, err)
}

// end writes down how a run ended.
func (rs *Runs) end(ctx context.Context, p *Pass, err error) error {
	p.finish(err, rs.o.Now())
	store.CrashPoint("run before end")
	r := p.Run
	entry := rs.o.Log.WithFields(logrus.Fields{
		"account": r.Account, "loop": r.Kind, "status": string(r.State), "listed": r.Listed, "asked": r.Asked,
		"changed": r.Changed, "gaps": r.Gaps,
	})
	if r.State == model.RunDone {
		entry.Info("run ended")
	} else {
		entry.WithField("err", r.Note).Warn("run ended")
	}
	err = rs.save(ctx, r)
	store.CrashPoint("run end saved")
	return err
}

// do does a run's work by its kind.
func (rs *Runs) do(ctx context.Context, p *Pass) error {
	kind, ok := rs.o.Kinds[p.Run.Kind]
	if !ok {
		return fmt.Errorf("a run of kind %q is not known", p.Run.Kind)
	}
	return kind(ctx, p)
}
