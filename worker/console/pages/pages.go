// Package pages is the first half of the console's pages: overview, transactions, accounts, settings.
package pages

import (
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"countersign/model"
	"countersign/worker/console/look"
	"countersign/worker/console/page"
)

// Pages are the pages. They are safe for concurrent use.
type Pages struct {
	*page.Server
	// Row is the page of one transaction.
	Row func(*page.Request, model.Key) (look.View, error)
}

// New registers the pages on r, whose requests have been let in already.
func New(r chi.Router, s *page.Server, row func(*page.Request, model.Key) (look.View, error)) *Pages {
	p := &Pages{s, row}
	r.Get("/", s.Get(p.overview))
	r.Post("/preferences", s.Look.Prefer)
	r.Get("/keys", s.Get(p.keys))
	r.Get("/transactions", s.Get(p.transactions))
	r.Get("/transactions/ask", s.Get(p.askSheet))
	r.Post("/transactions/ask", s.Post(p.ask))
	r.Get("/find", s.Get(p.find))
	r.Get("/track", s.Get(p.trackWhere))
	r.Get("/accounts", s.Get(p.accounts))
	r.Get("/accounts/{account}", s.Get(p.account))
	r.Get("/accounts/{account}/poll", s.Get(p.pollSheet))
	r.Post("/accounts/{account}/poll", s.Post(p.poll))
	r.Get("/accounts/{account}/track", s.Get(p.trackSheet))
	r.Post("/accounts/{account}/track", s.Post(p.track))
	r.Get("/settings", s.Get(p.settings))
	return p
}

// trackWhere leads to the account's form where there is one account, else to the accounts.
func (p *Pages) trackWhere(r *page.Request) (v look.View, err error) {
	all, err := p.Reads.Accounts(r.Context())
	if err == nil && len(all) == 1 {
		return v, page.See("/accounts/" + url.PathEscape(all[0].ID) + "/track")
	}
	if err == nil {
		err = page.See("/accounts")
	}
	return v, err
}

// keyLine is one key and what it does.
type keyLine struct{ Key, Does string }

// keys says what each key does.
func (p *Pages) keys(r *page.Request) (v look.View, err error) {
	if err = r.None(); err != nil {
		return v, err
	}
	var lines []keyLine
	for _, one := range []struct{ key, name string }{
		{"/", "find"}, {"g o", "nav.overview"}, {"g t", "nav.transactions"}, {"g g", "nav.gaps"}, {"g d", "nav.documents"},
		{"g c", "nav.callbacks"}, {"g r", "nav.runs"}, {"g i", "nav.incidents"}, {"g h", "nav.hooks"},
		{"g a", "nav.accounts"}, {"g s", "nav.settings"}, {"j", "down"}, {"k", "up"}, {"Enter", "open"}, {"x", "tick"},
		{"[", "newer"}, {"]", "older"}, {"p", "ask"}, {"e", "exact"}, {"?", "all"},
	} {
		does := r.Words.Word("keys", one.name)
		if strings.HasPrefix(one.name, "nav.") {
			does = r.Words.Word("nav", strings.TrimPrefix(one.name, "nav."))
		}
		lines = append(lines, keyLine{one.key, does})
	}
	return look.View{Page: "keys", Title: r.Words.Say("nav.keys"), Data: lines}, nil
}
