package page

import (
	"net/http"
	"strconv"
	"strings"

	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/look"
	"countersign/worker/console/problem"
)

// Fail answers with a page that says what went wrong, and what to do.
func (s *Server) Fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Problem(w, r, acts.Problem(r.Context(), s.Log, err))
}

// problemView is what went wrong, in the words of whoever asks.
type problemView struct {
	problem.Problem
	Name    string   // what /problems/NAME explains; "": this is no answer to a request that failed
	Reasons []string // what keeps the daemon from being ready
	Renews  bool     // the page asks again by itself
}

// Problem answers with the page of a problem; one without a status is explained. A page of 503 renews itself. Who asks
// is told to nobody whose request came to another name: pages of others would read it.
func (s *Server) Problem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	if access.WhoOf(r.Context()).Name == "" && p.Status != http.StatusMisdirectedRequest {
		if who, unknown := s.Who(r); unknown == nil {
			r = r.WithContext(access.WithWho(r.Context(), who))
		}
	}
	known := access.WhoOf(r.Context()).Name != ""
	say := s.Look.Words(r)
	name, ours := strings.CutPrefix(p.Type, "/problems/")
	v := problemView{Problem: *p}
	if !ours {
		name = strconv.Itoa(p.Status)
	}
	if p.Status == 0 {
		v.Name = name
	} else {
		v.Instance = problem.RequestID(r.Context())
	}
	if title := say.Word("problem.title", name); title != name {
		v.Title, v.Cure = title, say.Word("problem.cure", name)
	}
	h := w.Header()
	for name, values := range p.GetHeaders() {
		h[name] = values
	}
	if p.Status == http.StatusServiceUnavailable {
		reasons, stopping := s.Why(r.Context())
		if known {
			v.Reasons = reasons
		}
		if stopping {
			v.Detail = say.Say("problem.stopping")
		}
		if wait := h.Get("Retry-After"); wait != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			h.Set("Refresh", wait)
			v.Renews = true
		}
	}
	s.Render(w, r, look.View{Page: "problem", Title: v.Title, Status: p.Status, Sheet: !known, Data: v})
}
