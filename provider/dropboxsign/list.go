package dropboxsign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// pageSize is the largest page the service gives; above it, it answers with none at all.
const pageSize = 100

// restarts is how often a walk starts again because the list shifted under it.
const restarts = 3

// What is known of listing the whole team's requests.
const (
	teamGiven   int32 = 1
	teamRefused int32 = 2
)

// cursor is where a walk stands. It rests in the database between pages.
type cursor struct {
	Page    int       `json:"page"`
	Wide    bool      `json:"wide,omitempty"` // the whole team's requests
	Until   time.Time `json:"until"`
	Results int       `json:"results"` // matches, as the page before told; -1: it did not
	Again   int       `json:"again,omitempty"`
}

var errCursor = errors.New("list: a cursor that is not ours")

// Lists says that the list tells what was created in a window of time, as whole objects.
func (s *service) Lists() provider.Listing { return provider.ListsCreated }

// Reach says whose requests are listed.
func (s *service) Reach() string {
	others := "; requests that others sent us are left out"
	switch {
	case s.settings.IncludeReceived:
		others = ", sent and received"
	case len(s.settings.Requester) > 0:
		others = "; only those that a configured requester sent"
	}
	switch {
	case s.own:
		return "the key's own requests (scope: own); callbacks of an API app may name others'" + others
	case s.team.Load() == teamRefused:
		return "only the key's own requests: the service refused it the list of its team's, which callbacks of an API app may name too" + others
	}
	if me := s.me.Load(); me != nil && me.team && !s.settings.IncludeReceived && len(s.settings.Requester) == 0 {
		others = "; requests that others sent us are among them, since settings.requester does not say who the team is"
	}
	if s.team.Load() == teamGiven {
		return "the requests of the key's whole team" + others
	}
	return "the requests of the key's whole team, where the key may list them (not tried yet)" + others
}

// wide says whether the whole team's requests are asked for.
func (s *service) wide() bool { return !s.own && s.team.Load() != teamRefused }

// List returns one page of what was created in the window, by whole days with a day more on each
// side: the service's time zone is not documented. Pages shift when the list changes under a walk,
// which a changed count shows: then the walk starts again.
func (s *service) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	c, err := s.start(q)
	if err != nil {
		return provider.Page{}, err
	}
	if err := s.learn(ctx); err != nil {
		return provider.Page{}, err
	}
	got, err := s.page(ctx, q.Since, c)
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusForbidden:
		if !c.Wide {
			break
		}
		c = cursor{Page: 1, Until: c.Until, Results: -1}
		if got, err = s.page(ctx, q.Since, c); err == nil {
			s.team.Store(teamRefused) // its own list is given: it is not the key that is refused
		}
	}
	if err != nil {
		return provider.Page{}, err
	}
	if c.Wide {
		s.team.Store(teamGiven)
	}
	page := provider.Page{}
	if got.Info.Results != nil {
		page.Total = int(*got.Info.Results)
	}
	if !got.Requests.Present && len(got.Requests.Skipped) > 0 {
		return provider.Page{}, errors.New("list: the answer is no list")
	}
	page.Skipped = provider.Skip(nil, model.SkippedTransaction, got.Requests.Skipped...)
	for _, raw := range got.Requests.Items {
		o, r, err := s.observe(raw)
		if err != nil && o.Ref == "" {
			page.Skipped = provider.Skip(page.Skipped, model.SkippedTransaction, raw)
			continue
		}
		if !s.received(string(r.Requester)) && (s.includeTest || r.TestMode != lenient.Yes) {
			page.Items = append(page.Items, provider.Listed{Observation: o, Whole: err == nil})
		}
	}
	if next := c.after(got); next != nil {
		raw, err := json.Marshal(next)
		if err != nil {
			return provider.Page{}, err
		}
		page.Next = string(raw)
	}
	return page, nil
}

// start reads the query's cursor or makes the first. An open window is closed at its first page.
func (s *service) start(q provider.ListQuery) (cursor, error) {
	if q.Cursor == "" {
		c := cursor{Page: 1, Wide: s.wide(), Until: q.Until, Results: -1}
		if c.Until.IsZero() {
			c.Until = s.now()
		}
		return c, nil
	}
	var c cursor
	if json.Unmarshal([]byte(q.Cursor), &c) != nil || c.Page < 1 {
		return cursor{}, errCursor
	}
	if c.Wide && !s.wide() { // meanwhile refused
		c = cursor{Page: 1, Until: c.Until, Results: -1}
	}
	return c, nil
}

// learn asks once who we are, where that tells received requests from sent ones.
func (s *service) learn(ctx context.Context) error {
	if s.settings.IncludeReceived || len(s.settings.Requester) > 0 || s.me.Load() != nil {
		return nil
	}
	_, err := s.account(ctx)
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		s.me.Store(&identity{}) // not for this key: nothing can be told apart
		return nil
	}
	return err
}

// page asks for one page.
func (s *service) page(ctx context.Context, since time.Time, c cursor) (requestList, error) {
	from := "2000-01-01" // older than the service
	if !since.IsZero() {
		from = since.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	query := fmt.Sprintf("created:[%s TO %s]", from, c.Until.UTC().AddDate(0, 0, 1).Format(time.DateOnly))
	if !c.Wide && !s.settings.IncludeReceived {
		query += " AND from:me"
	}
	v := url.Values{"page": {strconv.Itoa(c.Page)}, "page_size": {strconv.Itoa(pageSize)}, "query": {query}}
	if c.Wide {
		v.Set("account_id", "all")
	}
	var got requestList
	err := s.get(ctx, "/v3/signature_request/list", v, &got)
	return got, err
}

// after is the cursor behind a page; nil when the walk is over.
func (c cursor) after(got requestList) *cursor {
	next := c
	next.Results = -1
	entries := len(got.Requests.Items) + len(got.Requests.Skipped)
	if n := got.Info.Results; n != nil {
		if c.Results >= 0 && c.Results != int(*n) && c.Again < restarts {
			return &cursor{Page: 1, Wide: c.Wide, Until: c.Until, Results: -1, Again: c.Again + 1}
		}
		next.Results = int(*n)
	}
	switch {
	case entries == 0, got.Info.Pages > 0 && c.Page >= int(got.Info.Pages):
		return nil
	case got.Info.Pages <= 0 && entries < pageSize:
		return nil
	}
	next.Page++
	return &next
}
