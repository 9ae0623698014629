package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
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
	v.Checked, v.Drift, v.NotFound, v.Repaired = v.Checked+o.Checked, v.Drift+o.Drift, v.NotFound+o.NotFound, v.Repaired+o.Repaired
}

// VerifiedBy reads how far a verify run has come.
func VerifiedBy(r model.Run) (v Verified) {
	if r.Result == "" || json.Unmarshal([]byte(r.Result), &v) != nil {
		return Verified{}
	}
	return v
}

// QueueVerify is Queue for a verify. One that was stopped half way and asked for the same goes on at its cursor.
func (w *Worker) QueueVerify(ctx context.Context, account string, p Params) (r model.Run, resumed bool, err error) {
	left, err := w.Store.Runs(ctx, store.RunFilter{Account: account, Kind: KindVerify, States: []model.RunState{model.RunQueued, model.RunActive}})
	if err != nil {
		return r, false, err
	}
	for _, r := range left {
		var was Params
		if json.Unmarshal([]byte(r.Params), &was) == nil && was.Sample == p.Sample && was.Repair == p.Repair {
			w.Nudge()
			return r, true, nil
		}
	}
	p.Seed = uuid.NewString() // a run that goes on takes the same sample
	text, err := json.Marshal(p)
	if err != nil {
		return r, false, err
	}
	r, err = w.Queue(ctx, model.Run{Account: account, Kind: KindVerify, Params: string(text)}, false)
	return r, false, err
}

// verifyPlace is where a verify run stands; it rests as the run's cursor, written with what was found up to there.
type verifyPlace struct {
	List   string `json:"list,omitempty"`  // the next page of the list of whole objects
	Listed bool   `json:"listed"`          // that list has been walked, or there is none to walk
	After  string `json:"after,omitempty"` // the last row that is done
	Failed int    `json:"failed,omitempty"`
	First  string `json:"first,omitempty"` // the first failure
}

// verifier is a verify run in work.
type verifier struct {
	*pass
	at     verifyPlace
	sample []string // the refs to verify, sorted; nil: all
	muted  error    // why the provider is not asked any more; files are still verified

	mu     sync.Mutex // guards what the page in work has found
	page   Verified
	done   int
	queued int
	lines  []store.DriftLine
}

// verify asks the provider about each row (or a sample) and re-hashes each file, a page at a time. What a page found is
// written with the cursor, so that a run that is cut short goes on where it was. It changes rows only where it repairs.
func (p *pass) verify(ctx context.Context) error {
	v := &verifier{pass: p}
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
		if err := v.keepPage(ctx, nil); err != nil {
			return err
		}
	}
	return v.end(ctx)
}

// begin reads where the run stands, and counts what it is to handle.
func (v *verifier) begin(ctx context.Context) error {
	fresh := v.run.Cursor == ""
	if !fresh {
		if err := json.Unmarshal([]byte(v.run.Cursor), &v.at); err != nil {
			return fmt.Errorf("run %s: its cursor: %w", v.run.ID, err)
		}
	}
	v.failures = v.at.Failed
	if v.at.First != "" {
		v.first = fmt.Errorf("%s", v.at.First)
	}
	if v.isForeign(v.a.ID) {
		v.mute(errForeign(v.a.ID))
	}
	if n := v.params.Sample; n > 0 {
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
	n, err := v.Store.Count(ctx, store.Filter{Account: v.a.ID})
	if err != nil {
		return err
	}
	if v.run.Total = n; v.sample != nil {
		v.run.Total = len(v.sample)
	}
	return v.keepPage(ctx, nil)
}

// pageOf is how many rows are done between two writes of the cursor: what the budget takes some seconds for.
func (v *verifier) pageOf() int {
	budget := v.a.Budget[provider.ClassRead]
	if budget == 0 {
		return rowsAtOnce
	}
	most := 1
	if b := v.a.Provider.Batcher; b != nil {
		most = max(b.Batch(), 1)
	}
	return min(max(budget/6, v.Workers)*most, rowsAtOnce)
}

// next returns the rows of the next page, and the last ref that it covers; "" at the end.
func (v *verifier) next(ctx context.Context) (rows []model.Transaction, last string, err error) {
	after, n := model.Key{Account: v.a.ID, Ref: v.at.After}, v.pageOf()
	if v.sample == nil {
		rows, err = v.Store.RowsAfter(ctx, v.run.ID, after, n)
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
		keys[i] = model.Key{Account: v.a.ID, Ref: ref}
	}
	have, err := v.Store.Rows(ctx, keys)
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
	g.SetLimit(v.Workers)
	for _, some := range batches(v.a, rows) {
		g.Go(func() error { return v.some(gctx, some) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// keepPage writes what a page has found together with the place behind it. With ctx's end it is written all the same.
func (v *verifier) keepPage(ctx context.Context, listed []string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pass.mu.Lock()
	v.at.Failed = v.failures
	if v.first != nil && v.at.First == "" {
		v.at.First = provider.Redact(v.first).Error()
	}
	next := *v.run
	v.pass.mu.Unlock()
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
	now := v.Now()
	next.Cursor, next.Result, next.BeatAt = string(place), string(result), &now
	next.Asked, next.Queued = next.Asked+v.done, next.Queued+v.queued
	err = v.doPatiently(context.WithoutCancel(ctx), store.Unit{Apply: func(b *store.Batch) error {
		b.PutRun(next)
		b.PutDrift(v.lines...)
		b.MarkVerified(next.ID, listed...)
		return nil
	}})
	if err != nil {
		return err
	}
	v.pass.mu.Lock()
	v.run.Cursor, v.run.Result, v.run.BeatAt, v.run.Asked, v.run.Queued, v.run.Total = next.Cursor, next.Result, next.BeatAt, next.Asked, next.Queued, next.Total
	v.pass.mu.Unlock()
	v.page, v.done, v.queued, v.lines = Verified{}, 0, 0, nil
	return nil
}

// end makes the sum what the lines say: one that was found again after a kill was counted twice.
func (v *verifier) end(ctx context.Context) error {
	sum := VerifiedBy(*v.run)
	var err error
	if sum.Drift, sum.Repaired, err = v.Store.DriftSum(ctx, v.run.ID); err != nil {
		return err
	}
	text, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	v.run.Result = string(text)
	return v.Store.ForgetVerified(ctx, v.run.ID)
}

// patience is how long a run waits for an account that may not be asked.
func (v *verifier) patience() time.Duration { return 10 * v.RetryWait }
