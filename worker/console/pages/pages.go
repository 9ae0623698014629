// Package pages is the first half of the console's pages: overview, transactions, accounts, settings.
package pages

import (
	"github.com/go-chi/chi/v5"

	"countersign/worker/console/page"
)

// Pages are the pages. They are safe for concurrent use.
type Pages struct{ *page.Server }

// New registers the pages on r, whose requests have been let in already.
func New(r chi.Router, s *page.Server) *Pages {
	p := &Pages{s}
	r.Get("/", s.Get(p.overview))
	r.Post("/preferences", s.Look.Prefer)
	r.Get("/transactions", s.Get(p.transactions))
	r.Get("/transactions/ask", s.Get(p.askSheet))
	r.Post("/transactions/ask", s.Post(p.ask))
	return p
}
