package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
)

// ErrNoList is returned for accounts that list nothing: their history can only be tracked by ref.
var ErrNoList = errors.New("the provider lists nothing: give the refs to `track --file`")

// backfill loads a window of history.
func (p *pass) backfill(ctx context.Context) error {
	l := p.a.Provider.Lister
	if l == nil {
		return fmt.Errorf("account %s: %w", p.a.ID, ErrNoList)
	}
	if p.params.Documents != nil && !*p.params.Documents {
		a := *p.a
		a.Download = nil
		p.a = &a
	}
	return p.walk(ctx, l, Source{Asked: model.AskedBackfill, Run: p.run.ID}, provider.WorkBackfill)
}

// Plan is what a backfill would do and cost.
type Plan struct {
	Account   string        `json:"account"`
	Listed    int           `json:"listed"`
	New       int           `json:"new"`
	Changed   int           `json:"changed"`
	Known     int           `json:"known"`
	Calls     int           `json:"calls"`     // reads, the pages included
	Downloads int           `json:"downloads"` // at least one for each completed transaction
	Time      time.Duration `json:"-"`
}

// PlanBackfill lists the window and compares, writing nothing: what would change, how many calls
// and how long it takes inside the budget.
func (w *Worker) PlanBackfill(ctx context.Context, a *apply.Account, since, until time.Time) (Plan, error) {
	plan := Plan{Account: a.ID}
	l := a.Provider.Lister
	if l == nil {
		return plan, fmt.Errorf("account %s: %w", a.ID, ErrNoList)
	}
	seen := map[string]bool{}
	q := provider.ListQuery{Since: since, Until: until}
	for {
		page, err := l.List(provider.WithWork(ctx, provider.WorkBackfill), q)
		if err != nil {
			return plan, fmt.Errorf("account %s: %w", a.ID, provider.Redact(err))
		}
		plan.Calls++
		if err := w.planPage(ctx, a, l.Lists(), page, seen, &plan); err != nil {
			return plan, err
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	plan.Time = time.Duration(float64(plan.Calls) / float64(max(a.Budget[provider.ClassRead], 1)) * float64(time.Minute))
	files := a.Budget[provider.ClassFiles]
	if files == 0 {
		files = a.Budget[provider.ClassRead]
	}
	plan.Time = max(plan.Time, time.Duration(float64(plan.Downloads)/float64(max(files, 1))*float64(time.Minute)))
	return plan, nil
}

func (w *Worker) planPage(ctx context.Context, a *apply.Account, lists provider.Listing, page provider.Page, seen map[string]bool, plan *Plan) error {
	var keys []model.Key
	for _, it := range page.Items {
		keys = append(keys, model.Key{Account: a.ID, Ref: it.Observation.Ref})
	}
	rows, err := w.Store.Rows(ctx, keys)
	if err != nil {
		return err
	}
	single := 0
	for i, it := range page.Items {
		o := it.Observation
		if seen[o.Ref] {
			continue
		}
		seen[o.Ref] = true
		plan.Listed++
		t, ok := rows[keys[i]]
		same := ok && (it.Whole && t.Confirmed && t.Status == o.Status || !it.Whole && knownAsListed(a, lists, t, o))
		switch {
		case !ok:
			plan.New++
		case !same:
			plan.Changed++
		default:
			plan.Known++
			continue
		}
		if !it.Whole {
			single++
		}
		if o.Status == model.Completed && len(a.Download) > 0 {
			plan.Downloads += len(a.Download)
		}
	}
	most := 1
	if b := a.Provider.Batcher; b != nil {
		most = max(b.Batch(), 1)
	}
	plan.Calls += (single + most - 1) / most
	return nil
}
