package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// list answers GET /api/packages: the caller's own packages, trashed ones only when asked for.
func (o *oneSpan) list(c call) answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("lastUpdatedStartDate"), q.Get("lastUpdatedEndDate"))
	since2, until2, ok2 := window(q.Get("startDate"), q.Get("endDate"))
	if !ok || !ok2 {
		return o.refuse(http.StatusBadRequest, "validation", "A date is not in ISO 8601 form with a zone.")
	}
	var found []*transaction
	for _, t := range o.desk.world.txs {
		if t.desk != o.desk || !t.alive() || t.state.deleted || !o.visible(t, q.Get("ownerEmail"), q.Get("ownerUserId")) || !o.ofForm(t, q.Get("type")) {
			continue
		}
		if inFolder(&t.state, strings.ToLower(q.Get("query"))) && predefined(&t.state, q.Get("predefined"), c.now) &&
			within(t.state.updated, since, until) && within(t.state.updated, since2, until2) && matches(t, q.Get("search"), q.Get("searchtype")) {
			found = append(found, t)
		}
	}
	order(found, q.Get("sort"), q.Get("dir"))
	first, last, ok := pageOf(q.Get("from"), q.Get("to"), 10)
	if !ok {
		return o.refuse(http.StatusBadRequest, "validation", "from and to are numbers of records.")
	}
	results := []any{}
	for _, t := range o.page(found, first, last) {
		if q.Get("fields") == "id" {
			results = append(results, object{"id": t.ref})
			continue
		}
		t.shown(&t.state, c.now)
		results = append(results, o.packageJSON(t, &t.state, false))
	}
	return replyJSON(http.StatusOK, oneSpanVersioned, object{"count": len(found), "results": results})
}

// page cuts records first to last, counted from nought, out of all, unless they have moved meanwhile.
func (o *oneSpan) page(all []*transaction, first, last int) []*transaction {
	moved := o.desk.world.shift(first, len(all))
	first, last = moved, last+moved-first
	if first >= len(all) {
		return nil
	}
	return all[first:min(last+1, len(all))]
}

// visible is the key's own view, or that of a sender whom its owner may look over.
func (o *oneSpan) visible(t *transaction, email, id string) bool {
	if email == "" && id == "" {
		return !t.unlisted
	}
	return strings.EqualFold(t.sender.email, email) || t.sender.id == id
}

// ofForm: layouts are listed with the packages, templates only when asked for.
func (o *oneSpan) ofForm(t *transaction, form string) bool {
	if form == "" {
		return t.form != "TEMPLATE"
	}
	return t.form == strings.ToUpper(form)
}

func inFolder(s *state, folder string) bool {
	switch folder {
	case "trashed":
		return s.trashed
	case "":
		return !s.trashed
	case "drafts", "draft":
		return !s.trashed && slices.Contains([]string{"DRAFT", "DECLINED", "OPTED_OUT", "EXPIRED"}, s.word)
	case "inbox":
		return !s.trashed && slices.Contains([]string{"SENT", "COMPLETED"}, s.word)
	default:
		return !s.trashed && strings.EqualFold(s.word, folder)
	}
}

func predefined(s *state, name string, now time.Time) bool {
	switch name {
	case "awaitingSignature", "sent":
		return s.word == "SENT"
	case "completed":
		return s.word == "COMPLETED"
	case "expiringSoon":
		return s.word == "SENT" && s.due.Before(now.AddDate(0, 0, 7))
	default:
		return true
	}
}

func matches(t *transaction, text, how string) bool {
	switch {
	case text == "":
		return true
	case how == "exact" || how == "exactname":
		return t.name == text
	}
	return strings.Contains(strings.ToLower(t.name), strings.ToLower(text))
}

// window reads two ISO 8601 times; a bare date needs its Z.
func window(from, to string) (since, until time.Time, ok bool) {
	read := func(text string, end bool) (time.Time, bool) {
		if text == "" {
			return time.Time{}, true
		}
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", "2006-01-02Z07:00"} {
			at, err := time.Parse(form, text)
			if err == nil && end && form == "2006-01-02Z07:00" {
				at = at.AddDate(0, 0, 1).Add(-time.Nanosecond)
			}
			if err == nil {
				return at, true
			}
		}
		return time.Time{}, false
	}
	since, ok = read(from, false)
	if !ok {
		return since, until, false
	}
	until, ok = read(to, true)
	return since, until, ok
}

func within(at, since, until time.Time) bool {
	return (since.IsZero() || !at.Before(since)) && (until.IsZero() || !at.After(until))
}

// pageOf reads 1-based inclusive record numbers; a page has at most 100 records.
func pageOf(from, to string, size int) (first, last int, ok bool) {
	read := func(text string, otherwise int) (int, bool) {
		if text == "" {
			return otherwise, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil && n >= 0
	}
	first, ok1 := read(from, 1)
	first = max(first, 1)
	last, ok2 := read(to, first+size-1)
	last = min(last, first+99)
	return first - 1, last - 1, ok1 && ok2 && last >= first-1
}

// order sorts as asked; by default the newest comes first.
func order(all []*transaction, by, direction string) {
	descending := strings.EqualFold(direction, "desc") || (direction == "" && by == "")
	slices.SortStableFunc(all, func(a, b *transaction) int {
		var n int
		switch by {
		case "updated":
			n = a.state.updated.Compare(b.state.updated)
		case "completed":
			n = a.state.completed.Compare(b.state.completed)
		case "due":
			n = a.state.due.Compare(b.state.due)
		case "name":
			n = cmp.Compare(a.name, b.name)
		case "status":
			n = cmp.Compare(a.state.word, b.state.word)
		default:
			n = a.born.Compare(b.born)
		}
		if descending {
			return -n
		}
		return n
	})
}
