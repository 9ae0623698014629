package documenso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// pageSize is the largest page the service gives: 101 are refused.
const pageSize = 100

// cursor is where a walk stands. It rests in the database between pages. The list without a folder holds only
// what lies in none, so that each folder is walked by itself; a folder's own folders are read when its turn comes.
type cursor struct {
	Folders []string  `json:"folders"` // found so far, in the order in which they are walked; the first is "", no folder
	At      int       `json:"at"`
	Page    int       `json:"page"`  // from 1
	Count   int       `json:"count"` // of the folder's envelopes, as the page before told; -1: no page before
	Until   time.Time `json:"until"`
}

var errCursor = errors.New("list: a cursor that is not ours")

// List returns one page of what was created in the window. Each folder is walked from its newest envelope until
// one is older than q.Since. Where the count fell, envelopes behind moved up, and pages are read again.
func (s *service) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	c, err := start(q)
	if err != nil {
		return provider.Page{}, err
	}
	calls := 1
	if c.Page == 1 && c.Count < 0 {
		more, err := s.below(ctx, &c)
		if err != nil {
			return provider.Page{}, err
		}
		calls += more
	}
	got, err := s.listPage(ctx, c)
	if err != nil && c.At > 0 && errors.Is(err, provider.ErrNotFound) {
		// the folder was deleted while we walked
		got, err = envelopeList{Data: lenient.List[json.RawMessage]{Present: true}}, nil
	}
	if err != nil {
		return provider.Page{}, err
	}
	if !got.Data.Present {
		return provider.Page{}, errors.New("list: the answer is no list")
	}
	page, oldest, err := s.items(q, c, got)
	if err != nil {
		return provider.Page{}, err
	}
	page.Calls = calls
	if next := c.after(got, oldest != nil && oldest.Before(q.Since)); next != nil {
		raw, err := json.Marshal(next)
		if err != nil {
			return provider.Page{}, err
		}
		page.Next = string(raw)
	}
	return page, nil
}

// start reads the query's cursor or makes the first.
func start(q provider.ListQuery) (cursor, error) {
	if q.Cursor == "" {
		return cursor{Folders: []string{""}, Page: 1, Count: -1, Until: q.Until}, nil
	}
	var c cursor
	if json.Unmarshal([]byte(q.Cursor), &c) != nil || c.Page < 1 || c.At < 0 || c.At >= len(c.Folders) {
		return cursor{}, errCursor
	}
	return c, nil
}

// below adds the folders that lie in the cursor's, and says how many calls that took.
func (s *service) below(ctx context.Context, c *cursor) (calls int, err error) {
	for page := 1; ; page++ {
		calls++
		got, err := s.folders(ctx, c.Folders[c.At], page)
		if err != nil && c.At > 0 && errors.Is(err, provider.ErrNotFound) {
			return calls, nil // it was deleted while we walked
		}
		if err != nil {
			return calls, fmt.Errorf("folders: %w", err)
		}
		if !got.Data.Present {
			return calls, errors.New("folders: the answer is no list")
		}
		for _, f := range got.Data.Items {
			if id := string(f.ID); id != "" && !slices.Contains(c.Folders, id) {
				c.Folders = append(c.Folders, id)
			}
		}
		if len(got.Data.Items) == 0 || page >= int(got.Pages) {
			return calls, nil
		}
	}
}

// folders asks for one page of the folders in another, or with parent "" in none.
func (s *service) folders(ctx context.Context, parent string, page int) (folderList, error) {
	v := url.Values{"type": {"DOCUMENT"}, "page": {strconv.Itoa(page)}, "perPage": {strconv.Itoa(pageSize)}}
	if parent != "" {
		v.Set("parentId", parent)
	}
	var got folderList
	err := s.get(ctx, "/folder", v, &got)
	return got, err
}

// listPage asks for one page. The direction counts only beside a column, and without a type templates come too.
func (s *service) listPage(ctx context.Context, c cursor) (envelopeList, error) {
	v := url.Values{
		"type": {"DOCUMENT"}, "page": {strconv.Itoa(c.Page)}, "perPage": {strconv.Itoa(pageSize)},
		"orderByColumn": {"createdAt"}, "orderByDirection": {"desc"},
	}
	if folder := c.Folders[c.At]; folder != "" {
		v.Set("folderId", folder)
	}
	var got envelopeList
	err := s.get(ctx, "/envelope", v, &got)
	return got, err
}

// items are the envelopes of a page that were created in the window, and when the last of the page was. A completed
// one is not whole: the list does not tell its files.
func (s *service) items(q provider.ListQuery, c cursor, got envelopeList) (
	page provider.Page, oldest *time.Time, err error,
) {
	if err := s.learn(teams(got.Data.Items)); err != nil {
		return provider.Page{}, nil, fmt.Errorf("list: %w", err)
	}
	page.Skipped = provider.Skip(nil, model.SkippedTransaction, got.Data.Skipped...)
	for _, raw := range got.Data.Items {
		o, ours, err := s.read(raw)
		if err != nil {
			page.Skipped = provider.Skip(page.Skipped, model.SkippedTransaction, raw)
			continue
		}
		if o.CreatedAt != nil {
			oldest = o.CreatedAt
		}
		outside := o.CreatedAt != nil && (o.CreatedAt.Before(q.Since) || !c.Until.IsZero() && o.CreatedAt.After(c.Until))
		if !ours || outside {
			continue
		}
		o.Documents = nil
		page.Items = append(page.Items, provider.Listed{Observation: o, Whole: o.Status != "" && o.Status != model.Completed})
	}
	return page, oldest, nil
}

// after is the cursor behind a page; nil when the walk is over. past says that the page reached behind the window.
func (c cursor) after(got envelopeList, past bool) *cursor {
	next := c
	next.Count = int(got.Count)
	if fell := c.Count - next.Count; c.Count >= 0 && fell > 0 && c.Page > 1 {
		// As many may have moved up to pages that were read already. It ends: a count cannot fall for ever.
		next.Page = max(1, c.Page-(fell+pageSize-1)/pageSize)
		return &next
	}
	if !past && len(got.Data.Items)+len(got.Data.Skipped) > 0 && c.Page < int(got.Pages) {
		next.Page++
		return &next
	}
	if c.At+1 >= len(c.Folders) {
		return nil
	}
	next.At, next.Page, next.Count = c.At+1, 1, -1
	return &next
}
