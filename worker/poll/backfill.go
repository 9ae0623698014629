package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
)

// ErrNoList is returned for accounts that list nothing: their history can only be tracked by ref.
var ErrNoList = errors.New("the provider lists nothing: give the refs to `track --file`")

// backfill loads a window of history.
func (ts *Tiers) backfill(ctx context.Context, p *runs.Pass) error {
	l := p.Account.Provider.Lister
	if l == nil {
		return fmt.Errorf("account %s: %w", p.Account.ID, ErrNoList)
	}
	if p.Params.Documents != nil && !*p.Params.Documents {
		a := *p.Account
		a.Download = nil
		p.Account = &a
	}
	query := provider.ListQuery{Since: *p.Run.Since, Cursor: p.Run.Cursor}
	if p.Run.Until != nil {
		query.Until = *p.Run.Until
	}
	return walker{ts, p, l, p.Source(model.AskedBackfill), provider.WorkBackfill}.walk(ctx, query)
}

// planPatience is how long a plan waits for an account that may not be asked: a person waits for the plan.
const planPatience = 30 * time.Second

// Plan is what a backfill would do and cost.
type Plan struct {
	Account   string        `json:"account"`
	Listed    int           `json:"listed"`
	New       int           `json:"new"`
	Changed   int           `json:"changed"`
	Known     int           `json:"known"`
	Calls     int           `json:"calls"`     // reads, the pages and the folders included
	Downloads int           `json:"downloads"` // at least one for each completed transaction
	Time      time.Duration `json:"-"`
}

// PlanBackfill lists the window and compares, writing nothing: what would change, how many calls and how long it takes
// inside the budget.
func (ts *Tiers) PlanBackfill(ctx context.Context, a *apply.Account, since, until time.Time) (Plan, error) {
	plan := Plan{Account: a.ID}
	l := a.Provider.Lister
	if l == nil {
		return plan, fmt.Errorf("account %s: %w", a.ID, ErrNoList)
	}
	seen := map[string]bool{}
	for page, err := range ts.o.Asker.Pages(ctx, ask.Walk{
		Account: a, Lister: l, Query: provider.ListQuery{Since: since, Until: until}, Work: provider.WorkBackfill,
		Ready: func(ctx context.Context) error { return ts.o.Asker.Gate().WaitAtMost(ctx, a, planPatience) },
	}) {
		if err != nil {
			return plan, fmt.Errorf("account %s: %w", a.ID, provider.Redact(err))
		}
		plan.Calls += max(page.Calls, 1)
		if err := ts.planPage(ctx, a, l.Lists(), page.Page, seen, &plan); err != nil {
			return plan, err
		}
	}
	reads := max(a.Budget[provider.ClassRead], 1)
	plan.Time = time.Duration(float64(plan.Calls) / float64(reads) * float64(time.Minute))
	files := a.Budget[provider.ClassFiles]
	if files == 0 {
		files = a.Budget[provider.ClassRead]
	}
	plan.Time = max(plan.Time, time.Duration(float64(plan.Downloads)/float64(max(files, 1))*float64(time.Minute)))
	return plan, nil
}

func (ts *Tiers) planPage(
	ctx context.Context, a *apply.Account, lists provider.Listing, page provider.Page, seen map[string]bool, plan *Plan,
) error {
	var keys []model.Key
	for _, it := range page.Items {
		keys = append(keys, model.Key{Account: a.ID, Ref: it.Observation.Ref})
	}
	rows, err := ts.o.Store.Rows(ctx, keys)
	if err != nil {
		return err
	}
	most := ask.BatchSize(a)
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
		switch {
		case it.Whole:
		case most > 1:
			single++
		default:
			plan.Calls += a.Provider.Traits.Fetches(o.Status == model.Completed)
		}
		if o.Status == model.Completed && len(a.Download) > 0 {
			plan.Downloads += len(a.Download)
		}
	}
	plan.Calls += (single + most - 1) / most
	return nil
}
