package onespan

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// pageSize is the largest page the service declares.
const pageSize = 100

// What is known of the report over all senders.
const (
	reportsGiven   int32 = 1
	reportsRefused int32 = 2
)

// pass is one walk over a list.
type pass string

// The passes, in their order. The list leaves trashed packages out unless it is asked for them.
const (
	passLive    pass = "live"
	passTrashed pass = "trashed"
	passReport  pass = "report" // packages of the account's other senders
)

// cursor is where a walk stands. It rests in the database between pages.
type cursor struct {
	Pass   pass      `json:"pass"`
	Read   int       `json:"read"` // the first record not read yet, counted from 1; 0: from the very first
	Margin int       `json:"margin,omitempty"`
	Until  time.Time `json:"until"`
	Count  int       `json:"count"`            // matches, as the page before told
	Seen   int       `json:"seen"`             // different ids so far in this pass
	Last   []uint32  `json:"last,omitempty"`   // sums of the ids of the page before
	Again  bool      `json:"again,omitempty"`  // the pass is walked once more, with other page borders
	Before int       `json:"before,omitempty"` // matches of the finished passes
}

var errCursor = errors.New("list: a cursor that is not ours")

// List returns one page of what was updated in the window. Packages leave the window while it is
// walked, since a change makes them newer, and those behind move up: where the count fell, as many
// records are read again, and later pages overlap. Where fewer ids than the count were seen, the pass
// is walked once more from record 0 with other page borders.
func (s *service) List(ctx context.Context, q provider.ListQuery) (provider.Page, error) {
	c, err := s.start(q)
	if err != nil {
		return provider.Page{}, err
	}
	packs, count, err := s.listPage(ctx, q, c)
	if c.Pass == passReport && refused(err) {
		s.reports.Store(reportsRefused) // the key has just read its own list: it is not the key that is refused
		return provider.Page{Total: c.Before}, nil
	}
	if err != nil {
		return provider.Page{}, err
	}
	if c.Pass == passReport {
		s.reports.Store(reportsGiven)
	}
	packs.Only(func(p pack) bool { return p.ID != "" })
	page := provider.Page{Total: c.Before + count, Skipped: provider.Skip(nil, model.SkippedTransaction, packs.Skipped...)}
	for _, p := range packs.Items {
		if p.tracked() {
			page.Items = append(page.Items, provider.Listed{Observation: p.summary()})
		}
	}
	next := c.after(sums(packs), count)
	if next == nil {
		next = s.nextPass(c, count)
	}
	if next != nil {
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
		c := cursor{Pass: passLive, Read: 1, Until: q.Until}
		if c.Until.IsZero() {
			c.Until = s.now()
		}
		return c, nil
	}
	var c cursor
	if json.Unmarshal([]byte(q.Cursor), &c) != nil || c.Read < 0 || c.Margin < 0 ||
		!slices.Contains([]pass{passLive, passTrashed, passReport}, c.Pass) {
		return cursor{}, errCursor
	}
	return c, nil
}

// listPage asks for one page and says how many match in all.
func (s *service) listPage(ctx context.Context, q provider.ListQuery, c cursor) (lenient.List[pack], int, error) {
	until := c.Until.UTC().Add(time.Second - 1).Format(time.RFC3339) // never narrower than asked
	v := url.Values{"from": {strconv.Itoa(c.from())}, "to": {strconv.Itoa(c.to())}}
	since := ""
	if !q.Since.IsZero() {
		since = q.Since.UTC().Format(time.RFC3339)
	}
	if c.Pass == passReport {
		set(v, "startDate", since)
		set(v, "endDate", until)
		var got report
		err := s.get(ctx, "/api/reports/transaction-summary", v, &got)
		return got.Content, int(got.Total), noList(got.Content, err)
	}
	set(v, "lastUpdatedStartDate", since)
	set(v, "lastUpdatedEndDate", until)
	set(v, "sort", "updated")
	set(v, "dir", "asc")
	if c.Pass == passTrashed {
		set(v, "query", "trashed")
	}
	var got packList
	err := s.get(ctx, "/api/packages", v, &got)
	return got.Results, int(got.Count), noList(got.Results, err)
}

// noList adds to err that something else stands where the list is due.
func noList(list lenient.List[pack], err error) error {
	if err == nil && !list.Present && len(list.Skipped) > 0 {
		return errors.New("list: the answer is no list")
	}
	return err
}

func set(v url.Values, key, value string) {
	if value != "" {
		v.Set(key, value)
	}
}

// from is the first record of the page.
func (c cursor) from() int {
	if c.Read == 0 {
		return 0
	}
	return max(1, c.Read-c.Margin)
}

// to is the last record of the page, inclusive. The first page of a second walk is half a page, so
// that its borders are not those of the first.
func (c cursor) to() int {
	if c.Read == 0 {
		return pageSize / 2
	}
	return c.from() + pageSize - 1
}

// after is the cursor behind a page of the same pass; nil when the pass is over.
func (c cursor) after(page []uint32, count int) *cursor {
	next := c
	next.Count, next.Last = count, nil
	for _, sum := range page {
		if !slices.Contains(c.Last, sum) {
			next.Seen++
		}
		next.Last = append(next.Last, sum)
	}
	fell := max(0, c.Count-count) // as many may have moved up, from not read to where we no longer look
	unread := max(min(c.Read, 1), c.Read-fell)
	next.Margin = min(max(c.Margin, 2*fell), pageSize/2)
	if len(page) > 0 {
		next.Margin = min(next.Margin, len(page)/2) // a service that caps its pages must not hold us up
	}
	switch {
	case c.from() > unread:
		next.Read = unread
		return &next
	case len(page) > 0:
		next.Read = max(1, c.from()+len(page)) // a short page does not end the walk
		if c.Read == 0 {
			next.Read = len(page) // 0 may have meant the first record or the one before it
		}
		if next.Read <= count {
			return &next
		}
	}
	if !c.Again && next.Seen < count {
		return &cursor{Pass: c.Pass, Until: c.Until, Count: count, Again: true, Before: c.Before}
	}
	return nil
}

// nextPass begins the pass after c's; nil when it was the last.
func (s *service) nextPass(c cursor, count int) *cursor {
	next := cursor{Read: 1, Until: c.Until, Before: c.Before + count}
	switch {
	case c.Pass == passLive:
		next.Pass = passTrashed
	case c.Pass == passTrashed && !s.own && s.reports.Load() != reportsRefused:
		next.Pass = passReport
	default:
		return nil
	}
	return &next
}

// sums stand for the entries of a page: an id's sum, and that of the whole entry where no id could be read.
func sums(list lenient.List[pack]) []uint32 {
	var all []uint32
	sum := func(b []byte) {
		h := fnv.New32a()
		h.Write(b)
		all = append(all, h.Sum32())
	}
	for _, p := range list.Items {
		sum([]byte(p.ID))
	}
	for _, raw := range list.Skipped {
		sum(raw)
	}
	return all
}

// refused says that the service answered that this is not for us, or not there.
func refused(err error) bool {
	h := refusal(err)
	switch h.Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return !h.Page && !wholeAccount(h)
	}
	return false
}
