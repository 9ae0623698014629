package dropboxsign

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/wire"
)

// filter says whether a request fits a query.
type filter func(t *world.Transaction) bool

// list answers GET /signature_request/list: whole requests, sent and received, the newest first.
func (x api) list(c world.Call) wire.Answer {
	q := c.URL.Query()
	page, ok1 := wire.Number(q.Get("page"), 1)
	size, ok2 := wire.Number(q.Get("page_size"), 20)
	fits, ok3 := x.query(q.Get("query"), c.Now)
	switch {
	case !ok1 || !ok2 || page < 1 || size < 1:
		return x.Refuse(http.StatusBadRequest, "bad_request", "Invalid value for: page or page_size")
	case !ok3:
		return x.Refuse(http.StatusBadRequest, "bad_request", "Invalid value for: query")
	}
	if who := q.Get("account_id"); who != "" && who != "all" && who != x.desk.Account.AccountID {
		return x.Refuse(http.StatusForbidden, "forbidden", "That account is not in your team")
	}
	var found []*world.Transaction
	for t := range x.desk.Living() {
		if x.Listable(&t.State) && fits(t) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *world.Transaction) int { return b.Born.Compare(a.Born) })
	total := len(found)
	if size > 100 { // a captured answer: no error, and no results
		found, total = nil, 0
	}
	first, claimed := x.desk.Begin((page-1)*size, size, total)
	first = min(first, len(found))
	requests := []any{}
	for _, t := range found[first:min(first+size, len(found))] {
		t.Shown(&t.State, c.Now)
		requests = append(requests, x.requestJSON(t, &t.State))
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
		"list_info": wire.Object{"page": page, "num_pages": (claimed + size - 1) / size, "num_results": claimed,
			"page_size": size},
		"signature_requests": x.desk.Page(requests, "signature_request_id", "title"),
	})
}

// query reads field:value terms joined by AND and OR; AND binds closer. What it does not know is
// refused, so that a client's mistake shows. New requests are missing from queries for a while.
func (x api) query(text string, now time.Time) (filter, bool) {
	if strings.TrimSpace(text) == "" {
		return func(*world.Transaction) bool { return true }, true
	}
	lag := x.desk.World.Span(10*time.Second, 0)
	var any []filter
	for _, part := range strings.Split(text, " OR ") {
		var all []filter
		for _, term := range strings.Split(part, " AND ") {
			f, ok := x.term(strings.TrimSpace(term))
			if !ok {
				return nil, false
			}
			all = append(all, f)
		}
		any = append(any, func(t *world.Transaction) bool {
			return !slices.ContainsFunc(all, func(f filter) bool { return !f(t) })
		})
	}
	return func(t *world.Transaction) bool {
		return now.Sub(t.Born) >= lag && slices.ContainsFunc(any, func(f filter) bool { return f(t) })
	}, true
}

func (x api) term(text string) (filter, bool) {
	field, value, some := strings.Cut(text, ":")
	if !some || strings.HasPrefix(value, "*") {
		bare := strings.ToLower(text)
		return func(t *world.Transaction) bool { return strings.Contains(strings.ToLower(t.Name), bare) }, !some && bare != ""
	}
	value = strings.Trim(value, `"`)
	flag := func(is func(*world.Transaction) bool) (filter, bool) {
		return func(t *world.Transaction) bool { return is(t) == (value == "true") }, value == "true" || value == "false"
	}
	holds := func(of func(*world.Transaction) string) (filter, bool) {
		return func(t *world.Transaction) bool {
			return strings.Contains(strings.ToLower(of(t)), strings.ToLower(strings.Trim(value, "*")))
		}, true
	}
	switch field {
	case "created":
		return created(value)
	case "complete":
		return flag(func(t *world.Transaction) bool { return t.State.Word == "complete" })
	case "declined":
		return flag(func(t *world.Transaction) bool { return t.State.Word == "declined" })
	case "test_mode":
		return flag(func(t *world.Transaction) bool { return t.Test })
	case "from":
		if value == "me" {
			return func(t *world.Transaction) bool { return !t.Received }, true
		}
		return holds(func(t *world.Transaction) string { return t.Sender.Email })
	case "to":
		return holds(func(t *world.Transaction) string { return fmt.Sprint(x.signaturesJSON(t, &t.State)) })
	case "title", "subject":
		return holds(func(t *world.Transaction) string { return t.Name })
	case "message":
		return holds(func(t *world.Transaction) string { return t.Text })
	case "metadata":
		return holds(func(t *world.Transaction) string { return t.ExternalID })
	}
	return nil, false
}

// created reads [from TO to], the ends included, or {from TO to}; days are UTC's.
func created(value string) (filter, bool) {
	open := strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}")
	if !open && (!strings.HasPrefix(value, "[") || !strings.HasSuffix(value, "]")) {
		return nil, false
	}
	from, to, some := strings.Cut(value[1:len(value)-1], " TO ")
	since, day1, ok1 := moment(from)
	until, day2, ok2 := moment(to)
	if !some || !ok1 || !ok2 {
		return nil, false
	}
	if open && day1 {
		since = since.AddDate(0, 0, 1)
	}
	if !open && day2 {
		until = until.AddDate(0, 0, 1).Add(-time.Second)
	}
	return func(t *world.Transaction) bool { return wire.Within(t.Born.Truncate(time.Second), since, until) }, true
}

// moment reads a day, a time, or * for no end.
func moment(text string) (at time.Time, day, ok bool) {
	text = strings.TrimSpace(text)
	if text == "*" {
		return at, false, true
	}
	if at, err := time.Parse("2006-01-02", text); err == nil {
		return at, true, true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, false, true
		}
	}
	return at, false, false
}
