package verify

import (
	"context"
	"errors"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/ask"
)

// list walks a list of whole objects where the provider has one and that takes fewer calls than asking about each row.
// The rows that it answers for are marked, so that a run that goes on does not ask about them again; the rest is asked
// about row by row, whatever ends the walk.
func (v *verifier) list(ctx context.Context) error {
	l := v.account().Provider.Lister
	total := v.pass.Run.Total
	if v.at.Listed || l == nil || l.Lists() != provider.ListsCreated || total <= 2+2*(total/100+1) {
		v.at.Listed = true
		return nil
	}
	oldest, err := v.o.Store.OldestCreated(ctx, v.account().ID)
	if err != nil || oldest == nil {
		return err
	}
	for page, err := range v.o.Asker.Pages(ctx, ask.Walk{
		Account: v.account(), Lister: l, Work: provider.WorkAudit, Ready: v.ready,
		Query: provider.ListQuery{Since: oldest.Add(-time.Minute), Cursor: v.at.List},
	}) {
		if err != nil {
			if err := v.listFailed(ctx, err); err != nil {
				return err
			}
			break
		}
		refs, err := v.listed(ctx, page)
		if err != nil {
			return err
		}
		v.at.List, v.at.Listed = page.Resume, page.Resume == ""
		if err := v.savePage(ctx, refs); err != nil {
			return err
		}
	}
	v.at.Listed = ctx.Err() == nil
	return ctx.Err()
}

// listFailed handles the error that ended a walk. Refused credentials end all further questions.
func (v *verifier) listFailed(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil, v.isMuted(), errors.Is(err, ask.ErrEndless):
		return nil
	case errors.Is(err, provider.ErrDenied):
		v.mute(err)
	}
	return v.o.Asker.Gate().Failed(ctx, v.account(), model.Key{Account: v.account().ID}, err)
}

// listed compares the rows of one page and returns the refs that are done.
func (v *verifier) listed(ctx context.Context, page ask.Page) (done []string, err error) {
	var refs []string
	var found []model.Observation
	for _, it := range page.Items {
		if ref := it.Observation.Ref; it.Whole && provider.IsRef(ref) {
			refs, found = append(refs, ref), append(found, page.Answer(ref, it.Observation, v.o.Now()))
		}
	}
	seen, err := v.o.Store.Verified(ctx, v.pass.Run.ID, refs) // an entry may be on two pages: lists shift
	if err != nil {
		return nil, err
	}
	var keys []model.Key
	for _, ref := range refs {
		if !seen[ref] {
			keys = append(keys, model.Key{Account: v.account().ID, Ref: ref})
			seen[ref] = true
		}
	}
	rows, err := v.o.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	var compared []model.Transaction
	for _, k := range keys {
		if t, ok := rows[k]; ok && !t.Hidden {
			compared = append(compared, t)
		}
	}
	left, err := v.answered(ctx, compared, found)
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
