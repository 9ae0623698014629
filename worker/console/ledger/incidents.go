package ledger

import (
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/page"
	"countersign/worker/console/reads"
)

// IncidentsView is what the page of incidents shows: those that are over, and before them those that are open.
type IncidentsView struct {
	List[model.Incident]
	Open []model.Incident
}

func (p *Pages) incidents(r *page.Request) (view look.View, err error) {
	f, list, err := read(p, r, reading[filter.Incidents, store.PageFilter, model.Incident]{
		list: p.Reads.Incidents(), path: "/incidents",
	})
	if err != nil {
		return view, err
	}
	accounts, err := p.accounts(r)
	if err != nil {
		return view, err
	}
	v := IncidentsView{List: as[model.Incident, model.Incident](list, nil)}
	for _, i := range list.Rows {
		switch {
		case i.ClosedAt != nil:
			v.Rows = append(v.Rows, i)
		case f.State == "open":
			v.Open = append(v.Open, i)
		}
	}
	var kinds []Option
	for _, kind := range model.IncidentKinds() {
		kinds = append(kinds, Option{Value: kind, Text: r.Words.Say("incident." + kind + ".title")})
	}
	v.choose(accounts, Field{Name: "kind", Label: r.Words.Say("common.kind"), Options: kinds},
		Field{Name: "state", Label: r.Words.Say("incidents.state"), Options: []Option{
			{Value: "open", Text: r.Words.Say("incidents.open")}, {Value: "closed", Text: r.Words.Say("incidents.closed")}}})
	v.over(p, r)
	if f.State == "" && list.First == "" {
		only := f
		only.State = "open"
		if v.Open, _, err = reads.Page(r.Context(), p.Reads, p.Reads.Incidents(), &only, mostOpen, ""); err != nil {
			return view, err
		}
	}
	return look.View{Page: "incidents", Nav: "incidents", Title: r.Words.Say("nav.incidents"), Data: v, Live: "incident",
		JSON: page.With("/api/v1/incidents", v.Values), Verb: page.Verb("status")}, nil
}

// mostOpen is how many open incidents stand before the others.
const mostOpen = 100
