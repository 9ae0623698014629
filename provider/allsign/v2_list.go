package allsign

import (
	"context"
	"net/url"
	"strconv"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// Lists says that the list tells what was updated in a window of time.
func (s *v2) Lists() provider.Listing { return provider.ListsChanged }

// Reach says whose documents are listed.
func (s *v2) Reach() string {
	if s.scope != "" {
		return "the documents of the scope " + strconv.Quote(s.scope) + "; callbacks may name others too (list_scope)"
	}
	return "the documents that the service lists for the key by itself; callbacks may name others too (list_scope)"
}

// List returns one page of what was updated in the window, from the newest down. Items are only known to tell
// an id, a name and when they were created: where the first page tells no update time, the walk is made
// by creation, which finds what is new; what changed is then found by asking about each open row.
func (s *v2) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	w, err := startWalk(q.Cursor)
	if err != nil {
		return provider.Page{}, err
	}
	query := url.Values{"limit": {strconv.Itoa(pageV2)}, "sortBy": {"updated_at"}, "sortOrder": {"desc"}}
	stamp := document.updated
	if w.Created {
		query.Set("sortBy", "created_at")
		stamp = document.created
	}
	if s.scope != "" {
		query.Set("scope", s.scope)
	}
	if w.Cursor != "" {
		query.Set("cursor", w.Cursor)
	}
	var got struct {
		Data lenient.List[document] `json:"data"`
		Meta struct {
			HasNext    lenient.Bool `json:"hasNext"`
			NextCursor lenient.Text `json:"nextCursor"`
		} `json:"meta"`
	}
	if err := s.get(ctx, "/v2/documents", query, &got); err != nil {
		return provider.Page{}, err
	}
	if !got.Data.Present {
		return provider.Page{}, errList
	}
	got.Data.Only(document.named)
	page := provider.Page{Skipped: provider.Skip(nil, model.SkippedTransaction, got.Data.Skipped...)}
	behind, told := false, len(got.Data.Items) == 0
	for _, d := range got.Data.Items {
		at := stamp(d)
		told = told || at != nil
		behind = behind || at != nil && at.Before(q.Since)
		if o := s.observe(d); within(at, q) {
			page.Items = append(page.Items, provider.Listed{Observation: o})
		}
	}
	switch {
	case !told && !w.Created && w.Cursor == "":
		page.Items = nil
		page.Next, err = walk{Created: true}.text()
	case got.Meta.HasNext == lenient.Yes && !behind:
		page.Next, err = w.after(string(got.Meta.NextCursor))
	}
	return page, err
}
