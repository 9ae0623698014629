package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter says whether a request fits a query.
type filter func(t *transaction) bool

// list answers GET /signature_request/list: whole requests, sent and received, the newest first.
func (x *dropboxSign) list(c call) answer {
	q := c.URL.Query()
	page, ok1 := number(q.Get("page"), 1)
	size, ok2 := number(q.Get("page_size"), 20)
	fits, ok3 := x.query(q.Get("query"), c.now)
	switch {
	case !ok1 || !ok2 || page < 1 || size < 1:
		return x.refuse(http.StatusBadRequest, "bad_request", "Invalid value for: page or page_size")
	case !ok3:
		return x.refuse(http.StatusBadRequest, "bad_request", "Invalid value for: query")
	}
	if who := q.Get("account_id"); who != "" && who != "all" && who != x.desk.account.AccountID {
		return x.refuse(http.StatusForbidden, "forbidden", "That account is not in your team")
	}
	var found []*transaction
	for _, t := range x.desk.world.txs {
		if t.desk == x.desk && t.alive() && x.listable(&t.state) && fits(t) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b *transaction) int { return b.born.Compare(a.born) })
	total, pages := len(found), (len(found)+size-1)/size
	if size > 100 { // a captured answer: no error, and no results
		found, total, pages = nil, 0, 0
	}
	first := x.desk.world.shift(min((page-1)*size, len(found)), len(found))
	requests := []any{}
	for _, t := range found[first:min(first+size, len(found))] {
		t.shown(&t.state, c.now)
		requests = append(requests, x.requestJSON(t, &t.state))
	}
	return replyJSON(http.StatusOK, "application/json", object{
		"list_info":          object{"page": page, "num_pages": pages, "num_results": total, "page_size": size},
		"signature_requests": requests,
	})
}

func number(text string, otherwise int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// query reads field:value terms joined by AND and OR; AND binds closer. What it does not know is
// refused, so that a client's mistake shows. New requests are missing from queries for a while.
func (x *dropboxSign) query(text string, now time.Time) (filter, bool) {
	if strings.TrimSpace(text) == "" {
		return func(*transaction) bool { return true }, true
	}
	lag := x.desk.world.span(10*time.Second, 0)
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
		any = append(any, func(t *transaction) bool {
			return !slices.ContainsFunc(all, func(f filter) bool { return !f(t) })
		})
	}
	return func(t *transaction) bool {
		return now.Sub(t.born) >= lag && slices.ContainsFunc(any, func(f filter) bool { return f(t) })
	}, true
}

func (x *dropboxSign) term(text string) (filter, bool) {
	field, value, some := strings.Cut(text, ":")
	if !some || strings.HasPrefix(value, "*") {
		bare := strings.ToLower(text)
		return func(t *transaction) bool { return strings.Contains(strings.ToLower(t.name), bare) }, !some && bare != ""
	}
	value = strings.Trim(value, `"`)
	flag := func(is func(*transaction) bool) (filter, bool) {
		return func(t *transaction) bool { return is(t) == (value == "true") }, value == "true" || value == "false"
	}
	holds := func(of func(*transaction) string) (filter, bool) {
		return func(t *transaction) bool {
			return strings.Contains(strings.ToLower(of(t)), strings.ToLower(strings.Trim(value, "*")))
		}, true
	}
	switch field {
	case "created":
		return created(value)
	case "complete":
		return flag(func(t *transaction) bool { return t.state.word == "complete" })
	case "declined":
		return flag(func(t *transaction) bool { return t.state.word == "declined" })
	case "test_mode":
		return flag(func(t *transaction) bool { return t.test })
	case "from":
		if value == "me" {
			return func(t *transaction) bool { return !t.received }, true
		}
		return holds(func(t *transaction) string { return t.sender.email })
	case "to":
		return holds(func(t *transaction) string { return fmt.Sprint(x.signaturesJSON(t, &t.state)) })
	case "title", "subject":
		return holds(func(t *transaction) string { return t.name })
	case "message":
		return holds(func(t *transaction) string { return t.text })
	case "metadata":
		return holds(func(t *transaction) string { return t.externalID })
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
	return func(t *transaction) bool { return within(t.born.Truncate(time.Second), since, until) }, true
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
