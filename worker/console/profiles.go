package console

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
)

// profiles are what `go tool pprof` reads, for whoever may see all of the console: where the daemon spends its time and
// its memory. What waits for what is noted only while it is asked for (?seconds=10), since noting it costs time.
func profiles(r chi.Router) {
	r.Use(unhurried)
	r.Get("/debug/pprof/", pprof.Index)
	r.Get("/debug/pprof/profile", pprof.Profile)
	r.Get("/debug/pprof/trace", pprof.Trace)
	for _, name := range []string{"allocs", "heap", "goroutine", "threadcreate"} {
		r.Method(http.MethodGet, "/debug/pprof/"+name, pprof.Handler(name))
	}
	r.Method(http.MethodGet, "/debug/pprof/mutex", noted(pprof.Handler("mutex"), func(on int) {
		runtime.SetMutexProfileFraction(on)
	}))
	r.Method(http.MethodGet, "/debug/pprof/block", noted(pprof.Handler("block"), func(on int) {
		runtime.SetBlockProfileRate(on * blockEach)
	}))
}

const blockEach = 1000 // nanoseconds of waiting that are worth a sample

// noted has something noted while one request or more ask for it.
func noted(h http.Handler, note func(on int)) http.Handler {
	var mu sync.Mutex
	asking := 0
	change := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		asking += by
		note(min(asking, 1))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		change(1)
		defer change(-1)
		h.ServeHTTP(w, r)
	})
}

// unhurried takes an answer's time away: a profile is gathered for as long as it is asked for, and written then.
func unhurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Time{}) //nolint:errcheck // a recorder has none
		next.ServeHTTP(w, r)
	})
}
