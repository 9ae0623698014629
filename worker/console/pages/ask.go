package pages

import (
	"net/url"
	"strconv"
	"strings"

	"countersign/model"
	"countersign/worker/console/access"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/orders"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// rowsOf reads the rows that a form names.
func rowsOf(r *page.Request) (out []model.Key, err error) {
	if out = rowsNamed(r.Query["row"]); len(out) != len(r.Query["row"]) {
		return nil, problem.New(problem.Invalid, "", problem.Fault{Location: "row", Message: r.Words.Say("problem.row")})
	}
	return out, nil
}

// rowsNamed are the rows that texts name: account, slash, ref. What names none is left out.
func rowsNamed(texts []string) (out []model.Key) {
	for _, v := range texts {
		if account, ref, ok := strings.Cut(v, "/"); ok && ref != "" && filter.IsText(v) {
			out = append(out, model.Key{Account: account, Ref: ref})
		}
	}
	return out
}

// askSheet says what asking about rows costs: those that are named, or all that a filter fits.
func (p *Pages) askSheet(r *page.Request) (v look.View, err error) {
	var f filter.Transactions
	if _, err = r.Filter(&f, "row", "of", "back"); err != nil {
		return v, err
	}
	back := access.Local(r.Query.Get("back"))
	s := page.Sheet{Action: "/transactions/ask", Back: back, Hidden: url.Values{"back": {back}},
		Do: r.Words.Say("common.ask")}
	var chosen []model.Key
	if r.Query.Get("of") == "all" {
		if chosen, err = p.keysOf(r, f); err != nil {
			return v, err
		}
		for name, all := range filter.Values(f) {
			s.Hidden[name] = all
		}
		s.Hidden.Set("of", "all")
		s.Hidden.Set("count", strconv.Itoa(len(chosen)))
	} else {
		if chosen, err = rowsOf(r); err != nil {
			return v, err
		}
		for _, k := range chosen {
			s.Hidden.Add("row", page.RowsValue(k))
			s.Verb = page.Verb("poll", "account", k.Account, "ref", k.Ref)
		}
		if len(chosen) != 1 {
			s.Verb = ""
		}
	}
	if len(chosen) == 0 {
		return v, problem.New(problem.Invalid, r.Words.Say("sheet.ask.none"))
	}
	byAccount := map[string]int{}
	for _, k := range chosen {
		byAccount[k.Account]++
	}
	s.Text = []string{r.Words.Count("sheet.ask.text", len(chosen))}
	if s.Costs, err = p.Costs(r, byAccount); err != nil {
		return v, err
	}
	return s.View(r.Words.Say("sheet.ask.title"), "transactions"), nil
}

// keysOf are the rows that a filter fits, if they are not too many for one order.
func (p *Pages) keysOf(r *page.Request, f filter.Transactions) ([]model.Key, error) {
	chosen, err := reads.Chosen(r.Context(), p.Reads, p.Reads.Transactions(), &f, "query")
	if err != nil {
		return nil, err
	}
	keys, err := p.Reads.Store.Keys(r.Context(), chosen, orders.MostAtOnce+1)
	if err == nil && len(keys) > orders.MostAtOnce {
		err = problem.New(problem.Invalid, r.Words.Say("sheet.toomany", "n", orders.MostAtOnce))
	}
	return keys, err
}

// ask queues the questions.
func (p *Pages) ask(r *page.Request) (to string, err error) {
	var queued []model.Run
	if r.Query.Get("of") == "all" {
		var f filter.Transactions
		filter.Read(&f, r.Query)
		count, cerr := strconv.Atoi(r.Query.Get("count"))
		if cerr != nil {
			return "", problem.New(problem.Invalid, "")
		}
		queued, err = orders.Poll(r.Context(), p.Reads, r.By(), f, count)
	} else {
		var keys []model.Key
		if keys, err = rowsOf(r); err != nil {
			return "", err
		}
		if len(keys) == 0 {
			return "", problem.New(problem.Invalid, r.Words.Say("sheet.ask.none"))
		}
		for _, k := range keys {
			if _, err := p.Reads.Transaction(r.Context(), k); err != nil {
				return "", err
			}
		}
		queued, err = orders.PollKeys(r.Context(), p.Reads, r.By(), keys)
	}
	return page.Asked(r.Query.Get("back"), queued), err
}
