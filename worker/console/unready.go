package console

import (
	"context"
	"net/http"

	"countersign/worker/console/problem"
)

// withPages gives browsers pages of what goes wrong, wherever it does.
func withPages(render problem.Render) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(problem.WithPages(r.Context(), render)))
		})
	}
}

// whileServing refuses what comes once the daemon stops: what answers is being taken down. The daemon is healthy, and
// /readyz says itself what it finds.
func (s *Server) whileServing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			problem.New(problem.Unavailable, "The daemon is stopping.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// why is what keeps the daemon from being ready, for pages that could not be made.
func (s *Server) why(ctx context.Context) (reasons []string, stopping bool) {
	if s.stopping.Load() {
		return nil, true
	}
	states, _ := s.check(ctx)
	for i, p := range s.probes {
		if p.Fatal && !states[i].OK {
			reasons = append(reasons, states[i].Name+": "+states[i].Error)
		}
	}
	return reasons, false
}
