package autosign

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// lister is what an account with settings.list_path can do besides.
type lister struct{ s *service }

var errCursor = errors.New("list: a cursor that is not ours")

// Lists says that what was created in a window of time is found by walking. The order is not
// documented: every page is read, and what lies outside the window is left out.
func (l lister) Lists() provider.Listing { return provider.ListsNewest }

// Reach says whose transactions are listed.
func (l lister) Reach() string {
	return "what settings.list_path lists: at most the transactions that the user who consented may see, whereas callbacks may name others'"
}

// List returns one page. limit and page are both required, and pages count from 1 (dossier: 3). An
// item is a reason to ask about the transaction, not an answer: what a list shows is not documented.
func (l lister) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	page := 1
	if q.Cursor != "" {
		n, err := strconv.Atoi(q.Cursor)
		if err != nil || n < 1 {
			return provider.Page{}, errCursor
		}
		page = n
	}
	var got struct {
		Items lenient.List[detail] `json:"items"`
		Meta  *paging              `json:"meta"`
	}
	if err := l.s.page(ctx, l.s.set.ListPath, page, &got); err != nil {
		return provider.Page{}, err
	}
	if !got.Items.Present {
		return provider.Page{}, errors.New("list: the answer has no items")
	}
	got.Items.Only(func(d detail) bool { return plausible(string(d.ID)) })
	out := provider.Page{Skipped: provider.Skip(nil, model.SkippedTransaction, got.Items.Skipped...)}
	for _, d := range got.Items.Items {
		at := d.CreatedAt.Time()
		if at != nil && (at.Before(q.Since) || !q.Until.IsZero() && at.After(q.Until)) {
			continue
		}
		out.Items = append(out.Items, provider.Listed{Observation: l.s.summary(d)})
	}
	if next := got.Meta.after(page); next > 0 && len(got.Items.Items)+len(got.Items.Skipped) > 0 {
		out.Next = strconv.Itoa(next)
	}
	return out, nil
}

// page asks for one page of a list.
func (s *service) page(ctx context.Context, path string, page int, v any) error {
	query := url.Values{"limit": {strconv.Itoa(s.set.ListLimit)}, "page": {strconv.Itoa(page)}}
	return s.get(ctx, path+"?"+query.Encode(), v)
}
