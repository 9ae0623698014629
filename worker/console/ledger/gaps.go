package ledger

import (
	"html/template"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/story"
)

// GapsView is what the page of gaps shows.
type GapsView struct {
	List[Gap]
	Cards  []Card // of each account that is chosen
	Total  Total
	Kinds  []KindCount
	Chart  template.HTML
	Since  time.Time
	CardAt string // the cards, to be printed
	ListAt string
}

// Gap is one entry of the ledger.
type Gap struct {
	model.Gap
	Name   string // of its transaction
	What   string // changed
	Untold *story.Untold
	By     story.Source
}

// always is a day before every gap.
const always = "2000-01-01"

// since lets the whole ledger be chosen, where an address that says nothing means the last month.
func (v *GapsView) since(f filter.Gaps) {
	all := &v.Range.Spans[len(v.Range.Spans)-1]
	all.To, all.Now = page.With(v.Path, v.Values, "since", always, "until", ""), f.Since == always
	v.Chips = slices.DeleteFunc(v.Chips, func(c page.Chip) bool { return c.Value == month })
}

// month is how far the ledger looks back where the address does not say.
const month = "30d"

// KindCount is how many gaps are of a kind, with the list of them.
type KindCount struct {
	Kind model.GapKind
	N    int
	Href string
}

// Total is what the ledgers come to.
type Total struct {
	model.Share
	Objective float64 // 0 to 1
	Below     bool
	Used      *float64 // how often the error budget is used up; nil: there is none
}

// Untold is how many changes no callback told in time.
func (t Total) Untold() int { return objects.Unreported(t.Share) }

// NotCounted is how many changes are not the callbacks' fault.
func (t Total) NotCounted() int { return t.Unsubscribed + t.NoEvent }

// Card is the report card of an account.
type Card struct {
	objects.Summary
	Below  bool
	Firsts []First
}

// First is how many changes a channel told first.
type First struct {
	Channel string
	Changes int
}

const cardView = "card"

func (p *Pages) gaps(r *page.Request) (view look.View, err error) {
	f, list, err := read(p, r, reading[filter.Gaps, store.PageFilter, model.Gap]{
		list: p.Reads.Gaps(), path: "/gaps", also: []string{"view"}, without: lastMonth, export: "gaps",
	})
	if err != nil {
		return view, err
	}
	accounts, err := p.accounts(r)
	if err != nil {
		return view, err
	}
	v := GapsView{}
	if v.List, err = p.gapLines(r, list); err != nil {
		return view, err
	}
	v.choose(accounts, Field{Name: "kind", Label: r.Words.Say("common.kind"), Options: options(r.Words, "gapkind",
		[]model.GapKind{model.GapMissed, model.GapLate, model.GapRefused, model.GapUnsubscribed, model.GapNoEvent})},
		Field{Name: "change", Label: r.Words.Say("gaps.change"), Options: options(r.Words, "gapchange", []model.GapChange{
			model.ChangeCreated, model.ChangeStatus, model.ChangeArchived, model.ChangeTrashed, model.ChangeSigner})})
	v.over(p, r)
	v.since(f)
	if v.Since, err = p.Reads.Acts.Span(f.Since, r.Now.UTC()); err != nil {
		return view, err
	}
	if err := p.cards(r, &v, accounts, f); err != nil {
		return view, err
	}
	if v.Chart, err = p.untoldByDay(r, f, v); err != nil {
		return view, err
	}
	v.kinds()
	v.ListAt, v.CardAt = page.With(v.Path, v.Values), page.With(v.Path, v.Values, "view", cardView)
	view = look.View{Page: "gaps", Nav: "gaps", Title: r.Words.Say("nav.gaps"), Data: v, Live: "gap",
		JSON: page.With("/api/v1/gaps", v.Values), Verb: page.Verb("gaps", "since", f.Since, "account", single(f.Account))}
	if r.Query.Get("view") == cardView {
		view.Page, view.Sheet, view.Live = "gaps_card", true, ""
	}
	return view, nil
}

// kinds says how many gaps are of each kind. They are counted by whole days, and so are the lists that they lead to.
func (v *GapsView) kinds() {
	for _, k := range []KindCount{
		{Kind: model.GapMissed, N: v.Total.Missed}, {Kind: model.GapLate, N: v.Total.Late},
		{Kind: model.GapRefused, N: v.Total.Refused}, {Kind: model.GapUnsubscribed, N: v.Total.Unsubscribed},
		{Kind: model.GapNoEvent, N: v.Total.NoEvent},
	} {
		k.Href = page.With(v.Path, v.Values, "kind", string(k.Kind), "since", v.Since.UTC().Format(time.DateOnly))
		v.Kinds = append(v.Kinds, k)
	}
}

// single is the one of a list; "" where there are none or more: verbs take one.
func single(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return ""
}

func lastMonth(f *filter.Gaps) {
	if f.Since == "" {
		f.Since = month
	}
}

// gapLines says what each gap is about.
func (p *Pages) gapLines(r *page.Request, list List[model.Gap]) (out List[Gap], err error) {
	key := func(g model.Gap) model.Key { return model.Key{Account: g.Account, Ref: g.Ref} }
	of, err := rowsOf(p, r, list.Rows, key)
	if err != nil {
		return out, err
	}
	var sources []string
	for _, g := range list.Rows {
		sources = append(sources, g.FoundBy)
	}
	runs, err := RunsNamed(r.Context(), p.Reads.Store, sources)
	if err != nil {
		return out, err
	}
	out = as[model.Gap, Gap](list, nil)
	for _, g := range list.Rows {
		line := GapOf(story.Input{Row: objects.Row{Transaction: of[key(g)]}, Words: r.Words, Zone: look.ZoneOf(r.Request),
			Runs: runs, Now: r.Now}, g)
		line.Name = nameOf(of, key(g))
		out.Rows = append(out.Rows, line)
	}
	return out, nil
}

// GapOf says what a gap is about. in is the story of its transaction.
func GapOf(in story.Input, g model.Gap) Gap {
	return Gap{Gap: g, What: in.Missing(g), Untold: in.Untold(g), By: in.Source(g.FoundBy)}
}

// cards reads the report card of each account that is chosen, and adds them up.
func (p *Pages) cards(r *page.Request, v *GapsView, accounts Field, f filter.Gaps) error {
	for _, a := range accounts.Options {
		if len(f.Account) > 0 && !slices.Contains(f.Account, a.Value) {
			continue
		}
		l, err := p.Reads.Ledger(r.Context(), a.Value, v.Since)
		if err != nil {
			return err
		}
		c := Card{Summary: objects.OfLedger(l), Below: objects.Below(l.Share, l.Wanted)}
		for _, channel := range model.Channels() {
			if n := l.Firsts[channel]; n > 0 {
				c.Firsts = append(c.Firsts, First{string(channel), n})
			}
		}
		v.Cards = append(v.Cards, c)
		v.Total.add(l)
	}
	return nil
}

// add adds the ledger of one more account.
func (t *Total) add(l objects.Ledger) {
	t.Share = objects.Plus(t.Share, l.Share)
	t.Objective, t.Below, t.Used = l.Wanted/100, objects.Below(t.Share, l.Wanted), nil
	if used, ok := objects.Used(t.Share, l.Wanted); ok {
		t.Used = &used
	}
}

// untoldByDay draws what callbacks told and did not tell, of the days that are counted.
func (p *Pages) untoldByDay(r *page.Request, f filter.Gaps, v GapsView) (template.HTML, error) {
	days, err := p.Reads.Days(r.Context())
	if err != nil {
		return "", err
	}
	from := days.Since
	if v.Since.After(from) {
		from = v.Since
	}
	return p.Days(r, days, from, f.Account, r.Words.Say("gaps.chart.name", "from", r.Words.Date(from.UTC()), "told",
		v.Total.Reported, "untold", v.Total.Untold()))
}
