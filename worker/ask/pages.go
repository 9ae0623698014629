package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"

	"countersign/provider"
	"countersign/worker/apply"
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
		end := newEnd(w.Query.Cursor)
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
			err = end.after(page.Page)
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
var ErrEndless = errors.New("the list does not end")

// How far a list may go that is honest. Services list the same page twice when something was created in between,
// providers begin a walk again when a list has shrunk (up to three times), and a list that is filtered after it was cut
// into pages has empty ones.
const (
	samePages  = 3      // equal pages in a row end a walk: the service ignores which page was asked for
	walks      = 4      // how often a list may be walked in one
	sparePages = 3      // beyond that
	emptyPages = 10_000 // pages in a row without anything, where no total is told
)

// end finds out whether a list ever ends. What it remembers of refs and cursors are their hashes: a walk may be long.
type end struct {
	seed    maphash.Seed
	refs    map[uint64]struct{}
	cursors map[uint64]int // by cursor, the page that it led to
	last    uint64         // the refs of the page before
	pages   int
	fresh   int // pages that brought something new
	old     int // pages in a row that brought nothing new
	same    int // pages in a row that are the same
	empty   int // pages in a row without anything
	total   int // the largest that the list has told
	largest int // the most items on a page
}

func newEnd(cursor string) *end {
	e := &end{seed: maphash.MakeSeed(), refs: map[uint64]struct{}{}, cursors: map[uint64]int{}}
	e.cursors[e.hash(cursor)] = 1
	return e
}

func (e *end) hash(s string) uint64 { return maphash.String(e.seed, s) }

// after looks at a page and says why no other is to be asked for behind it; nil: go on, or it was the last.
func (e *end) after(page provider.Page) error {
	e.count(page)
	if page.Next == "" {
		return nil
	}
	next := e.hash(page.Next)
	if of, known := e.cursors[next]; known {
		return fmt.Errorf("%w: page %d is followed by page %d again", ErrEndless, e.pages, of)
	}
	e.cursors[next] = e.pages + 1
	switch {
	case e.same >= samePages:
		return fmt.Errorf("%w: the last %d of %d pages are the same", ErrEndless, e.same, e.pages)
	case e.old > (walks-1)*e.fresh+sparePages:
		return fmt.Errorf("%w: the last %d of %d pages brought nothing new", ErrEndless, e.old, e.pages)
	case e.total > 0 && e.pages >= e.allowed():
		return fmt.Errorf("%w: %d pages came of a list of %d transactions", ErrEndless, e.pages, e.total)
	case e.empty >= emptyPages:
		return fmt.Errorf("%w: the last %d of %d pages were empty", ErrEndless, e.empty, e.pages)
	}
	return nil
}

// count notes what a page brought.
func (e *end) count(page provider.Page) {
	e.pages++
	e.total, e.largest = max(e.total, page.Total), max(e.largest, len(page.Items))
	if len(page.Items) == 0 {
		e.empty++
		return
	}
	e.empty = 0
	fresh := false
	var all maphash.Hash
	all.SetSeed(e.seed)
	for _, it := range page.Items {
		all.WriteString(it.Observation.Ref) //nolint:errcheck // a hash never fails
		all.WriteByte(0)                    //nolint:errcheck // nor here
		h := e.hash(it.Observation.Ref)
		if _, known := e.refs[h]; !known {
			e.refs[h], fresh = struct{}{}, true
		}
	}
	sum := all.Sum64()
	if sum == e.last {
		e.same++
	} else {
		e.last, e.same = sum, 1
	}
	if fresh {
		e.fresh++
		e.old = 0
	} else {
		e.old++
	}
}

// allowed is how many pages the total allows.
func (e *end) allowed() int {
	size := max(e.largest, 1)
	return walks*((e.total+size-1)/size) + sparePages
}
