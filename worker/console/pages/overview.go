package pages

import (
	"cmp"
	"context"
	"html/template"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// overviewView is the first page.
type overviewView struct {
	Incidents []model.Incident
	Counts    reads.Counts
	Old       bool // the counts are older than ten seconds
	Today     string
	Told      told
	Accounts  []accountCard
	Changes   []namedChange
}

// told is what callbacks told of the last 30 days.
type told struct {
	model.Share
	Since     time.Time
	Objective float64 // of 1
	Used      *float64
	Bars      template.HTML
}

// accountCard is how one account does, and what callbacks told of it.
type accountCard struct {
	objects.Account
	Card *objects.Summary // nil: it was taken out of the config
}

// namedChange is a change, and what the transaction is called.
type namedChange struct {
	model.Change
	Name string
}

// Reads is how the budget of questions stands; nil: it has none.
func (c accountCard) Reads() *objects.BudgetUse {
	for i := range c.BudgetUse {
		if u := &c.BudgetUse[i]; u.Class == "read" && u.Limit > 0 {
			return u
		}
	}
	return nil
}

// From is the day from which its report card counts; "": it has none.
func (c accountCard) From() string {
	if c.Card == nil || c.Card.Since.Time() == nil {
		return ""
	}
	return c.Card.Since.Time().UTC().Format(time.DateOnly)
}

const newestChanges = 10

// overview is the first page, or the screen on the wall.
func (p *Pages) overview(r *page.Request) (v look.View, err error) {
	if err = r.None("view"); err != nil {
		return v, err
	}
	view := r.Query.Get("view")
	if view != "" && view != "wall" {
		return v, problem.New(problem.Invalid, "", problem.Fault{Location: "query.view", Message: r.Words.Say("problem.value")})
	}
	ctx := r.Context()
	d := overviewView{Today: r.Now.UTC().Format(time.DateOnly)}
	if d.Incidents, err = p.Reads.OpenIncidents(ctx); err != nil {
		return v, err
	}
	if d.Counts, err = p.Reads.Counts(ctx); err != nil {
		return v, err
	}
	d.Old = r.Now.Sub(d.Counts.At) > 10*time.Second
	if d.Accounts, err = p.cards(ctx); err != nil {
		return v, err
	}
	if d.Told, err = p.told(r, d.Accounts); err != nil {
		return v, err
	}
	if d.Changes, err = p.newest(ctx); err != nil {
		return v, err
	}
	return look.View{Page: "overview", Nav: "overview", Title: r.Words.Say("nav.overview"), Data: d, Wall: view == "wall", JSON: "/api/v1/status",
		Verb: "countersign status"}, nil
}

// cards are the accounts, those with an open incident first.
func (p *Pages) cards(ctx context.Context) (out []accountCard, err error) {
	accounts, err := p.Reads.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	summaries, err := p.Reads.Summaries(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		c := accountCard{Account: a}
		if i := slices.IndexFunc(summaries, func(s objects.Summary) bool { return s.Account == a.ID }); i >= 0 {
			c.Card = &summaries[i]
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b accountCard) int {
		return min(1, len(b.Incidents)) - min(1, len(a.Incidents))
	})
	return out, nil
}

// told sums up the last 30 days, and draws them.
func (p *Pages) told(r *page.Request, accounts []accountCard) (t told, err error) {
	days, err := p.Reads.Days(r.Context())
	if err != nil {
		return t, err
	}
	t.Since = days.Since
	for _, s := range days.Shares {
		t.Share = objects.Plus(t.Share, s.Share)
	}
	for _, a := range accounts {
		if a.Card != nil {
			t.Objective = a.Card.Objective
		}
	}
	if used, ok := objects.Used(t.Share, t.Objective*100); ok {
		t.Used = &used
	}
	t.Bars, err = p.Days(r, days, days.Since, nil, r.Words.Say("overview.chart", "told", t.Reported, "untold",
		objects.Unreported(t.Share)))
	return t, err
}

// newest are the newest changes of statuses, the newest first.
func (p *Pages) newest(ctx context.Context) (named []namedChange, err error) {
	var out []model.Change
	_, last, err := p.Reads.Store.Feed(ctx)
	if err != nil {
		return nil, err
	}
	for back := int64(100); ; back *= 10 { // most changes are of other kinds, at times
		out, _, err = p.Reads.Store.ChangesOfKind(ctx, store.ChangeFilter{After: max(0, last-back), Limit: 1000,
			Kinds: []string{string(model.KindStatus)}})
		if err != nil || len(out) >= newestChanges || back >= min(last, 1000) {
			break
		}
	}
	slices.Reverse(out)
	for _, c := range out[:min(len(out), newestChanges)] {
		t, err := p.Reads.Transaction(ctx, model.Key{Account: c.Account, Ref: c.Ref})
		if err != nil {
			continue // it was forgotten meanwhile
		}
		named = append(named, namedChange{c, cmp.Or(t.Name, t.Ref)})
	}
	return named, err
}
