// Package verify compares rows with what the provider says now, and stored files with their hashes. It changes rows
// only where it repairs.
package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
)

// Verified is the sum of a verify run.
type Verified struct {
	Checked  int `json:"checked"` // rows that the provider was asked about, and answered
	Drift    int `json:"drift"`
	NotFound int `json:"not_found"`
	Repaired int `json:"repaired"`
}

// Add adds another run's sum.
func (v *Verified) Add(o Verified) {
	v.Checked, v.Drift = v.Checked+o.Checked, v.Drift+o.Drift
	v.NotFound, v.Repaired = v.NotFound+o.NotFound, v.Repaired+o.Repaired
}

// VerifiedBy reads how far a verify run has come.
func VerifiedBy(r model.Run) (v Verified) {
	if r.Result == "" || json.Unmarshal([]byte(r.Result), &v) != nil {
		return Verified{}
	}
	return v
}

// Options is what a Verify needs. All of it is required.
type Options struct {
	Store     *store.Store
	Table     *apply.Table
	Asker     *ask.Asker
	Hash      func(ctx context.Context, path string) (sum string, size int64, err error) // of a stored file
	Now       func() time.Time
	RetryWait time.Duration // first pause after a failed question; a run waits ten of them for an account that rests
}

// Verify verifies accounts.
type Verify struct{ o Options }

// New returns what verifies.
func New(o Options) *Verify { return &Verify{o} }

// Kinds are the kinds of run that verify.
func (vs *Verify) Kinds() map[string]runs.Kind {
	return map[string]runs.Kind{runs.KindVerify: vs.verify}
}

// Queue writes a verify run for the loops. One that was stopped half way and asked for the same goes on at its cursor.
func Queue(
	ctx context.Context, s *store.Store, queued *runs.Runs, account string, p runs.Params,
) (r model.Run, resumed bool, err error) {
	left, err := s.Runs(ctx, store.RunFilter{
		Account: account, Kind: runs.KindVerify, States: []model.RunState{model.RunQueued, model.RunActive},
	})
	if err != nil {
		return r, false, err
	}
	for _, r := range left {
		var was runs.Params
		if json.Unmarshal([]byte(r.Params), &was) == nil && was.Sample == p.Sample && was.Repair == p.Repair {
			queued.Nudge()
			return r, true, nil
		}
	}
	p.Seed = uuid.NewString() // a run that goes on takes the same sample
	text, err := json.Marshal(p)
	if err != nil {
		return r, false, err
	}
	r, err = queued.Queue(ctx, model.Run{Account: account, Kind: runs.KindVerify, Params: string(text)}, false)
	return r, false, err
}

// place is where a verify run stands; it rests as the run's cursor, written with what was found up to there.
type place struct {
	List   string `json:"list,omitempty"`  // the next page of the list of whole objects
	Listed bool   `json:"listed"`          // that list has been walked, or there is none to walk
	After  string `json:"after,omitempty"` // the last row that is done
	Failed int    `json:"failed,omitempty"`
	First  string `json:"first,omitempty"` // the first failure
}

// verifier is a verify run in work.
type verifier struct {
	o      Options
	pass   *runs.Pass
	at     place
	sample []string // the refs to verify, sorted; nil: all

	mu     sync.Mutex // guards what follows: what the page in work has found
	muted  error      // why the provider is not asked any more; files are still verified
	page   Verified
	done   int
	queued int
	lines  []model.DriftLine
}

// verify asks the provider about each row (or a sample) and re-hashes each file, a page at a time. What a page found is
// written with the cursor, so that a run that is cut short goes on where it was.
func (vs *Verify) verify(ctx context.Context, p *runs.Pass) error {
	v := &verifier{o: vs.o, pass: p}
	if err := v.begin(ctx); err != nil {
		return err
	}
	if err := v.list(ctx); err != nil {
		return err
	}
	for {
		rows, last, err := v.next(ctx)
		if err != nil {
			return err
		}
		if last == "" {
			break
		}
		if err := v.rows(ctx, rows); err != nil {
			return err
		}
		v.at.After = last
		if err := v.savePage(ctx, nil); err != nil {
			return err
		}
	}
	return v.end(ctx)
}

// begin reads where the run stands, and counts what it is to handle.
func (v *verifier) begin(ctx context.Context) error {
	run := v.pass.Run
	fresh := run.Cursor == ""
	if !fresh {
		if err := json.Unmarshal([]byte(run.Cursor), &v.at); err != nil {
			return fmt.Errorf("run %s: its cursor: %w", run.ID, err)
		}
	}
	var first error
	if v.at.First != "" {
		first = errors.New(v.at.First)
	}
	v.pass.Failure(first, v.at.Failed)
	if err := v.o.Asker.Gate().Foreign(v.account()); err != nil {
		v.mute(err)
	}
	if n := v.pass.Params.Sample; n > 0 {
		v.at.Listed = true
		sample, err := v.choose(ctx, n)
		if err != nil {
			return err
		}
		v.sample = sample
	}
	if !fresh {
		return nil
	}
	n, err := v.o.Store.Count(ctx, store.Filter{Account: v.account().ID})
	if err != nil {
		return err
	}
	if run.Total = n; v.sample != nil {
		run.Total = len(v.sample)
	}
	return v.savePage(ctx, nil)
}

func (v *verifier) account() *apply.Account { return v.pass.Account }

// rowsAtOnce is how many rows are done between two writes of the cursor at most.
const rowsAtOnce = 200

// pageOf is how many rows are done between two writes of the cursor: what the budget takes some seconds for.
func (v *verifier) pageOf() int {
	budget := v.account().Budget[provider.ClassRead]
	if budget == 0 {
		return rowsAtOnce
	}
	return min(max(budget/6, v.o.Asker.Workers())*ask.BatchSize(v.account()), rowsAtOnce)
}

// next returns the rows of the next page, and the last ref that it covers; "" at the end.
func (v *verifier) next(ctx context.Context) (rows []model.Transaction, last string, err error) {
	after, n := model.Key{Account: v.account().ID, Ref: v.at.After}, v.pageOf()
	if v.sample == nil {
		rows, err = v.o.Store.RowsAfter(ctx, v.pass.Run.ID, after, n)
		if err != nil || len(rows) == 0 {
			return nil, "", err
		}
		return rows, rows[len(rows)-1].Ref, nil
	}
	from, found := slices.BinarySearch(v.sample, after.Ref)
	if found {
		from++
	}
	refs := v.sample[from:min(from+n, len(v.sample))]
	if len(refs) == 0 {
		return nil, "", nil
	}
	keys := make([]model.Key, len(refs))
	for i, ref := range refs {
		keys[i] = model.Key{Account: v.account().ID, Ref: ref}
	}
	have, err := v.o.Store.Rows(ctx, keys)
	for _, k := range keys {
		if t, ok := have[k]; ok {
			rows = append(rows, t)
		}
	}
	return rows, refs[len(refs)-1], err
}

// rows compares some rows, several at a time.
func (v *verifier) rows(ctx context.Context, rows []model.Transaction) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(v.o.Asker.Workers())
	for _, batch := range ask.Batches(v.account(), rows) {
		g.Go(func() error { return v.batch(gctx, batch) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// savePage writes what a page has found together with the place behind it. With ctx's end it is written all the same.
func (v *verifier) savePage(ctx context.Context, listed []string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	failed, first := v.pass.Failures()
	v.at.Failed = failed
	if first != nil && v.at.First == "" {
		v.at.First = provider.Redact(first).Error()
	}
	next := v.pass.Snapshot()
	sum := VerifiedBy(next)
	sum.Add(v.page)
	place, err := json.Marshal(v.at)
	if err != nil {
		return err
	}
	result, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	now := v.o.Now()
	next.Cursor, next.Result, next.BeatAt = string(place), string(result), &now
	next.Asked, next.Queued = next.Asked+v.done, next.Queued+v.queued
	page := store.Unit{Apply: func(b *store.Batch) error {
		b.PutRun(next)
		b.PutDrift(v.lines...)
		b.MarkVerified(next.ID, listed...)
		return nil
	}}
	err = v.account().Generation.Learn(func() error { return v.o.Store.DoPatiently(context.WithoutCancel(ctx), page) })
	if err != nil {
		return err
	}
	*v.pass.Run = next // nothing of the page is in work any more
	v.page, v.done, v.queued, v.lines = Verified{}, 0, 0, nil
	return nil
}

// end makes the sum what the lines say: one that was found again after a kill was counted twice.
func (v *verifier) end(ctx context.Context) error {
	sum := VerifiedBy(*v.pass.Run)
	var err error
	if sum.Drift, sum.Repaired, err = v.o.Store.DriftSum(ctx, v.pass.Run.ID); err != nil {
		return err
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	v.pass.Run.Result = string(text)
	return v.o.Store.ForgetVerified(ctx, v.pass.Run.ID)
}

// patience is how long a run waits for an account that may not be asked.
func (v *verifier) patience() time.Duration { return 10 * v.o.RetryWait }
