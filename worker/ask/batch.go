package ask

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// Asking says on whose behalf rows are asked about, and what becomes of it.
type Asking struct {
	Account *apply.Account
	Source  apply.Source
	Work    provider.Work

	// Ready is called before each question: after an error the rows are not asked about.
	Ready func(ctx context.Context) error
	// Answered is called after each answer; it may be nil.
	Answered func(apply.Applied)
	// Failed is called for each row that got no answer; an error ends it all.
	Failed func(context.Context, model.Transaction, error) error
}

// Batches cuts rows into what one call may ask about. Test objects have a class of their own, so each of them goes
// alone. Unverified refs have a share of the budget of their own, so they go together, and those that only hints have
// named apart from those of callbacks: a made-up ref may spoil its batch.
func Batches(a *apply.Account, rows []model.Transaction) (out [][]model.Transaction) {
	most := BatchSize(a)
	var kinds []model.Origin // "" are verified
	some := map[model.Origin][]model.Transaction{}
	for _, t := range rows {
		kind := model.Origin("")
		if Unverified(t) {
			kind = t.Origin
		}
		if most == 1 || t.Test {
			out = append(out, []model.Transaction{t})
			continue
		}
		if len(some[kind]) == 0 && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		if some[kind] = append(some[kind], t); len(some[kind]) == most {
			out, some[kind] = append(out, some[kind]), nil
		}
	}
	for _, kind := range kinds {
		if len(some[kind]) > 0 {
			out = append(out, some[kind])
		}
	}
	return out
}

// BatchSize is how many rows one call may ask about.
func BatchSize(a *apply.Account) int {
	if b := a.Provider.Batcher; b != nil {
		return max(b.Batch(), 1)
	}
	return 1
}

// Rows asks about rows: cut into batches, several of them at a time, each row by itself that a batch's answer leaves
// out. The answers are applied.
func (q *Asker) Rows(ctx context.Context, as Asking, rows []model.Transaction) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(q.o.Workers)
	for _, some := range Batches(as.Account, rows) {
		g.Go(func() error { return q.batch(gctx, as, some) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// batch asks about the rows of one batch.
func (q *Asker) batch(ctx context.Context, as Asking, rows []model.Transaction) error {
	if err := as.Ready(ctx); err != nil {
		return as.failed(ctx, rows, err)
	}
	obs, left, err := q.FetchBatch(ctx, as.Account, rows, as.Work)
	if err == nil {
		err = q.apply(ctx, as, obs)
	}
	if err != nil {
		return as.failed(ctx, rows, err)
	}
	for i, t := range left {
		if i > 0 || len(rows) > 1 {
			if err := as.Ready(ctx); err != nil {
				return as.failed(ctx, left[i:], err)
			}
		}
		o, err := q.Fetch(ctx, as.Account, t, as.Work)
		if err == nil {
			err = q.apply(ctx, as, []model.Observation{o})
		}
		if err != nil {
			if err := as.failed(ctx, left[i:i+1], err); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply applies answers and tells of them.
func (q *Asker) apply(ctx context.Context, as Asking, obs []model.Observation) error {
	dids, err := q.Apply(ctx, as.Account, as.Source, obs)
	if as.Answered != nil {
		for _, did := range dids {
			as.Answered(did)
		}
	}
	return err
}

// failed tells of each row that got no answer.
func (as Asking) failed(ctx context.Context, rows []model.Transaction, err error) error {
	for _, t := range rows {
		if err := as.Failed(ctx, t, err); err != nil {
			return err
		}
	}
	return nil
}

// Confirm asks about an account's rows that are due between the slots (claims to confirm, answers to ask for again,
// refs to look up) until there are none, or a reload has ended the account's generation.
func (q *Asker) Confirm(ctx context.Context, a *apply.Account, f store.DueFilter) error {
	ctx, done := a.Generation.Bind(ctx)
	defer done()
	f.Account, f.Limit = a.ID, q.o.Workers*4
	as := Asking{
		Account: a, Source: apply.Source{Asked: model.AskedConfirm}, Work: provider.WorkConfirm,
		Ready: func(context.Context) error {
			if !q.o.Gate.May(a) {
				return ErrRests
			}
			return nil
		},
		Failed: func(ctx context.Context, t model.Transaction, err error) error {
			return q.o.Gate.Failed(ctx, a, t.Key(), err)
		},
	}
	for ctx.Err() == nil && q.o.Gate.May(a) {
		f.Now = q.o.Now()
		rows, err := q.o.Store.ClaimDue(ctx, f, q.o.Owner, leaseFor)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := q.Rows(ctx, as, rows); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}
