package pages

import (
	"net/url"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// find goes to the one transaction that fits, or to the list of those that do.
func (p *Pages) find(r *page.Request) (v look.View, err error) {
	var f struct {
		Q          string `query:"q"`
		Account    string `query:"account"`
		Ref        string `query:"ref"`
		ExternalID string `query:"external_id"`
		Show       string `query:"show"`
		View       string `query:"view"`
	}
	if _, err = r.Filter(&f); err != nil {
		return v, err
	}
	for name, v := range map[string]string{"q": f.Q, "account": f.Account, "ref": f.Ref, "external_id": f.ExternalID} {
		if !filter.IsText(v) || len(v) > 1024 {
			return look.View{}, problem.New(problem.Invalid, "", problem.Fault{Location: "query." + name,
				Message: r.Words.Say("problem.ref")})
		}
	}
	if f.Account != "" && f.Ref != "" {
		return p.Row(r, model.Key{Account: f.Account, Ref: f.Ref})
	}
	list := url.Values{}
	set := func(name, value string) {
		if value != "" {
			list.Set(name, value)
		}
	}
	set("account", f.Account)
	set("external_id", f.ExternalID)
	switch text := f.Q + f.Ref; {
	case text == "" && f.ExternalID == "":
		return v, page.See("/transactions")
	case text != "":
		set("search", text)
	}
	one, err := p.one(r, list)
	if err != nil {
		return v, err
	}
	if one != nil {
		if path := p.Look.Local(one.Account, one.Ref); path != r.URL.RequestURI() {
			return v, page.See(path)
		}
	}
	return v, page.See(page.With("/transactions", list))
}

// one is the one row that a list has; nil where it has none or more.
func (p *Pages) one(r *page.Request, list url.Values) (*model.Transaction, error) {
	var f filter.Transactions
	filter.Read(&f, list)
	if len(f.Search) > 200 {
		f.Search = f.Search[:0]
		f.ExternalID = list.Get("search")
	}
	chosen, err := reads.Chosen(r.Context(), p.Reads, p.Reads.Transactions(), &f, "query")
	if err != nil {
		return nil, err
	}
	chosen.Limit = 3
	var rows []model.Transaction
	if f.Search != "" {
		var found store.Found
		found, err = p.Reads.Store.Search(r.Context(), chosen)
		rows = found.Rows
		// a ref or own id that is the text itself goes before words that begin so
		for i, t := range rows {
			same := t.Ref == f.Search || t.ExternalID == f.Search
			next := i+1 < len(rows) && (rows[i+1].Ref == f.Search || rows[i+1].ExternalID == f.Search)
			if i == 0 && same && !next {
				return &rows[0], err
			}
		}
		if found.Next != "" && len(rows) < 2 {
			return nil, err // not all was looked through
		}
	} else {
		rows, _, err = p.Reads.Store.Transactions(r.Context(), chosen)
	}
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	return &rows[0], nil
}
