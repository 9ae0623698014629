package ask

import (
	"cmp"
	"context"
	"errors"
	"iter"

	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/endless"
)

// Tries is how often a question is put that fails for another reason than that the provider asks to wait.
const Tries = 4

// Page is one page of a list.
type Page struct {
	provider.Page
	Question        // what stood when the page was asked for
	Resume   string // the cursor at which a later walk goes on; "" behind the last page
}

// Walk says which list is walked, and how.
type Walk struct {
	Account *apply.Account
	Lister  provider.Lister
	Query   provider.ListQuery
	Work    provider.Work
	Ready   func(ctx context.Context) error // before each call: an error ends the walk
	Tries   int                             // how often a page is asked for that fails; Tries if zero
}

// Pages returns the pages of a list, one after the other, until the last or until the loop over them ends. A page that
// fails is asked for again: without end as long as the provider asks to wait, and four times for other reasons. The
// error that ends a walk comes alone, last: refused credentials, ctx's end, what Ready returned, the last failure of a
// page, or ErrEndless.
func (q *Asker) Pages(ctx context.Context, w Walk) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		end := endless.New(w.Query.Cursor)
		clean := w.Query.Cursor == "" // a whole walk, and nothing skipped so far
		for {
			page, err := q.page(ctx, w)
			if err != nil {
				yield(Page{}, err)
				return
			}
			clean = clean && len(page.Skipped) == 0
			if err := q.noteList(ctx, w.Account, page.Skipped, clean && page.Next == ""); err != nil {
				yield(Page{}, err)
				return
			}
			err = end.After(page.Page)
			page.Resume = page.Next
			if err != nil {
				page.Resume = w.Query.Cursor
			}
			if !yield(page, nil) {
				return
			}
			if err != nil {
				yield(Page{}, err)
				return
			}
			if page.Next == "" {
				return
			}
			w.Query.Cursor = page.Next
		}
	}
}

// page asks for one page until it is there or given up.
func (q *Asker) page(ctx context.Context, w Walk) (Page, error) {
	var last error
	for tries := 1; ; tries++ {
		if err := w.Ready(ctx); err != nil {
			if last != nil && ctx.Err() == nil {
				err = last
			}
			return Page{}, err
		}
		version, err := q.o.Store.Version(ctx)
		if err != nil {
			return Page{}, err
		}
		asked := Question{version, q.o.Now()}
		page, err := w.Lister.List(provider.WithWork(ctx, w.Work), w.Query)
		if err == nil {
			err = w.Account.Generation.Learn(func() error {
				if err := q.o.Gate.answered(ctx, w.Account, nil); err != nil || page.Next != "" {
					return err
				}
				return q.o.Gate.reach(ctx, w.Account)
			})
			return Page{Page: page, Question: asked}, err
		}
		last = err
		var after *provider.RetryAfter
		switch {
		case ctx.Err() != nil:
			return Page{}, ctx.Err()
		case errors.Is(err, provider.ErrDenied):
			return Page{}, err
		case errors.As(err, &after):
			q.o.Gate.Rest(w.Account, after)
		}
		if err := q.o.Gate.noteFault(ctx, w.Account, err); err != nil {
			return Page{}, err
		}
		if after != nil {
			continue
		}
		if tries >= cmp.Or(w.Tries, Tries) {
			return Page{}, err
		}
		if err := Sleep(ctx, q.o.Gate.Pause(tries-1)); err != nil {
			return Page{}, err
		}
	}
}

// ErrEndless is of a list that does not come to an end by itself.
var ErrEndless = endless.Err
