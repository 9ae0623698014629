package pages

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
)

// accountsView is the report cards, side by side.
type accountsView struct {
	Accounts []accountCard
	Since    string
	Range    page.Range
}

// accounts shows how the accounts do, and their report cards.
func (p *Pages) accounts(r *page.Request) (v look.View, err error) {
	if err = r.None("since"); err != nil {
		return v, err
	}
	d := accountsView{Since: r.Query.Get("since")}
	if d.Accounts, err = p.cards(r.Context()); err != nil {
		return v, err
	}
	if err = p.sparks(r, d.Accounts); err != nil {
		return v, err
	}
	if d.Since != "" {
		if err = p.since(r, d.Accounts, d.Since); err != nil {
			return v, err
		}
	}
	values := url.Values{}
	if d.Since != "" {
		values.Set("since", d.Since)
	}
	d.Range = page.Ranges(r, "/accounts", values, "since", "until", p.Reads.Acts.Span)
	return look.View{Page: "accounts", Nav: "accounts", Title: r.Words.Say("nav.accounts"), Data: d,
		JSON: "/api/v1/accounts", Verb: page.Verb("gaps --summary", "since", d.Since)}, nil
}

// since reads the report cards of another time than the last 30 days.
func (p *Pages) since(r *page.Request, cards []accountCard, text string) error {
	at, err := p.Reads.Acts.Span(text, r.Now.UTC())
	if err != nil {
		return problem.New(problem.Invalid, "", problem.Fault{Location: "query.since", Message: r.Words.Say("problem.span")})
	}
	for i := range cards {
		if cards[i].Card == nil {
			continue
		}
		l, err := p.Reads.Acts.Ledger(r.Context(), cards[i].ID, at)
		if err != nil {
			return err
		}
		s := objects.OfLedger(l)
		cards[i].Card = &s
	}
	return nil
}

// accountView is one account.
type accountView struct {
	accountCard
	Standing []page.Incident // those that are open
	Config   string          // as it was understood; for operators
}

// account shows one account.
func (p *Pages) account(r *page.Request) (v look.View, err error) {
	if err = r.None(); err != nil {
		return v, err
	}
	name := r.Part("account")
	all, err := p.cards(r.Context())
	if err != nil {
		return v, err
	}
	i := slices.IndexFunc(all, func(c accountCard) bool { return c.ID == name })
	if i < 0 {
		return v, store.ErrNoRow
	}
	d := accountView{accountCard: all[i]}
	open, err := p.Reads.OpenIncidents(r.Context())
	if err != nil {
		return v, err
	}
	open = slices.DeleteFunc(slices.Clone(open), func(one model.Incident) bool { return one.Account != name })
	if d.Standing, err = p.Incidents(r, open); err != nil {
		return v, err
	}
	if access.WhoOf(r.Context()).May() && p.Reads.Acts.Config != nil {
		d.Config, err = p.Reads.Acts.Config(name)
		if err != nil && !errors.Is(err, acts.ErrUnknownAccount) {
			return v, err
		}
	}
	return look.View{Page: "account", Nav: "accounts", Title: name, Data: d,
		JSON: "/api/v1/accounts/" + url.PathEscape(name), Verb: page.Verb("status", "account", name)}, nil
}

func tiers() []string { return []string{"active", "idle", "audit"} }

// known is an account of the config, so that its provider may be asked.
func (p *Pages) known(r *page.Request) (objects.Account, error) {
	a, err := p.Reads.Account(r.Context(), r.Part("account"))
	if err == nil && !a.Configured {
		err = acts.Refusal{Why: r.Words.Say("sheet.removed")}
	}
	return a, err
}

// pollSheet says what the passes of an account's slots cost.
func (p *Pages) pollSheet(r *page.Request) (v look.View, err error) {
	if err = r.None("tier"); err != nil {
		return v, err
	}
	a, err := p.known(r)
	if err != nil {
		return v, err
	}
	s := page.Sheet{Action: "/accounts/" + url.PathEscape(a.ID) + "/poll", Back: "/accounts/" + url.PathEscape(a.ID),
		Text: []string{r.Words.Say("sheet.poll.text", "account", a.ID)}, Do: r.Words.Say("sheet.poll.do"),
		Verb: page.Verb("poll", "account", a.ID)}
	if s.Costs, err = p.Costs(r, map[string]int{a.ID: a.Open}); err != nil {
		return v, err
	}
	for _, tier := range tiers() {
		s.Fields = append(s.Fields, page.Field{Name: "tier", Value: tier, Kind: "tick", Ticked: tier == "active",
			Label: r.Words.Word("sheet.tier", tier)})
	}
	return s.View(r.Words.Say("sheet.poll.title"), "accounts"), nil
}

// poll queues the passes.
func (p *Pages) poll(r *page.Request) (to string, err error) {
	a, err := p.known(r)
	if err != nil {
		return "", err
	}
	chosen := r.Query["tier"]
	for _, tier := range chosen {
		if !slices.Contains(tiers(), tier) {
			return "", problem.New(problem.Invalid, "", problem.Fault{Location: "tier", Message: r.Words.Say("problem.value")})
		}
	}
	if len(chosen) == 0 {
		return "", problem.New(problem.Invalid, r.Words.Say("sheet.poll.none"))
	}
	queued, err := p.Reads.Acts.PollTiers(r.Context(), r.By(), a.ID, chosen)
	return page.Asked("/accounts/"+url.PathEscape(a.ID), queued), err
}

// trackSheet asks which transactions to follow.
func (p *Pages) trackSheet(r *page.Request) (v look.View, err error) {
	if err = r.None("ref"); err != nil {
		return v, err
	}
	a, err := p.known(r)
	if err != nil {
		return v, err
	}
	path := "/accounts/" + url.PathEscape(a.ID)
	s := page.Sheet{Action: path + "/track", Back: path, Text: []string{r.Words.Say("sheet.track.text", "account", a.ID)},
		Do: r.Words.Say("transactions.track"), Verb: "countersign track " + look.Quote(a.ID) + " REF...",
		Fields: []page.Field{{Name: "refs", Kind: "lines", Label: r.Words.Say("sheet.track.refs"),
			Value: objects.Plain(r.Query.Get("ref")), Hint: r.Words.Say("sheet.track.hint")}}}
	return s.View(r.Words.Say("sheet.track.title"), "accounts"), nil
}

// mostTracked is how many refs one form may name.
const mostTracked = 10_000

// track follows refs, and leads to the one that was named or to the account's newest rows.
func (p *Pages) track(r *page.Request) (to string, err error) {
	a, err := p.known(r)
	if err != nil {
		return "", err
	}
	refs := strings.Fields(r.Query.Get("refs"))
	for _, ref := range refs {
		if len(ref) > 1024 || !filter.IsText(ref) {
			return "", problem.New(problem.Invalid, "", problem.Fault{Location: "refs", Message: r.Words.Say("problem.ref")})
		}
	}
	switch {
	case len(refs) == 0:
		return "", problem.New(problem.Invalid, r.Words.Say("sheet.track.none"))
	case len(refs) > mostTracked:
		return "", problem.New(problem.Invalid, r.Words.Say("sheet.toomany", "n", mostTracked))
	}
	if _, err = p.Reads.Acts.Track(r.Context(), r.By(), a.ID, refs); err != nil {
		return "", err
	}
	if len(refs) == 1 {
		return p.Look.Local(a.ID, refs[0]), nil
	}
	return page.With("/transactions", url.Values{"account": {a.ID}}), nil
}

// settingsView is what this console is.
type settingsView struct {
	Config string
	Tokens []store.ConsoleToken
	Zone   string
	Now    time.Time
}

// settings shows the config as it was understood, and what somebody prefers.
func (p *Pages) settings(r *page.Request) (v look.View, err error) {
	if err = r.None(); err != nil {
		return v, err
	}
	d := settingsView{Now: r.Now}
	if access.WhoOf(r.Context()).May() {
		if d.Tokens, err = p.Reads.Store.ConsoleTokens(r.Context()); err != nil {
			return v, err
		}
		if p.Reads.Acts.Config != nil {
			if d.Config, err = p.Reads.Acts.Config(""); err != nil {
				return v, err
			}
		}
	}
	return look.View{Page: "settings", Nav: "settings", Title: r.Words.Say("nav.settings"), Data: d,
		Verb: "countersign config show"}, nil
}
