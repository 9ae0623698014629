package worker

import (
	"context"
	"errors"
	"time"

	"countersign/model"
	"countersign/provider"
)

// list walks a list of whole objects where the provider has one and that takes fewer calls than asking about each row.
// The rows that it answers for are marked, so that a run that goes on does not ask about them again.
func (v *verifier) list(ctx context.Context) error {
	l := v.a.Provider.Lister
	if v.at.Listed || l == nil || l.Lists() != provider.ListsCreated || v.run.Total <= 2+2*(v.run.Total/100+1) {
		v.at.Listed = true
		return nil
	}
	oldest, err := v.Store.OldestCreated(ctx, v.a.ID)
	if err != nil || oldest == nil {
		return err
	}
	q := provider.ListQuery{Since: oldest.Add(-time.Minute), Cursor: v.at.List}
	for tries := 0; v.mayAsk(ctx); {
		version, err := v.Store.Version(ctx)
		if err != nil {
			return err
		}
		stamp := model.Observation{Version: version, AskedAt: v.Now()}
		page, err := l.List(provider.WithWork(ctx, provider.WorkAudit), q)
		if err != nil {
			if tries++; v.listGivenUp(ctx, err, tries) {
				break
			}
			continue
		}
		tries = 0
		refs, err := v.listed(ctx, page, stamp)
		if err != nil {
			return err
		}
		q.Cursor, v.at.List, v.at.Listed = page.Next, page.Next, page.Next == ""
		if err := v.keepPage(ctx, refs); err != nil || v.at.Listed {
			return err
		}
	}
	v.at.Listed = ctx.Err() == nil // the rest is asked about row by row
	return ctx.Err()
}

// listGivenUp decides whether a page that failed is left: the rows on it are then asked about one by one.
func (v *verifier) listGivenUp(ctx context.Context, err error, tries int) bool {
	if ours := v.failed(ctx, v.a, model.Key{Account: v.a.ID}, err); ours != nil || ctx.Err() != nil || tries >= listedTries {
		return true
	}
	if errors.Is(err, provider.ErrDenied) {
		v.mute(err)
		return true
	}
	var after *provider.RetryAfter
	return !errors.As(err, &after) && sleep(ctx, v.pause(tries-1)) != nil
}

// listed compares the rows of one page and returns the refs that are done.
func (v *verifier) listed(ctx context.Context, page provider.Page, stamp model.Observation) (done []string, err error) {
	var refs []string
	var found []model.Observation
	for _, it := range page.Items {
		if it.Whole && provider.IsRef(it.Observation.Ref) {
			refs, found = append(refs, it.Observation.Ref), append(found, it.Observation)
		}
	}
	seen, err := v.Store.Verified(ctx, v.run.ID, refs) // pages shift while they are walked
	if err != nil {
		return nil, err
	}
	var keys []model.Key
	for _, ref := range refs {
		if !seen[ref] {
			keys = append(keys, model.Key{Account: v.a.ID, Ref: ref})
			seen[ref] = true
		}
	}
	rows, err := v.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	var compared []model.Transaction
	for _, k := range keys {
		if t, ok := rows[k]; ok && !t.Hidden {
			compared = append(compared, t)
		}
	}
	left, err := v.answered(ctx, compared, found, stamp)
	later := map[string]bool{}
	for _, t := range left {
		later[t.Ref] = true
	}
	for _, t := range compared {
		if !later[t.Ref] {
			done = append(done, t.Ref)
		}
	}
	return done, err
}
