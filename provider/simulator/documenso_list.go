package simulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// list answers GET /envelope: those of the team that lie in one folder, or, where none is named,
// those that lie in none. Parameters that it does not know it leaves aside.
func (x *documenso) list(c call) answer {
	const procedure = "envelope.find"
	q := c.URL.Query()
	page, size, issue := paging(q, 10)
	if issue == nil {
		issue = listIssue(q)
	}
	if issue != nil {
		return x.invalid(procedure, issue)
	}
	var found []*transaction
	for _, t := range x.desk.world.txs {
		if t.desk == x.desk && t.alive() && x.listable(&t.state) && t.paper.team == x.team && x.fits(t, q) {
			found = append(found, t)
		}
	}
	ascending := q.Get("orderByColumn") != "" && q.Get("orderByDirection") == "asc"
	slices.SortStableFunc(found, func(a, b *transaction) int {
		if ascending {
			return a.born.Compare(b.born)
		}
		return b.born.Compare(a.born)
	})
	first := x.desk.world.shift(min((page-1)*size, len(found)), len(found))
	data := []any{}
	for _, t := range found[first:min(first+size, len(found))] {
		t.shown(&t.state, c.now)
		data = append(data, x.listedJSON(t, &t.state))
	}
	return paged(data, len(found), page, size)
}

func paged(data []any, count, page, size int) answer {
	return replyJSON(http.StatusOK, "application/json", object{
		"data": data, "count": count, "currentPage": page, "perPage": size, "totalPages": (count + size - 1) / size,
	})
}

// paging reads page and perPage, or says what is wrong with them.
func paging(q url.Values, otherwise int) (page, size int, issue object) {
	page, ok1 := number(q.Get("page"), 1)
	size, ok2 := number(q.Get("perPage"), otherwise)
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
func listIssue(q url.Values) object {
	for field, words := range map[string][]string{
		"status": {"DRAFT", "PENDING", "COMPLETED", "REJECTED", "CANCELLED"}, "type": {"DOCUMENT", "TEMPLATE"}, "orderByColumn": {"createdAt"},
		"orderByDirection": {"asc", "desc"}, "source": {"DOCUMENT", "TEMPLATE", "TEMPLATE_DIRECT_LINK"}, "hasExpiredRecipients": {"true", "false"},
	} {
		got := strings.Join(q[field], ",")
		if q.Has(field) && !slices.Contains(words, got) {
			return noSuchWord(field, got, words...)
		}
	}
	return nil
}

// fits says whether an envelope is one that a query asks for.
func (x *documenso) fits(t *transaction, q url.Values) bool {
	if q.Has("folderId") { // an empty one is the id of no folder
		if folder := q.Get("folderId"); folder == "" || t.paper.folder != folder {
			return false
		}
	} else if t.paper.folder != "" {
		return false
	}
	form, source := "DOCUMENT", "DOCUMENT"
	if t.form == "TEMPLATE" {
		form = t.form
	}
	if t.form == "TEMPLATE" || t.paper.templateID != 0 {
		source = "TEMPLATE"
	}
	is := func(field, value string) bool { return q.Get(field) == "" || q.Get(field) == value }
	return is("type", form) && is("status", t.state.word) && is("source", source) &&
		is("templateId", fmt.Sprint(t.paper.templateID)) && is("hasExpiredRecipients", word(x.ranOut(&t.state))) && t.mentions(q.Get("query"))
}

func (x *documenso) ranOut(s *state) bool {
	return slices.ContainsFunc(s.people, func(p person) bool { return !p.notified.IsZero() })
}

// mentions says whether a text stands in a title, an own id, or a recipient's name or address.
func (t *transaction) mentions(text string) bool {
	all := []string{t.name, t.externalID}
	for _, p := range slices.Concat(t.state.people, t.paper.copies) {
		all = append(all, p.name, p.email)
	}
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(text)) })
}

// folderList answers GET /folder: the folders in one folder, or the outermost ones.
func (x *documenso) folderList(c call) answer {
	q := c.URL.Query()
	page, size, issue := paging(q, 10)
	if form := q.Get("type"); issue == nil && form != "" && form != "DOCUMENT" && form != "TEMPLATE" {
		issue = noSuchWord("type", form, "DOCUMENT", "TEMPLATE")
	}
	if issue != nil {
		return x.invalid("folder.findFolders", issue)
	}
	var found []documensoFolder
	for _, f := range x.folders {
		if f.parent == q.Get("parentId") && (q.Get("type") == "" || f.form == q.Get("type")) {
			found = append(found, f)
		}
	}
	data := []any{}
	first := min((page-1)*size, len(found))
	for _, f := range found[first:min(first+size, len(found))] {
		data = append(data, object{
			"id": f.id, "name": f.name, "userId": x.ownerID, "teamId": x.team, "parentId": orNull(f.parent), "pinned": false,
			"createdAt": milliseconds(f.made), "updatedAt": milliseconds(f.made), "visibility": "EVERYONE", "type": f.form,
		})
	}
	return paged(data, len(found), page, size)
}
