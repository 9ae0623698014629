package pages

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/page"
	"countersign/worker/console/reads"
)

// pageSize is how many rows a list shows.
const pageSize = 50

// transactionsView is the list of transactions.
type transactionsView struct {
	Filter  filter.Transactions
	Values  url.Values // of the filter, as it stands in an address
	Rows    []listedRow
	Count   page.Counted
	All     int
	Chips   []page.Chip
	Range   page.Range
	Choices choices
	page.Turns
	Further string // where more rows are looked through, also for what stands inside a word
	Looked  int    // rows that were looked through, of Of; 0: the index of words knew
	Of      int
	Export  map[string]string // by format
	Views   []store.SavedView
}

// choices are what the filters offer.
type choices struct {
	Accounts, Providers []string
	Statuses            []model.Status
	Flags               []string
}

// listedRow is one row of the list.
type listedRow struct {
	model.Transaction
	ID    string              // of its element
	Value string              // in forms
	Held  model.DocumentState // the worst of its files that did not come or are kept apart; "": none
}

func (p *Pages) listed(r *page.Request, rows []model.Transaction) ([]listedRow, error) {
	out := make([]listedRow, len(rows))
	var lacking []model.Key
	for _, t := range rows {
		if t.DocsStored < t.DocsTotal {
			lacking = append(lacking, t.Key())
		}
	}
	held, err := p.Reads.Store.Held(r.Context(), lacking)
	for i, t := range rows {
		out[i] = listedRow{t, rowID(t.Key()), page.RowsValue(t.Key()), worst(held[t.Key()])}
	}
	return out, err
}

// worst is the state of files that asks the most of somebody; "" where there is none.
func worst(states []model.DocumentState) model.DocumentState {
	for _, s := range []model.DocumentState{model.DocumentQuarantined, model.DocumentFailed, model.DocumentUnobtainable} {
		if slices.Contains(states, s) {
			return s
		}
	}
	return ""
}

// rowID is the id of a row's element: refs have letters that ids have not.
func rowID(k model.Key) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s", k.Account, k.Ref)
	return fmt.Sprintf("t-%08x", h.Sum32())
}

// transactions is the list.
func (p *Pages) transactions(r *page.Request) (v look.View, err error) {
	var f filter.Transactions
	cursor, err := r.Filter(&f, "only")
	if err != nil {
		return v, err
	}
	if r.Query.Has("only") {
		return p.only(r)
	}
	rows, next, looked, err := p.Reads.Search(r.Context(), &f, pageSize, cursor)
	if err != nil {
		return v, err
	}
	values := filter.Values(f)
	d := transactionsView{Filter: f, Values: values}
	if d.Rows, err = p.listed(r, rows); err != nil {
		return v, err
	}
	if d.Views, err = p.Reads.Store.SavedViews(r.Context(), access.WhoOf(r.Context()).Name); err != nil {
		return v, err
	}
	if d.Count, d.All, err = p.counted(r, f, len(rows), next == "" && cursor == ""); err != nil {
		return v, err
	}
	if d.Choices, err = p.choices(r); err != nil {
		return v, err
	}
	d.Chips = page.Chips(r, "/transactions", &f)
	d.Range = page.Ranges(r, "/transactions", values, "changed_since", "changed_until", p.Reads.Acts.Span)
	d.Turns = page.TurnsOf("/transactions", values, cursor, next)
	if looked != nil {
		d.Looked, d.Of = looked.Through, looked.Of
		if looked.Further != "" {
			d.Further = page.With("/transactions", values, "cursor", filter.Behind(cursor, looked.Further))
		}
	}
	d.Export = page.Exports("transactions", values)
	return look.View{Page: "transactions", Nav: "transactions", Title: r.Words.Say("nav.transactions"), Data: d,
		Live: "status confirmed flag attention document forgotten", JSON: page.With("/api/v1/transactions", values),
		Verb: page.Verb("list", "account", f.Account, "status", f.Status, "changed-since", f.ChangedSince, "external-id",
			f.ExternalID, "search", f.Search, "attention", f.Attention == "true")}, nil
}

// only is the list of rows that are named, for the page's script: rows that it shows and that no list has any more.
func (p *Pages) only(r *page.Request) (v look.View, err error) {
	d := transactionsView{Count: page.Counted{Known: true}}
	var rows []model.Transaction
	for _, k := range rowsNamed(r.Query["only"][:min(len(r.Query["only"]), pageSize)]) {
		t, err := p.Reads.Transaction(r.Context(), k)
		if err != nil {
			continue // it is gone: the page's row stays as it was
		}
		rows = append(rows, t)
	}
	if d.Rows, err = p.listed(r, rows); err != nil {
		return v, err
	}
	d.Count.N = len(d.Rows)
	return look.View{Page: "transactions", Nav: "transactions", Title: r.Words.Say("nav.transactions"), Data: d}, nil
}

// counted is how many rows a filter fits, and how many there are.
func (p *Pages) counted(r *page.Request, f filter.Transactions, shown int, whole bool) (n page.Counted, all int, err error) {
	c, err := p.Reads.Counts(r.Context())
	if err != nil {
		return n, 0, err
	}
	all = c.Rows
	only := f
	only.Status, only.Order = nil, ""
	switch {
	case whole:
		return page.Counted{N: shown, Known: true}, max(all, shown), nil // all may be some seconds old
	case len(filter.Values(only)) == 0 && len(f.Status) == 0:
		return page.Counted{N: all, Known: true}, all, nil
	case len(filter.Values(only)) == 0:
		for _, s := range f.Status {
			n.N += c.Statuses[s]
		}
		return page.Counted{N: n.N, Known: true}, all, nil
	case f.Search != "":
		return page.Counted{}, all, nil
	}
	chosen, err := reads.Chosen(r.Context(), p.Reads, p.Reads.Transactions(), &f, "query")
	if err != nil {
		return n, all, err
	}
	fits, known, err := p.Reads.Store.CountSome(r.Context(), chosen, mostCounted)
	return page.Counted{N: min(fits, mostCounted), Known: known, More: fits > mostCounted}, all, err
}

// mostCounted is how far rows are counted.
const mostCounted = 10_000

// choices are what the filters offer.
func (p *Pages) choices(r *page.Request) (c choices, err error) {
	accounts, err := p.Reads.Store.Accounts(r.Context())
	for _, a := range accounts {
		c.Accounts = append(c.Accounts, a.ID)
		if !slices.Contains(c.Providers, a.Provider) {
			c.Providers = append(c.Providers, a.Provider)
		}
	}
	c.Statuses, c.Flags = model.Statuses(), store.Flags()
	return c, err
}
