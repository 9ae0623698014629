package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"countersign/worker/console/reads"
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

// list registers a list. parts takes its input apart, which embeds the filter and the Paging.
func list[I any, F, S, T, O any](
	a *API, o huma.Operation, parts func(*I) (*F, Paging), l reads.Listing[F, S, T], object func(T) O,
) {
	get(a, o, func(ctx context.Context, in *I) (out Page[O], err error) {
		f, p := parts(in)
		rows, next, err := reads.Page(ctx, a.Reads, l, f, p.Limit, p.Cursor)
		if err != nil {
			return out, err
		}
		out.Items, out.NextCursor = make([]O, len(rows)), next
		for i, row := range rows {
			out.Items[i] = object(row)
		}
		return out, nil
	})
}
