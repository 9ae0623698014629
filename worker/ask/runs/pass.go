package runs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
)

// Pass is one run in work. Its methods are safe for concurrent use; Run is to be changed between them only.
type Pass struct {
	Account *apply.Account
	Run     *model.Run
	Params  Params
	Asker   *ask.Asker

	runs     *Runs
	mu       sync.Mutex // guards the run's counts and what follows
	failures int
	first    error
	answered time.Time // when the provider last answered; the beginning, before it has
	fault    error     // why a question failed since
	gaveUp   error     // why the provider is asked no more
}

// ByHand says whether somebody asked for the pass and waits for it: it gives up where the provider does not answer.
func (p *Pass) ByHand() bool { return byHand(p.Run) }

// byHand reads nothing that changes while a run is in work.
func byHand(r *model.Run) bool {
	return r.Slot == nil && r.Kind != KindBackfill && r.Kind != KindVerify
}

// Tries is how often the pass puts a question that fails.
func (p *Pass) Tries() int {
	if p.ByHand() {
		return 2
	}
	return ask.Tries
}

// patience is how long a pass by hand goes on without an answer.
func (p *Pass) patience() time.Duration { return 4 * p.Asker.Gate().RetryWait() }

// GiveUp ends the asking.
func (p *Pass) GiveUp(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gaveUp == nil {
		p.gaveUp = why
	}
}

// GaveUp returns why the provider is asked no more; nil: it is asked.
func (p *Pass) GaveUp() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gaveUp
}

// Answered notes that the provider answers.
func (p *Pass) Answered() {
	now := p.runs.o.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered, p.fault = now, nil
}

// Source is where the answers to the pass's questions come from.
func (p *Pass) Source(asked model.Asked) apply.Source {
	return apply.Source{Asked: asked, Run: p.Run.ID}
}

// Ready waits until the account may be asked. A pass by hand gives up after a while, and any other gives way to one by
// hand that waits behind it.
func (p *Pass) Ready(ctx context.Context) error {
	if err := p.GaveUp(); err != nil {
		return err
	}
	if !p.ByHand() {
		err := p.Asker.Gate().Wait(ctx, p.Account, func() (bool, error) { return p.runs.behind(ctx, p.Run) })
		if errors.Is(err, ask.ErrGaveWay) {
			p.GiveUp(err)
		}
		return err
	}
	p.mu.Lock()
	spent := p.fault != nil && p.runs.o.Now().Sub(p.answered) > p.patience()
	err := p.fault
	p.mu.Unlock()
	if !spent {
		err = p.Asker.Gate().WaitAtMost(ctx, p.Account, p.patience())
	}
	if err != nil && ctx.Err() == nil {
		p.GiveUp(err)
	}
	return err
}

// Rows asks about rows and counts what becomes of it.
func (p *Pass) Rows(ctx context.Context, rows []model.Transaction, src apply.Source, work provider.Work) error {
	_, err := p.rows(ctx, rows, src, work, true)
	return err
}

// RowsToTheEnd asks about rows until each has been answered, or failed as often as Tries says. It is for those that
// nothing else would ever ask about: what a list names and no row holds is left behind by the next page's cursor.
func (p *Pass) RowsToTheEnd(ctx context.Context, rows []model.Transaction, src apply.Source, work provider.Work) error {
	for try := 1; len(rows) > 0; try++ {
		left, err := p.rows(ctx, rows, src, work, try == p.Tries())
		if err != nil || try == p.Tries() || len(left) == 0 {
			return err
		}
		if err := ask.Sleep(ctx, p.Asker.Gate().Pause(try-1)); err != nil {
			return err
		}
		rows = left
	}
	return nil
}

// rows asks about rows and returns those that gave no answer. They count as failures in the last try.
func (p *Pass) rows(
	ctx context.Context, rows []model.Transaction, src apply.Source, work provider.Work, last bool,
) (left []model.Transaction, err error) {
	err = p.Asker.Rows(ctx, ask.Asking{
		Account: p.Account, Source: src, Work: work, Ready: p.Ready,
		Answered: func(did apply.Applied) {
			p.asked()
			p.Answered()
			p.Count(did)
		},
		Failed: func(ctx context.Context, t model.Transaction, err error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if why := p.GaveUp(); why != nil {
				return why
			}
			p.asked()
			p.mu.Lock()
			left, p.fault = append(left, t), err
			p.mu.Unlock()
			if last || errors.Is(err, provider.ErrDenied) {
				return p.Fail(ctx, t.Key(), err)
			}
			return p.Asker.Gate().Failed(ctx, p.Account, t.Key(), err)
		},
	}, rows)
	return left, err
}

// asked counts one row that was asked about.
func (p *Pass) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Run.Asked++
}

// Count adds an answer to the run's counts.
func (p *Pass) Count(did apply.Applied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if did.Grew {
		p.Run.Changed++
	}
	p.Run.Gaps += did.Gaps
	p.Run.Queued += len(did.Documents)
}

// Fail notes a question that got no answer. It returns an error where going on makes no sense.
func (p *Pass) Fail(ctx context.Context, k model.Key, err error) error {
	p.Failure(fmt.Errorf("%s: %w", k, err), 1)
	if ours := p.Asker.Gate().Failed(ctx, p.Account, k, err); ours != nil {
		return ours
	}
	if errors.Is(err, provider.ErrDenied) {
		return err
	}
	return ctx.Err()
}

// Failure counts questions that got no answer, n of them, and remembers why if it is the first reason; nil is none.
func (p *Pass) Failure(why error, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures += n
	if p.first == nil {
		p.first = why
	}
}

// Failures returns how many questions got no answer, and the first reason.
func (p *Pass) Failures() (n int, first error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures, p.first
}

// Snapshot returns the run as it stands.
func (p *Pass) Snapshot() model.Run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *p.Run
}

// finish writes down how the run ended.
func (p *Pass) finish(err error, now time.Time) {
	r := p.Run
	r.FinishedAt = &now
	if err == nil {
		err = p.first
	}
	switch {
	case err == nil:
		r.State, r.Cursor = model.RunDone, ""
	case errors.Is(err, ask.ErrEndless):
		r.State, r.Note = model.RunPartial, fmt.Sprint(provider.Redact(err))
	case p.failures > 0 && r.Asked > p.failures:
		r.State = model.RunPartial
		r.Note = fmt.Sprintf("%d of %d questions failed: %v", p.failures, r.Asked, provider.Redact(err))
	default:
		r.State, r.Note = model.RunFailed, fmt.Sprint(provider.Redact(err))
	}
}

// Save writes the run's cursor and counts. apply.ErrSuperseded: a reload has changed the account, and the cursor may be
// another server's.
func (p *Pass) Save(ctx context.Context) error {
	p.mu.Lock()
	now := p.runs.o.Now()
	p.Run.BeatAt = &now
	r := *p.Run
	p.mu.Unlock()
	store.CrashPoint("cursor before save")
	err := p.Account.Generation.Learn(func() error { return p.runs.save(ctx, &r) })
	store.CrashPoint("cursor saved")
	return err
}
