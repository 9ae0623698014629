package access

import (
	"context"
	"net/http"
	"sync"
	"time"

	"countersign/worker/console/problem"
)

// What one token or session may ask.
const (
	readsAMinute  = 1200
	writesAMinute = 60
	mostStreams   = 20
	mostSearches  = 2

	// localTimes is how many times as much whoever is on this machine may ask: all of them are one, `local`, and none
	// is kept out by what he asks.
	localTimes = 10
)

// limits counts what each has asked, by who they are. It is safe for concurrent use.
type limits struct {
	now func() time.Time

	mu     sync.Mutex
	minute time.Time
	spent  map[string]*spent
	atOnce map[string]*atOnce
}

type spent struct{ reads, writes int }

type atOnce struct{ streams, searches int }

// take counts a request; wait is how long it has to wait where the minute's are spent.
func (l *limits) take(who string, write bool) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.spent = minute, map[string]*spent{}
	}
	s := l.spent[who]
	if s == nil {
		s = &spent{}
		l.spent[who] = s
	}
	n, most := &s.reads, readsAMinute
	if write {
		n, most = &s.writes, writesAMinute
	}
	if who == LocalName {
		most *= localTimes
	}
	if *n >= most {
		return l.minute.Add(time.Minute).Sub(now)
	}
	*n++
	return 0
}

// hold counts what lasts; release ends it. ok is false where there are too many.
func (l *limits) hold(who string, stream bool) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.atOnce == nil {
		l.atOnce = map[string]*atOnce{}
	}
	a := l.atOnce[who]
	if a == nil {
		a = &atOnce{}
		l.atOnce[who] = a
	}
	n, most := &a.searches, mostSearches
	if stream {
		n, most = &a.streams, mostStreams
	}
	if *n >= most {
		return nil, false
	}
	*n++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if *n--; a.streams+a.searches == 0 {
			delete(l.atOnce, who)
		}
	}, true
}

// heldFor says what of a request lasts: streams and waits for changes; searches and exports, which read much.
func heldFor(r *http.Request) (stream, search bool) {
	q := r.URL.Query()
	stream = r.URL.Path == "/live" || hasSuffix(r, "/changes/stream") || hasSuffix(r, "/changes") && q.Get("wait") != ""
	return stream, q.Get("search") != "" || hasPart(r, "/export/")
}

// Limited refuses what is too much, with Retry-After.
func (d *Door) Limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := WhoOf(r.Context()).key
		if wait := d.limits.take(who, !safe(r.Method)); wait > 0 {
			problem.New(problem.TooMany, "A token or session has 1,200 reads and 60 writes a minute; without tokens, "+
				"all on this machine have ten times that together.").After(wait).Write(w, r)
			return
		}
		stream, search := heldFor(r)
		if stream || search {
			release, ok := d.limits.hold(who, stream)
			if !ok {
				problem.New(problem.TooMany, "A token or session has 20 streams, and 2 searches or exports, at once.").
					After(5*time.Second).Write(w, r)
				return
			}
			defer release()
		}
		if stream {
			ctx, end := context.WithCancel(r.Context())
			defer end()
			go d.watch(ctx, r, end)
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// againAfter is how often it is asked whether whoever has a stream still may: so long does one outlive its token.
const againAfter = 10 * time.Second

// watch ends a stream once its reader's token or session is over.
func (d *Door) watch(ctx context.Context, r *http.Request, end func()) {
	tick := time.NewTicker(againAfter)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, p := d.Who(r); p != nil && p.Status == http.StatusUnauthorized {
				end()
				return
			}
		}
	}
}
