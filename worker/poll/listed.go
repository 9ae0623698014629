package poll

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
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

// walker walks a list for a pass.
type walker struct {
	ts   *Tiers
	pass *runs.Pass
	list provider.Lister
	src  apply.Source
	work provider.Work
}

// pages are the pages of the list, each of them asked for once the account may be asked.
func (w walker) pages(ctx context.Context, query provider.ListQuery) iter.Seq2[ask.Page, error] {
	return w.ts.o.Asker.Pages(ctx, ask.Walk{
		Account: w.pass.Account, Lister: w.list, Query: query, Work: w.work, Ready: w.pass.Ready,
		Tries: w.pass.Tries(),
	})
}

// walk goes through the pages of a list, saving the cursor with each.
func (w walker) walk(ctx context.Context, query provider.ListQuery) error {
	for page, err := range w.pages(ctx, query) {
		if errors.Is(err, provider.ErrDenied) {
			return w.pass.Fail(ctx, model.Key{Account: w.pass.Account.ID}, err)
		}
		if err != nil {
			return err
		}
		if err := w.page(ctx, page); err != nil {
			return err
		}
		w.pass.Run.Cursor = page.Resume
		if err := w.pass.Save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// instead lists whole objects where that takes fewer calls than asking about each row. No cursor is saved: the rows
// themselves say what is still to be asked, and what the pages did not answer is asked about row by row.
func (w walker) instead(ctx context.Context, f store.OpenFilter) error {
	span, err := w.ts.o.Store.OpenSpan(ctx, f)
	if err != nil || span.Rows == 0 || span.Oldest == nil || !fewerPages(span.Rows, span.Created) {
		return err
	}
	done, err := w.ts.walks.begin(ctx, w.pass.Account.ID)
	if err != nil {
		return err
	}
	defer done()
	for page, err := range w.pages(ctx, provider.ListQuery{Since: span.Oldest.Add(-time.Minute)}) {
		if err == nil {
			err = w.page(ctx, page)
		}
		if errors.Is(err, provider.ErrDenied) {
			return w.pass.Fail(ctx, model.Key{Account: w.pass.Account.ID}, err)
		}
		if errors.Is(err, ask.ErrEndless) {
			w.pass.Failure(err, 0)
		}
		if err != nil {
			return ctx.Err()
		}
	}
	return w.pass.Save(ctx) // what the pages have confirmed is in the table, for the choice of who is still to be asked
}

// fewerPages says whether a list of so many transactions takes fewer calls than so many rows.
func fewerPages(rows, listed int) bool { return rows > 2+2*(listed/100+1) }

// page applies one page: whole objects at once, others by asking about those that differ from the row.
func (w walker) page(ctx context.Context, page ask.Page) error {
	w.pass.Answered()
	w.pass.Run.Listed += len(page.Items)
	if page.Total > 0 {
		w.pass.Run.Total = page.Total
	}
	var whole []model.Observation
	var partial []provider.Listed
	for _, it := range page.Items {
		ref := it.Observation.Ref
		switch {
		case !provider.IsRef(ref):
			log := w.ts.o.Log.WithField("account", w.pass.Account.ID)
			log.Warn("the list names a transaction by bytes that no text may hold, left out")
		case it.Whole:
			whole = append(whole, page.Answer(ref, it.Observation, w.ts.o.Now()))
		default:
			partial = append(partial, it)
		}
	}
	dids, err := w.ts.o.Asker.Apply(ctx, w.pass.Account, w.src, whole)
	if err != nil {
		return err
	}
	for _, did := range dids {
		w.pass.Count(did)
	}
	rows, err := w.differing(ctx, partial)
	if err != nil {
		return err
	}
	return w.pass.RowsToTheEnd(ctx, rows, w.src, w.work)
}

// differing returns the rows of listed transactions that the table does not know as they are listed.
func (w walker) differing(ctx context.Context, items []provider.Listed) (out []model.Transaction, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	a := w.pass.Account
	keys := make([]model.Key, len(items))
	for i, it := range items {
		keys[i] = model.Key{Account: a.ID, Ref: it.Observation.Ref}
	}
	rows, err := w.ts.o.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	gone, err := w.ts.o.Store.ForgottenAmong(ctx, keys)
	if err != nil {
		return nil, err
	}
	for i, it := range items {
		t, ok := rows[keys[i]]
		switch {
		case !ok && gone[keys[i]], ok && knownAsListed(a, w.list.Lists(), t, it.Observation):
			continue
		case !ok:
			t = apply.NewRow(a.Rules.Provider, keys[i])
		}
		if t.Status == model.Unknown && t.Origin != model.OriginTrack {
			t.Origin = listedBy(w.src)
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
