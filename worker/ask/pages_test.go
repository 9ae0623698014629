package ask_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/ask"
	"countersign/worker/workertest"
)

// refsOn is a page that names some refs.
func refsOn(next string, refs ...string) provider.Page {
	page := provider.Page{Next: next}
	for _, ref := range refs {
		page.Items = append(page.Items, provider.Listed{Observation: model.Observation{Ref: ref, Evidence: model.Verified}})
	}
	return page
}

// numbered is page n of a list of so many pages, ten refs on each.
func numbered(n, pages int) provider.Page {
	var refs []string
	for i := range 10 {
		refs = append(refs, fmt.Sprintf("r%d", n*10+i))
	}
	next := strconv.Itoa(n + 1)
	if n+1 >= pages {
		next = ""
	}
	return refsOn(next, refs...)
}

// walked walks a list and returns how many pages came, where a later walk would go on, and what ended it.
func walked(
	t *testing.T, b *workertest.Bench, page func(n int, cursor string) provider.Page,
) (pages int, resume string, err error) {
	t.Helper()
	l := &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsCreated}
	l.Page = func(q provider.ListQuery) (provider.Page, error) {
		if l.Walked > 2000 {
			t.Fatal("asked two thousand times")
		}
		n, _ := strconv.Atoi(q.Cursor)
		return page(n, q.Cursor), nil
	}
	for p, err := range b.Asker.Pages(t.Context(),
		ask.Walk{Account: b.Account, Lister: l, Work: provider.WorkAudit, Ready: never}) {
		if err != nil {
			return pages, resume, err
		}
		pages, resume = pages+1, p.Resume
	}
	return pages, resume, nil
}

func TestAListThatNeverEndsIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page   func(n int, cursor string) provider.Page
		most   int // pages asked for
		resume string
		why    string
	}{
		"the page's number is ignored": {
			func(n int, _ string) provider.Page { return refsOn(strconv.Itoa(n+1), "a", "b", "c") }, 3, "2", "are the same",
		},
		"nothing but what was there, in another order": {
			func(n int, _ string) provider.Page {
				refs := []string{"a", "b", "c"}
				return refsOn(strconv.Itoa(n+1), refs[n%3], refs[(n+1)%3])
			}, 15, "", "nothing new",
		},
		"the cursor stays": {
			func(int, string) provider.Page { return refsOn("1", "a") }, 2, "1", "page 2 is followed by page 2",
		},
		"the cursors go round": {
			func(n int, _ string) provider.Page { return numbered((n+1)%7-1, 100) }, 8, "", "again",
		},
		"more pages than the total allows": {
			func(n int, _ string) provider.Page {
				page := refsOn(strconv.Itoa(n + 1))
				if n < 2 {
					page = numbered(n, 100)
				}
				page.Total = 20
				return page
			}, 11, "", "a list of 20 transactions",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, resume, err := walked(t, workertest.SQLite(t), c.page)
			if !errors.Is(err, ask.ErrEndless) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("it ended by %v, want %q in it", err, c.why)
			}
			if pages > c.most {
				t.Errorf("%d pages, want no more than %d", pages, c.most)
			}
			if c.resume != "" {
				workertest.Same(t, "goes on at", resume, c.resume)
			}
		})
	}
}

func TestAnHonestListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page  func(n int, cursor string) provider.Page
		pages int
	}{
		"long": {func(n int, _ string) provider.Page { return numbered(n, 1000) }, 1000},
		"long, with a total": {func(n int, _ string) provider.Page {
			page := numbered(n, 300)
			page.Total = 3000
			return page
		}, 300},
		"a total that grows pass by pass": {func(n int, _ string) provider.Page {
			page := numbered(n, 60)
			page.Total = (n/20 + 1) * 200
			return page
		}, 60},
		"filtered after it was cut": {func(n int, _ string) provider.Page {
			page := numbered(n, 500)
			if n > 0 && n < 480 {
				page.Items = nil
			}
			return page
		}, 500},
		"walked again three times, since it shrank": {func(n int, _ string) provider.Page {
			page := numbered(n%20, 100)
			page.Next, page.Total = strconv.Itoa(n+1), 200
			if n == 79 {
				page.Next = ""
			}
			return page
		}, 80},
		"each page shows the end of the last, since there is news": {func(n int, _ string) provider.Page {
			page := numbered(n, 50)
			if n > 0 {
				page.Items = append(numbered(n-1, 50).Items[5:], page.Items[:5]...)
			}
			return page
		}, 50},
		"one page, cursor or not": {func(int, string) provider.Page { return refsOn("", "a") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, resume, err := walked(t, workertest.SQLite(t), c.page)
			workertest.Check(t, err)
			workertest.Same(t, "pages", pages, c.pages)
			workertest.Same(t, "goes on at", resume, "")
		})
	}
}

// One rule for every walk: four tries for what fails, as many as it takes where the provider asks to wait, none after a
// refusal of the credentials.
func TestAPageThatFailsIsAskedForAgain(t *testing.T) {
	t.Parallel()
	wait := &provider.RetryAfter{Wait: time.Millisecond}
	odd := errors.New("expected JSON, got text/html")
	for name, c := range map[string]struct {
		fails []error
		asked int
		err   error
	}{
		"once":                {[]error{odd}, 2, nil},
		"three times":         {[]error{odd, odd, odd}, 4, nil},
		"four times":          {[]error{odd, odd, odd, odd, odd}, 4, odd},
		"it asks to wait":     {[]error{wait, wait, wait, wait, wait, wait}, 7, nil},
		"credentials refused": {[]error{provider.ErrDenied}, 1, provider.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := workertest.SQLite(t)
			b.RetryWait = time.Millisecond
			b.Build()
			l := &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsCreated}
			l.Page = func(provider.ListQuery) (provider.Page, error) {
				if l.Walked <= len(c.fails) {
					return provider.Page{}, c.fails[l.Walked-1]
				}
				return refsOn("", "a"), nil
			}
			var last error
			for _, err := range b.Asker.Pages(t.Context(), ask.Walk{Account: b.Account, Lister: l, Ready: never}) {
				last = err
			}
			if !errors.Is(last, c.err) {
				t.Errorf("it ended by %v, want %v", last, c.err)
			}
			workertest.Same(t, "asked", l.Walked, c.asked)
		})
	}
}

// never keeps a walk from nothing.
func never(ctx context.Context) error { return ctx.Err() }
