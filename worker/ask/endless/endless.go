// Package endless finds out whether a list ever ends.
package endless

import (
	"errors"
	"fmt"
	"hash/maphash"

	"countersign/provider"
)

// Err is of a list that does not come to an end by itself.
var Err = errors.New("the list does not end")

// How far a list may go that is honest. Services list the same page twice when something was created in between,
// providers begin a walk again when a list has shrunk (up to three times), and a list that is filtered after it was cut
// into pages has empty ones.
const (
	samePages  = 3      // equal pages in a row end a walk: the service ignores which page was asked for
	walks      = 4      // how often a list may be walked in one
	sparePages = 3      // beyond that
	emptyPages = 10_000 // pages in a row without anything, where no total is told
)

// End watches the pages of a walk. What it remembers of refs and cursors are their hashes: a walk may be long.
type End struct {
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

// New watches a walk that begins at a cursor.
func New(cursor string) *End {
	e := &End{seed: maphash.MakeSeed(), refs: map[uint64]struct{}{}, cursors: map[uint64]int{}}
	e.cursors[e.hash(cursor)] = 1
	return e
}

func (e *End) hash(s string) uint64 { return maphash.String(e.seed, s) }

// After looks at a page and says why no other is to be asked for behind it; nil: go on, or it was the last.
func (e *End) After(page provider.Page) error {
	e.count(page)
	if page.Next == "" {
		return nil
	}
	next := e.hash(page.Next)
	if of, known := e.cursors[next]; known {
		return fmt.Errorf("%w: page %d is followed by page %d again", Err, e.pages, of)
	}
	e.cursors[next] = e.pages + 1
	switch {
	case e.same >= samePages:
		return fmt.Errorf("%w: the last %d of %d pages are the same", Err, e.same, e.pages)
	case e.old > (walks-1)*e.fresh+sparePages:
		return fmt.Errorf("%w: the last %d of %d pages brought nothing new", Err, e.old, e.pages)
	case e.total > 0 && e.pages >= e.allowed():
		return fmt.Errorf("%w: %d pages came of a list of %d transactions", Err, e.pages, e.total)
	case e.empty >= emptyPages:
		return fmt.Errorf("%w: the last %d of %d pages were empty", Err, e.empty, e.pages)
	}
	return nil
}

// count notes what a page brought.
func (e *End) count(page provider.Page) {
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
func (e *End) allowed() int {
	size := max(e.largest, 1)
	return walks*((e.total+size-1)/size) + sparePages
}
