package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"countersign/worker/console/acts"
	"countersign/worker/console/problem"
)

// sendTime is how long a browser may take for what is sent at once.
const sendTime = 10 * time.Second

// Serve answers GET /live: with after, what has moved since, at once; without, a stream.
func (l *Live) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	text := r.URL.Query().Get("after")
	if text == "" {
		text = r.Header.Get("Last-Event-ID")
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if text != "" && (err != nil || after < 0) {
		problem.New(problem.Invalid, "", problem.Fault{Location: "query.after", Message: "is not a seq"}).Write(w, r)
		return
	}
	_, last, err := l.Store.Feed(r.Context())
	if err != nil {
		acts.Problem(r.Context(), l.Log, err).Write(w, r)
		return
	}
	if text == "" || after > last { // of a table that was restored
		after = last
	}
	var c chan message
	stream := r.URL.Query().Get("after") == ""
	if stream {
		c = l.join(after) // before the sum, so that nothing falls between
		defer l.leave(c)
	}
	first, err := l.After(r.Context(), after)
	switch {
	case err != nil:
		acts.Problem(r.Context(), l.Log, err).Write(w, r)
	case !stream:
		h.Set("Content-Type", "application/json")
		h.Set("Console-Version", l.Version)
		json.NewEncoder(w).Encode(first) //nolint:errcheck // the caller may be gone
	default:
		l.stream(w, r, c, messageOf(first))
	}
}

// stream sends what moves, and beats, until the browser goes, is too slow, or the daemon stops.
func (l *Live) stream(w http.ResponseWriter, r *http.Request, c chan message, first message) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(format string, args ...any) bool {
		err := control.SetWriteDeadline(l.Now().Add(sendTime))
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
		if _, err = fmt.Fprintf(w, format, args...); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !send("retry: 3000\nevent: version\ndata: %s\n\nid: %d\ndata: %s\n\n", l.Version, first.seq, first.text) {
		return
	}
	seq := first.seq
	beat := time.NewTicker(l.Beat)
	defer beat.Stop()
	for {
		sent := true
		select {
		case m, open := <-c:
			if !open {
				return
			}
			if m.seq > seq { // else it was in the first
				sent = send("id: %d\ndata: %s\n\n", m.seq, m.text)
			}
		case <-beat.C:
			sent = send("event: beat\ndata: 1\n\n")
		case <-r.Context().Done():
			return
		case <-l.Feed.Over():
			return
		}
		if !sent {
			return
		}
	}
}
