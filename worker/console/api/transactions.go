package api

import (
	"context"

	"countersign/model"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/rows"
)

const rowPath = "/accounts/{account}/transactions/{ref}"

// RowInput names a row.
type RowInput struct {
	Account string `path:"account" maxLength:"63"`
	Ref     string `path:"ref" maxLength:"1024" doc:"the provider's own id, percent-encoded"`
}

func (in RowInput) key() model.Key { return model.Key{Account: in.Account, Ref: in.Ref} }

type transactionsInput struct {
	filter.Transactions
	Paging
}

// transactionPage is a page of transactions, and how far a search has looked.
type transactionPage struct {
	Items      []objects.Transaction `json:"items"`
	NextCursor string                `json:"next_cursor" doc:"empty at the end; with search, a page may be short, or empty, before the end"`
	Search     *lookedThrough        `json:"search,omitempty" doc:"with search alone: how far it has looked"`
}

type lookedThrough struct {
	LookedThrough int    `json:"looked_through" doc:"rows that were looked through one after the other; 0: the index of words knew"`
	Of            int    `json:"of" doc:"of so many rows; 0: not counted"`
	FurtherCursor string `json:"further_cursor" doc:"the cursor to look through rows one after the other, also for what stands inside words; empty: all have been"`
}

func (a *API) readTransactions() {
	get(a, op("list-transactions", "/transactions", "transactions", "Transactions, the newest change first"),
		func(ctx context.Context, in *transactionsInput) (out transactionPage, err error) {
			rows, next, looked, err := a.Reads.Search(ctx, &in.Transactions, in.Limit, in.Cursor)
			if err != nil {
				return out, err
			}
			out.Items, out.NextCursor = make([]objects.Transaction, len(rows)), next
			for i, r := range rows {
				out.Items[i] = objects.OfTransaction(r)
			}
			if looked != nil {
				out.Search = &lookedThrough{looked.Through, looked.Of, looked.Further}
			}
			return out, nil
		})
	get(a, op("get-transaction", rowPath, "transactions", "One transaction and all that belongs to it"),
		func(ctx context.Context, in *RowInput) (objects.Whole, error) {
			r, err := a.row(ctx, in.key())
			if err != nil {
				return objects.Whole{}, err
			}
			return objects.OfRow(r), nil
		})
	part(a, "get-history", "/history", "Its changes, the oldest first",
		func(w objects.Whole) []objects.RowChange { return w.History })
	part(a, "get-callbacks", "/callbacks", "The callbacks that named it, the newest first",
		func(w objects.Whole) []objects.RowCallback { return w.Callbacks })
	part(a, "get-documents", "/documents", "Its documents, every version",
		func(w objects.Whole) []objects.Document { return w.Documents })
	part(a, "get-gaps", "/gaps", "Its changes that no callback told, the newest first",
		func(w objects.Whole) []objects.Gap { return w.Gaps })
}

// part registers a part of a row. It is whole, so its page is the last.
func part[O any](a *API, id, path, summary string, of func(objects.Whole) []O) {
	get(a, op(id, rowPath+path, "transactions", summary), func(ctx context.Context, in *RowInput) (Page[O], error) {
		r, err := a.row(ctx, in.key())
		return Page[O]{Items: of(objects.OfRow(r))}, err
	})
}

// row reads a row with all that belongs to it.
func (a *API) row(ctx context.Context, k model.Key) (objects.Row, error) {
	t, err := a.Reads.Transaction(ctx, k)
	if err != nil {
		return objects.Row{}, err
	}
	return rows.Whole(ctx, a.Store, t)
}
