package console

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// mostConnections bounds the open connections: each takes an open file, which the public listener needs too.
const mostConnections = 1024

// connections bounds the open connections. When full, a new one replaces the one that has been waited for longest, so
// that whoever sends slowly, or nothing, keeps nobody out. One that is being answered is never replaced. It is safe for
// concurrent use.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // in idle; nil while a request is answered
	idle *list.List                 // of net.Conn, the one idle longest first
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, open: map[net.Conn]*list.Element{}, idle: list.New()}
}

// state is for http.Server.ConnState.
func (s *connections) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(s.open) >= s.limit && !s.replace() {
			c.Close() //nolint:errcheck // it was never served
			return
		}
		s.open[c] = s.idle.PushBack(c)
	case http.StateClosed, http.StateHijacked:
		s.remove(c)
	case http.StateActive, http.StateIdle:
	}
}

// replace closes the connection that is idle longest; false where each is being answered. s.mu is held.
func (s *connections) replace() bool {
	first := s.idle.Front()
	if first == nil {
		return false
	}
	c := first.Value.(net.Conn) //nolint:forcetypeassert // nothing else is in it
	s.remove(c)
	c.Close() //nolint:errcheck // it is counted no more
	return true
}

// remove counts a connection no more; calling it twice is safe. s.mu is held.
func (s *connections) remove(c net.Conn) {
	if place := s.open[c]; place != nil {
		s.idle.Remove(place)
	}
	delete(s.open, c)
}

type connectionKey struct{}

// with is for http.Server.ConnContext.
func (s *connections) with(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// answering keeps connections whose requests are being answered.
func (s *connections) answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connectionKey{}).(net.Conn)
		s.mu.Lock()
		if place := s.open[c]; place != nil {
			s.idle.Remove(place)
			s.open[c] = nil
		}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if _, open := s.open[c]; open {
				s.open[c] = s.idle.PushBack(c)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// answerTime is how long a reader may take for an answer that is no stream, no file and no export: those are given time
// for each part.
const answerTime = time.Minute

// timely gives each answer its time.
func timely(now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(now().Add(answerTime)) //nolint:errcheck // a recorder has none
		next.ServeHTTP(w, r)
	})
}
