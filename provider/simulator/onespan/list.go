package onespan

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// list answers GET /api/packages: the caller's own packages, trashed ones only when asked for.
func (o api) list(c world.Call) wire.Answer {
	q := c.URL.Query()
	since, until, ok := window(q.Get("lastUpdatedStartDate"), q.Get("lastUpdatedEndDate"))
	since2, until2, ok2 := window(q.Get("startDate"), q.Get("endDate"))
	if !ok || !ok2 {
		return o.Refuse(http.StatusBadRequest, "validation", "A date is not in ISO 8601 form with a zone.")
	}
	var found []*world.Transaction
	for t := range o.desk.Living() {
		if t.State.Deleted || !o.visible(t, q.Get("ownerEmail"), q.Get("ownerUserId")) || !o.ofForm(t, q.Get("type")) {
			continue
		}
		if inFolder(&t.State, strings.ToLower(q.Get("query"))) && predefined(&t.State, q.Get("predefined"), c.Now) &&
			wire.Within(t.State.Updated, since, until) && wire.Within(t.State.Updated, since2, until2) &&
			matches(t, q.Get("search"), q.Get("searchtype")) {
			found = append(found, t)
		}
	}
	order(found, q.Get("sort"), q.Get("dir"))
	first, last, ok := pageOf(q.Get("from"), q.Get("to"), 10)
	if !ok {
		return o.Refuse(http.StatusBadRequest, "validation", "from and to are numbers of records.")
	}
	results := []any{}
	some, claimed := o.page(found, first, last)
	for _, t := range some {
		if q.Get("fields") == "id" {
			results = append(results, wire.Object{"id": t.Ref})
			continue
		}
		t.Shown(&t.State, c.Now)
		results = append(results, o.packageJSON(t, &t.State, false))
	}
	return wire.ReplyJSON(http.StatusOK, versioned, wire.Object{"count": claimed, "results": o.desk.Page(results, "id",
		"name")})
}

// page cuts records first to last, counted from nought, out of all, unless they have moved meanwhile, and says how many
// there are to be told of.
func (o api) page(all []*world.Transaction, first, last int) ([]*world.Transaction, int) {
	begin, claimed := o.desk.Begin(first, last-first+1, len(all))
	first, last = begin, last+begin-first
	if first >= len(all) {
		return nil, claimed
	}
	return all[first:min(last+1, len(all))], claimed
}

// visible is the key's own view, or that of a sender whom its owner may look over.
func (o api) visible(t *world.Transaction, email, id string) bool {
	if email == "" && id == "" {
		return !t.Unlisted
	}
	return strings.EqualFold(t.Sender.Email, email) || t.Sender.ID == id
}

// ofForm: layouts are listed with the packages, templates only when asked for.
func (o api) ofForm(t *world.Transaction, form string) bool {
	if form == "" {
		return t.Form != "TEMPLATE"
	}
	return t.Form == strings.ToUpper(form)
}

func inFolder(s *life.State, folder string) bool {
	switch folder {
	case "trashed":
		return s.Trashed
	case "":
		return !s.Trashed
	case "drafts", "draft":
		return !s.Trashed && slices.Contains([]string{"DRAFT", "DECLINED", "OPTED_OUT", "EXPIRED"}, s.Word)
	case "inbox":
		return !s.Trashed && slices.Contains([]string{"SENT", "COMPLETED"}, s.Word)
	default:
		return !s.Trashed && strings.EqualFold(s.Word, folder)
	}
}

func predefined(s *life.State, name string, now time.Time) bool {
	switch name {
	case "awaitingSignature", "sent":
		return s.Word == "SENT"
	case "completed":
		return s.Word == "COMPLETED"
	case "expiringSoon":
		return s.Word == "SENT" && s.Due.Before(now.AddDate(0, 0, 7))
	default:
		return true
	}
}

func matches(t *world.Transaction, text, how string) bool {
	switch {
	case text == "":
		return true
	case how == "exact" || how == "exactname":
		return t.Name == text
	}
	return strings.Contains(strings.ToLower(t.Name), strings.ToLower(text))
}

// window reads two ISO 8601 times; a bare date needs its Z.
func window(from, to string) (since, until time.Time, ok bool) {
	read := func(text string, end bool) (time.Time, bool) {
		if text == "" {
			return time.Time{}, true
		}
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00",
			"2006-01-02Z07:00"} {
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
func order(all []*world.Transaction, by, direction string) {
	descending := strings.EqualFold(direction, "desc") || (direction == "" && by == "")
	slices.SortStableFunc(all, func(a, b *world.Transaction) int {
		var n int
		switch by {
		case "updated":
			n = a.State.Updated.Compare(b.State.Updated)
		case "completed":
			n = a.State.Completed.Compare(b.State.Completed)
		case "due":
			n = a.State.Due.Compare(b.State.Due)
		case "name":
			n = cmp.Compare(a.Name, b.Name)
		case "status":
			n = cmp.Compare(a.State.Word, b.State.Word)
		default:
			n = a.Born.Compare(b.Born)
		}
		if descending {
			return -n
		}
		return n
	})
}
