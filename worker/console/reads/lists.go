package reads

import (
	"context"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
)

// Listing is what a list is made of: its name within cursors, its filter F, as the store takes it S, and its rows T.
type Listing[F, S, T any] struct {
	Name   string
	Choose func(F, *filter.Reader) S
	Page   func(ctx context.Context, s S, limit int, cursor string) ([]T, string, error)
}

// Page reads a page of a list. f is filled from the cursor, where there is one.
func Page[F, S, T any](ctx context.Context, r *Reads, l Listing[F, S, T], f *F, limit int, cursor string) (
	rows []T, next string, err error,
) {
	at := ""
	if cursor != "" {
		if at, err = filter.Open(l.Name, f, cursor); err != nil {
			return nil, "", err
		}
	}
	chosen, err := Chosen(ctx, r, l, f, "query")
	if err != nil {
		return nil, "", err
	}
	rows, next, err = l.Page(ctx, chosen, limit, at)
	if err == nil && next != "" {
		next = filter.Seal(l.Name, f, next)
	}
	return rows, next, err
}

// Chosen is what a filter chooses, as the store takes it.
func Chosen[F, S, T any](ctx context.Context, r *Reads, l Listing[F, S, T], f *F, in string) (chosen S, err error) {
	reader, err := r.Filters(ctx, in)
	if err != nil {
		return chosen, err
	}
	reader.Texts(f)
	chosen = l.Choose(*f, reader)
	return chosen, reader.Err()
}

// Looked is how far a search has looked.
type Looked struct {
	Through int    // rows that were looked through one after the other; 0: the index of words knew
	Of      int    // of so many; 0: not counted
	Further string // the cursor to look through more, also inside words; "": all has been
}

// Search reads a page of transactions as Page does, and says how far a search has looked; nil where nothing is searched
// for.
func (r *Reads) Search(ctx context.Context, f *filter.Transactions, limit int, cursor string) (
	rows []model.Transaction, next string, looked *Looked, err error,
) {
	l := r.Transactions()
	var found store.Found
	l.Page = func(ctx context.Context, chosen store.Filter, limit int, cursor string) ([]model.Transaction, string, error) {
		chosen.Limit, chosen.Cursor = limit, cursor
		if chosen.Search == "" {
			return r.Store.Transactions(ctx, chosen)
		}
		found, err = r.Store.Search(ctx, chosen)
		looked = &Looked{Through: found.Looked, Of: found.Of}
		return found.Rows, found.Next, err
	}
	rows, next, err = Page(ctx, r, l, f, limit, cursor)
	if err == nil && found.Further != "" {
		looked.Further = filter.Seal(l.Name, f, found.Further)
	}
	return rows, next, looked, err
}

// Transactions is the list of transactions.
func (r *Reads) Transactions() Listing[filter.Transactions, store.Filter, model.Transaction] {
	return Listing[filter.Transactions, store.Filter, model.Transaction]{"list-transactions", filter.Transactions.Store,
		func(ctx context.Context, f store.Filter, limit int, cursor string) ([]model.Transaction, string, error) {
			f.Limit, f.Cursor = limit, cursor
			return r.Store.Transactions(ctx, f)
		}}
}

// Callbacks is the list of callbacks.
func (r *Reads) Callbacks() Listing[filter.Callbacks, store.CallbackFilter, model.Callback] {
	return Listing[filter.Callbacks, store.CallbackFilter, model.Callback]{"list-callbacks", filter.Callbacks.Store,
		func(ctx context.Context, f store.CallbackFilter, limit int, cursor string) ([]model.Callback, string, error) {
			f.Limit, f.Cursor, f.Soon = limit, cursor, true
			return r.Store.Callbacks(ctx, f)
		}}
}

// Documents is the list of documents.
func (r *Reads) Documents() Listing[filter.Documents, store.PageFilter, model.Document] {
	return Listing[filter.Documents, store.PageFilter, model.Document]{"list-documents", filter.Documents.Store,
		paged(r.Store.DocumentPage)}
}

// Gaps is the gap ledger.
func (r *Reads) Gaps() Listing[filter.Gaps, store.PageFilter, model.Gap] {
	return Listing[filter.Gaps, store.PageFilter, model.Gap]{"list-gaps", filter.Gaps.Store, paged(r.Store.GapPage)}
}

// Runs is the list of runs.
func (r *Reads) Runs() Listing[filter.Runs, store.PageFilter, model.Run] {
	return Listing[filter.Runs, store.PageFilter, model.Run]{"list-runs", filter.Runs.Store, paged(r.Store.RunPage)}
}

// Incidents is the list of incidents.
func (r *Reads) Incidents() Listing[filter.Incidents, store.PageFilter, model.Incident] {
	return Listing[filter.Incidents, store.PageFilter, model.Incident]{"list-incidents", filter.Incidents.Store,
		paged(r.Store.IncidentPage)}
}

// Deliveries is the list of a hook's announcements.
func (r *Reads) Deliveries(hook string) Listing[filter.Deliveries, store.DeliveryFilter, store.ListedDelivery] {
	return Listing[filter.Deliveries, store.DeliveryFilter, store.ListedDelivery]{"list-deliveries " + hook,
		func(f filter.Deliveries, read *filter.Reader) store.DeliveryFilter { return f.Store(read, hook) },
		func(ctx context.Context, f store.DeliveryFilter, limit int, cursor string) ([]store.ListedDelivery, string, error) {
			f.Limit, f.Cursor = limit, cursor
			return r.Store.Deliveries(ctx, f)
		}}
}

// paged is a store's page of a PageFilter, as a list takes it.
func paged[T any](page func(context.Context, store.PageFilter) ([]T, string, error)) func(
	context.Context, store.PageFilter, int, string,
) ([]T, string, error) {
	return func(ctx context.Context, f store.PageFilter, limit int, cursor string) ([]T, string, error) {
		f.Limit, f.Cursor, f.Soon = limit, cursor, true
		return page(ctx, f)
	}
}
