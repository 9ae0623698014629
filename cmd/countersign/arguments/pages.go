package arguments

import (
	"context"

	"countersign/cmd/countersign/engine"
	"countersign/model"
	"countersign/model/store"
)

// Pages reads the rows of a filter, a page at a time.
type Pages struct {
	Store  *store.Store
	Filter store.Filter
	Brief  bool // a search ends where it has looked through rows for a moment
	All    bool // a search looks through all rows, also for what stands inside a word

	// Last is the page of a search that was read last.
	Last store.Found
}

// Reader returns what reads a page, and says where the next one begins.
func (p *Pages) Reader(ctx context.Context) func(size int, cursor string) ([]model.Transaction, string, error) {
	return func(size int, cursor string) ([]model.Transaction, string, error) { return p.read(ctx, size, cursor) }
}

func (p *Pages) read(ctx context.Context, size int, cursor string) (rows []model.Transaction, next string, err error) {
	f := p.Filter
	f.Limit, f.Cursor = size, cursor
	if f.Search == "" {
		return p.Store.Transactions(ctx, f)
	}
	p.Last, err = p.Store.Search(ctx, f)
	next = p.Last.Next
	switch {
	case p.Brief && p.Last.Looked > 0:
		next = ""
	case p.All && next == "":
		next = p.Last.Further
	}
	return p.Last.Rows, next, err
}

// TellLooked says how far a search has looked, where it could look further.
func (p *Pages) TellLooked(env *engine.Env) error {
	switch n := p.Last.Looked; {
	case p.Last.Further == "" || p.All:
		return nil
	case n == 0:
		return env.Tell("cli.list.inside")
	case p.Last.Of == 0:
		return env.Printf("%s\n", env.CountOf("cli.list.looked_some", n))
	default:
		return env.Printf("%s\n", env.CountOf("cli.list.looked", n, "all", p.Last.Of))
	}
}
