package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"countersign/worker/console/filter"
)

// Paging is how far a list has been read.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"at most so many items"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before; it holds its filter"`
}

// Page is a part of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor" doc:"empty at the end"`
}

// reader reads filters, with the accounts that there are.
func (a *API) reader(ctx context.Context, in string) (*filter.Reader, error) {
	known, err := a.Store.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	r := &filter.Reader{Now: a.Now().UTC(), Span: a.Acts.Span, In: in}
	for _, k := range known {
		r.Accounts = append(r.Accounts, k.ID)
	}
	return r, nil
}

// listing is what a list is made of: its filter F, as the store takes it S, its rows T and its objects O.
type listing[F, S, T, O any] struct {
	choose func(F, *filter.Reader) S
	page   func(ctx context.Context, s S, limit int, cursor string) ([]T, string, error)
	object func(T) O
}

// list registers a list. parts takes its input apart, which embeds the filter and the Paging.
func list[I any, F, S, T, O any](
	a *API, o huma.Operation, parts func(*I) (*F, Paging), l listing[F, S, T, O],
) {
	get(a, o, func(ctx context.Context, in *I) (Page[O], error) {
		f, p := parts(in)
		return pageOf(ctx, a, o.OperationID, f, p, l)
	})
}

func pageOf[F, S, T, O any](
	ctx context.Context, a *API, name string, f *F, p Paging, l listing[F, S, T, O],
) (out Page[O], err error) {
	at := ""
	if p.Cursor != "" {
		if at, err = filter.Open(name, f, p.Cursor); err != nil {
			return out, err
		}
	}
	r, err := a.reader(ctx, "query")
	if err != nil {
		return out, err
	}
	r.Texts(f)
	chosen := l.choose(*f, r)
	if err := r.Err(); err != nil {
		return out, err
	}
	rows, next, err := l.page(ctx, chosen, p.Limit, at)
	if err != nil {
		return out, err
	}
	out.Items = make([]O, len(rows))
	for i, row := range rows {
		out.Items[i] = l.object(row)
	}
	if next != "" {
		out.NextCursor = filter.Seal(name, f, next)
	}
	return out, nil
}
