package allsign

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The largest pages that each generation serves.
const (
	pageV3 = 100
	pageV2 = 10
)

var (
	errCursor = errors.New("list: a cursor that is not ours")
	errList   = errors.New("list: the answer is no list")
)

// walk is where a walk over a list stands. It rests in the database between pages. A service whose cursors
// run in a circle is found out by Mark, a cursor of before that moves on at each power of two.
type walk struct {
	Cursor  string `json:"cursor"`
	Pages   int    `json:"pages"`
	Mark    string `json:"mark,omitempty"`
	Created bool   `json:"created,omitempty"` // v2: by creation, since no item tells when it was updated
}

func startWalk(cursor string) (walk, error) {
	var w walk
	if cursor == "" {
		return w, nil
	}
	if json.Unmarshal([]byte(cursor), &w) != nil || w.Cursor == "" && !w.Created || w.Pages < 0 {
		return walk{}, errCursor
	}
	return w, nil
}

// after is the cursor of the next page; "" where next is none or repeats.
func (w walk) after(next string) (string, error) {
	if next == "" || next == w.Cursor || next == w.Mark {
		return "", nil
	}
	on := walk{Cursor: next, Pages: w.Pages + 1, Mark: w.Mark, Created: w.Created}
	if on.Pages&(on.Pages-1) == 0 {
		on.Mark = next
	}
	return on.text()
}

func (w walk) text() (string, error) {
	raw, err := json.Marshal(w)
	return string(raw), err
}

// Lists says that the list is good for discovery only: it can be asked neither for what changed nor for an order.
func (s *v3) Lists() provider.Listing { return provider.ListsNewest }

// Reach says whose documents are listed.
func (s *v3) Reach() string {
	switch s.scope {
	case "owner":
		return "the key's own documents; callbacks may name colleagues' too (list_scope: owner)"
	case "org":
		return "the documents of the key's organisation; callbacks may name others of the tenant too (list_scope: org)"
	case "tenant":
		return "all documents of the tenant, where the key may list them (list_scope: tenant)"
	}
	return "the documents that the key may see; callbacks may name others of the tenant too (list_scope: accessible)"
}

// List returns one page of what was created in the window, walked from the newest. The order is not
// documented: where a page is not in order of creation, the walk goes on until a whole page is older.
func (s *v3) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	w, err := startWalk(q.Cursor)
	if err != nil {
		return provider.Page{}, err
	}
	query := url.Values{"limit": {strconv.Itoa(pageV3)}, "scope": {s.scope}}
	if w.Cursor != "" {
		query.Set("startingAfter", w.Cursor)
	}
	var got struct {
		Data       lenient.List[document] `json:"data"`
		HasMore    lenient.Bool           `json:"hasMore"`
		NextCursor lenient.Text           `json:"nextCursor"`
	}
	if err := s.get(ctx, "/v3/documents", query, &got); err != nil {
		return provider.Page{}, err
	}
	if !got.Data.Present {
		return provider.Page{}, errList
	}
	got.Data.Only(document.named)
	page := provider.Page{Skipped: provider.Skip(nil, model.SkippedTransaction, got.Data.Skipped...)}
	for _, d := range got.Data.Items {
		if o := s.observe(d); within(o.CreatedAt, q) {
			page.Items = append(page.Items, provider.Listed{Observation: o})
		}
	}
	if got.HasMore != lenient.Yes || passed(got.Data.Items, q.Since) {
		return page, nil
	}
	page.Next, err = w.after(string(got.NextCursor))
	return page, err
}

// within says whether a time lies in the window; one that nobody told may.
func within(at *time.Time, q provider.ListQuery) bool {
	return at == nil || !at.Before(q.Since) && (q.Until.IsZero() || !at.After(q.Until))
}

// passed says whether the walk is behind Since.
func passed(list []document, since time.Time) bool {
	if len(list) == 0 || since.IsZero() {
		return false
	}
	before := func(at *time.Time) bool { return at != nil && at.Before(since) }
	inOrder, allOlder := true, true
	for i, d := range list {
		at := d.created()
		if at == nil || i > 0 && list[i-1].created() != nil && at.After(*list[i-1].created()) {
			inOrder = false
		}
		if !before(at) || d.updated() != nil && !before(d.updated()) {
			allOlder = false
		}
	}
	return allOlder || inOrder && before(list[len(list)-1].created())
}
