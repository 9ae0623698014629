package documenso

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// list answers GET /envelope: those of the team that lie in one folder, or, where none is named,
// those that lie in none. Parameters that it does not know it leaves aside.
func (x api) list(c world.Call) wire.Answer {
	const procedure = "envelope.find"
	q := c.URL.Query()
	page, size, issue := paging(q, 10)
	if issue == nil {
		issue = listIssue(q)
	}
	if issue != nil {
		return x.invalid(procedure, issue)
	}
	var found []*world.Transaction
	for t := range x.desk.Living() {
		if x.Listable(&t.State) && dataOf(t).team == x.team && x.fits(t, q) {
			found = append(found, t)
		}
	}
	ascending := q.Get("orderByColumn") != "" && q.Get("orderByDirection") == "asc"
	slices.SortStableFunc(found, func(a, b *world.Transaction) int {
		if ascending {
			return a.Born.Compare(b.Born)
		}
		return b.Born.Compare(a.Born)
	})
	first, claimed := x.desk.Begin((page-1)*size, size, len(found))
	first = min(first, len(found))
	data := []any{}
	for _, t := range found[first:min(first+size, len(found))] {
		t.Shown(&t.State, c.Now)
		data = append(data, x.listedJSON(t, &t.State))
	}
	return paged(x.desk.Page(data, "id", "title"), claimed, page, size)
}

func paged(data []any, count, page, size int) wire.Answer {
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
		"data": data, "count": count, "currentPage": page, "perPage": size, "totalPages": (count + size - 1) / size,
	})
}

// paging reads page and perPage, or says what is wrong with them.
func paging(q url.Values, otherwise int) (page, size int, issue wire.Object) {
	page, ok1 := wire.Number(q.Get("page"), 1)
	size, ok2 := wire.Number(q.Get("perPage"), otherwise)
	switch {
	case !ok1 || page < 1:
		issue = outOfRange("page", 1, false)
	case !ok2 || size < 1:
		issue = outOfRange("perPage", 1, false)
	case size > 100:
		issue = outOfRange("perPage", 100, true)
	}
	return page, size, issue
}

// listIssue says what is wrong with a list's words; two of one are as wrong as an unknown one.
func listIssue(q url.Values) wire.Object {
	for field, words := range map[string][]string{
		"status": {"DRAFT", "PENDING", "COMPLETED", "REJECTED", "CANCELLED"}, "type": {"DOCUMENT", "TEMPLATE"},
		"orderByColumn":    {"createdAt"},
		"orderByDirection": {"asc", "desc"}, "source": {"DOCUMENT", "TEMPLATE", "TEMPLATE_DIRECT_LINK"},
		"hasExpiredRecipients": {"true", "false"},
	} {
		got := strings.Join(q[field], ",")
		if q.Has(field) && !slices.Contains(words, got) {
			return noSuchWord(field, got, words...)
		}
	}
	return nil
}

// fits says whether an envelope is one that a query asks for.
func (x api) fits(t *world.Transaction, q url.Values) bool {
	if q.Has("folderId") { // an empty one is the id of no folder
		if folder := q.Get("folderId"); folder == "" || dataOf(t).folder != folder {
			return false
		}
	} else if dataOf(t).folder != "" {
		return false
	}
	form, source := "DOCUMENT", "DOCUMENT"
	if t.Form == "TEMPLATE" {
		form = t.Form
	}
	if t.Form == "TEMPLATE" || dataOf(t).templateID != 0 {
		source = "TEMPLATE"
	}
	is := func(field, value string) bool { return q.Get(field) == "" || q.Get(field) == value }
	return is("type", form) && is("status", t.State.Word) && is("source", source) &&
		is("templateId", fmt.Sprint(dataOf(t).templateID)) && is("hasExpiredRecipients",
		strconv.FormatBool(x.ranOut(&t.State))) && mentions(t, q.Get("query"))
}

func (x api) ranOut(s *life.State) bool {
	return slices.ContainsFunc(s.People, func(p life.Person) bool { return !p.Notified.IsZero() })
}

// mentions says whether a text stands in a title, an own id, or a recipient's name or address.
func mentions(t *world.Transaction, text string) bool {
	all := []string{t.Name, t.ExternalID}
	for _, p := range slices.Concat(t.State.People, dataOf(t).copies) {
		all = append(all, p.Name, p.Email)
	}
	return slices.ContainsFunc(all, func(s string) bool {
		return strings.Contains(strings.ToLower(s),
			strings.ToLower(text))
	})
}

// folderList answers GET /folder: the folders in one folder, or the outermost ones.
func (x api) folderList(c world.Call) wire.Answer {
	q := c.URL.Query()
	page, size, issue := paging(q, 10)
	if form := q.Get("type"); issue == nil && form != "" && form != "DOCUMENT" && form != "TEMPLATE" {
		issue = noSuchWord("type", form, "DOCUMENT", "TEMPLATE")
	}
	if issue != nil {
		return x.invalid("folder.findFolders", issue)
	}
	var found []folder
	for _, f := range x.folders {
		if f.parent == q.Get("parentId") && (q.Get("type") == "" || f.form == q.Get("type")) {
			found = append(found, f)
		}
	}
	data := []any{}
	first, claimed := x.desk.Begin((page-1)*size, size, len(found))
	first = min(first, len(found))
	for _, f := range found[first:min(first+size, len(found))] {
		data = append(data, wire.Object{
			"id": f.id, "name": f.name, "userId": x.ownerID, "teamId": x.team, "parentId": wire.OrNull(f.parent),
			"pinned":    false,
			"createdAt": milliseconds(f.made), "updatedAt": milliseconds(f.made), "visibility": "EVERYONE", "type": f.form,
		})
	}
	return paged(x.desk.Page(data, "id", "name"), claimed, page, size)
}
