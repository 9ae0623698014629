// Package pages is the first half of the console's pages: overview, transactions, accounts, settings.
package pages

import (
	"strings"

	"github.com/go-chi/chi/v5"

	"countersign/worker/console/look"
	"countersign/worker/console/page"
)

// Pages are the pages. They are safe for concurrent use.
type Pages struct{ *page.Server }

// New registers the pages on r, whose requests have been let in already.
func New(r chi.Router, s *page.Server) *Pages {
	p := &Pages{s}
	r.Get("/", s.Get(p.overview))
	r.Post("/preferences", s.Look.Prefer)
	r.Get("/keys", s.Get(p.keys))
	r.Get("/transactions", s.Get(p.transactions))
	r.Get("/transactions/ask", s.Get(p.askSheet))
	r.Post("/transactions/ask", s.Post(p.ask))
	return p
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
