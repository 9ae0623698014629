package poll

import (
	"context"
	"errors"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
)

// walks lets one pass of an account walk the lists at a time: two that do would make each other's answers outdated, and
// ask again.
type walks struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // by account; closed when the walk is over
}

// begin waits until no other walk of the account is under way. done ends this one.
func (w *walks) begin(ctx context.Context, account string) (done func(), err error) {
	for {
		w.mu.Lock()
		other, busy := w.busy[account]
		if !busy {
			mine := make(chan struct{})
			w.busy[account] = mine
			w.mu.Unlock()
			return func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				delete(w.busy, account)
				close(mine)
			}, nil
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other:
		}
	}
}

// walk goes through the pages of a list, saving the cursor with each.
func (ts *Tiers) walk(ctx context.Context, p *ask.Pass, l provider.Lister, query provider.ListQuery, src apply.Source, work provider.Work) error {
	for page, err := range ts.o.Asker.Pages(ctx, ask.Walk{Account: p.Account, Lister: l, Query: query, Work: work, Ready: p.Ready}) {
		if errors.Is(err, provider.ErrDenied) {
			return p.Fail(ctx, model.Key{Account: p.Account.ID}, err)
		}
		if err != nil {
			return err
		}
		if err := ts.page(ctx, p, page, src, work); err != nil {
			return err
		}
		p.Run.Cursor = page.Resume
		if err := p.Save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// walkInstead lists whole objects where that takes fewer calls than asking about each row. No cursor is saved: the rows
// themselves say what is still to be asked, and what the pages did not answer is asked about row by row.
func (ts *Tiers) walkInstead(ctx context.Context, p *ask.Pass, l provider.Lister, f store.OpenFilter, src apply.Source, work provider.Work) error {
	span, err := ts.o.Store.OpenSpan(ctx, f)
	if err != nil || span.Rows == 0 || span.Oldest == nil || !fewerPages(span.Rows, span.Created) {
		return err
	}
	done, err := ts.walks.begin(ctx, p.Account.ID)
	if err != nil {
		return err
	}
	defer done()
	query := provider.ListQuery{Since: span.Oldest.Add(-time.Minute)}
	for page, err := range ts.o.Asker.Pages(ctx, ask.Walk{Account: p.Account, Lister: l, Query: query, Work: work, Ready: p.Ready}) {
		if err == nil {
			err = ts.page(ctx, p, page, src, work)
		}
		if errors.Is(err, provider.ErrDenied) {
			return p.Fail(ctx, model.Key{Account: p.Account.ID}, err)
		}
		if errors.Is(err, ask.ErrEndless) {
			p.Failure(err, 0)
		}
		if err != nil {
			return ctx.Err()
		}
	}
	return nil
}

// fewerPages says whether a list of so many transactions takes fewer calls than so many rows.
func fewerPages(rows, listed int) bool { return rows > 2+2*(listed/100+1) }

// page applies one page: whole objects at once, others by asking about those that differ from the row.
func (ts *Tiers) page(ctx context.Context, p *ask.Pass, page ask.Page, src apply.Source, work provider.Work) error {
	p.Run.Listed += len(page.Items)
	if page.Total > 0 {
		p.Run.Total = page.Total
	}
	var whole []model.Observation
	var partial []provider.Listed
	for _, it := range page.Items {
		ref := it.Observation.Ref
		switch {
		case !provider.IsRef(ref):
			ts.o.Log.WithField("account", p.Account.ID).Warn("the list names a transaction by bytes that no text may hold, left out")
		case it.Whole:
			whole = append(whole, page.Answer(ref, it.Observation, ts.o.Now()))
		default:
			partial = append(partial, it)
		}
	}
	dids, err := ts.o.Asker.Apply(ctx, p.Account, src, whole)
	if err != nil {
		return err
	}
	for _, did := range dids {
		p.Count(did)
	}
	rows, err := ts.differing(ctx, p.Account, partial, src)
	if err != nil {
		return err
	}
	return p.RowsToTheEnd(ctx, rows, src, work)
}

// differing returns the rows of listed transactions that the table does not know as they are listed.
func (ts *Tiers) differing(ctx context.Context, a *apply.Account, items []provider.Listed, src apply.Source) ([]model.Transaction, error) {
	l := a.Provider.Lister
	if len(items) == 0 || l == nil {
		return nil, nil
	}
	keys := make([]model.Key, len(items))
	for i, it := range items {
		keys[i] = model.Key{Account: a.ID, Ref: it.Observation.Ref}
	}
	rows, err := ts.o.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	gone, err := ts.o.Store.ForgottenAmong(ctx, keys)
	if err != nil {
		return nil, err
	}
	var out []model.Transaction
	for i, it := range items {
		t, ok := rows[keys[i]]
		switch {
		case !ok && gone[keys[i]], ok && knownAsListed(a, l.Lists(), t, it.Observation):
			continue
		case !ok:
			t = apply.NewRow(a.Rules.Provider, keys[i])
		}
		if t.Status == model.Unknown && t.Origin != model.OriginTrack {
			t.Origin = listedBy(src)
		}
		out = append(out, t)
	}
	return out, nil
}

// listedBy is the origin of what a list names: the provider knows it.
func listedBy(src apply.Source) model.Origin {
	if src.Asked == model.AskedBackfill {
		return model.OriginBackfill
	}
	return model.OriginPoll
}

// knownAsListed reports whether a row already agrees with a list entry, so that it need not be fetched. Where the list
// has no mark, one of changes says that something did change, and another one that it exists.
func knownAsListed(a *apply.Account, lists provider.Listing, t model.Transaction, o model.Observation) bool {
	switch {
	case !t.Confirmed || t.ReportedStatus != "" || t.NotFound || t.Deleted || t.Hidden, t.ProviderMark != o.Mark:
		return false
	case o.Mark == "" && lists == provider.ListsChanged:
		return false
	case o.Mark != "" || o.Status == "" || t.Status == o.Status:
		return true
	}
	return a.Rules.Confirms[o.Status] == t.Status
}
