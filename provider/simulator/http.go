package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answer is what a request gets.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    int           // how many bytes of the body are promised but not sent
	pause  time.Duration // in the middle of the body
	reset  bool          // the connection breaks before any answer
	sent   func()        // told, with the world locked, when the answer was whole
}

func reply(status int, contentType string, body []byte) answer {
	return answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

func replyJSON(status int, contentType string, v any) answer {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return reply(http.StatusInternalServerError, "text/plain", []byte(err.Error()))
	}
	return reply(status, contentType, b.Bytes())
}

// write sends an answer, or as much of it as its faults allow.
func (a answer) write(rw http.ResponseWriter, r *http.Request) {
	if a.reset {
		drop(rw)
		return
	}
	for name, values := range a.header {
		rw.Header()[name] = values
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	rw.WriteHeader(a.status)
	body := a.body[:len(a.body)-a.cut]
	if a.pause > 0 {
		half := len(body) / 2
		_, _ = rw.Write(body[:half]) // the client may be gone: nobody is left to tell
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-time.After(a.pause):
		case <-r.Context().Done():
			return
		}
		body = body[half:]
	}
	_, _ = rw.Write(body)
}

// drop breaks a connection; where there is none to break, a gateway says so.
func drop(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not a polite end
	}
	_ = conn.Close()
}

// call is one request to a service, its body read.
type call struct {
	*http.Request
	body  []byte
	now   time.Time
	class string
}

// serve wraps what answers a request: credentials, quota and faults come first. The world is
// locked while it answers, and not while it sends.
func (d *desk) serve(class string, open bool, handle func(call) answer) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20))
		if err != nil {
			http.Error(rw, "body", http.StatusBadRequest)
			return
		}
		c := call{Request: r, body: body, now: time.Now(), class: class}
		d.answer(c, open, handle).write(rw, r)
	}
}

// answer makes an answer with the world locked.
func (d *desk) answer(c call, open bool, handle func(call) answer) answer {
	d.world.mu.Lock()
	defer d.world.unlock()
	left, within := d.count(c)
	var a answer
	bad, broken := d.world.breakage(d, c)
	switch {
	case !within:
		d.world.counts.OverQuota++
		a = d.refuse(http.StatusTooManyRequests, "exceeded_rate", "too many requests")
	case broken:
		a = bad
	case !open && !d.admits(c.Request, c.now):
		a = d.refuse(http.StatusUnauthorized, "unauthorized", "the credentials are not known")
	default:
		a = handle(c)
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	d.decorate(a.header, c.class, left)
	if a.sent != nil && a.cut == 0 && a.status == http.StatusOK {
		a.sent()
	}
	return a
}

// count counts a request against its class and says how many are left in the running minute.
func (d *desk) count(c call) (left int, within bool) {
	limit, some := d.limits[c.class]
	if !some {
		return 0, true
	}
	limit = int(float64(limit) * d.world.opts.QuotaScale)
	log := d.asked[c.class]
	past := func(at time.Time) bool {
		return c.now.Sub(at) >= 59500*time.Millisecond || // half a second of grace for the way
			d.minutes && at.Truncate(time.Minute) != c.now.Truncate(time.Minute)
	}
	for len(log) > 0 && past(log[0]) {
		log = log[1:]
	}
	if len(log) >= limit {
		d.asked[c.class] = log
		return 0, false
	}
	d.asked[c.class] = append(log, c.now)
	return limit - len(log) - 1, true
}

// limiter is a keeper with forms of its own for a request above a limit.
type limiter interface{ limited(c call) answer }

// breakage chooses whether a request fails for no fault of its own, and how.
func (w *World) breakage(d *desk, c call) (answer, bool) {
	if w.rng.Float64() < w.faults.RateLimit {
		return w.tooMany(d, c), true
	}
	if w.rng.Float64() >= w.faults.ErrorRate {
		return answer{}, false
	}
	switch w.rng.IntN(6) {
	case 0:
		return d.refuse(http.StatusInternalServerError, "unknown", "internal error"), true
	case 1:
		return d.refuse(http.StatusServiceUnavailable, "maintenance", "back soon"), true
	case 2:
		return reply(http.StatusBadGateway, "text/html; charset=UTF-8", gatewayPage()), true
	case 3:
		return reply(http.StatusOK, "text/html; charset=UTF-8", gatewayPage()), true
	case 4:
		return answer{reset: true}, true
	default:
		a := d.refuse(http.StatusGatewayTimeout, "unknown", "upstream timed out, and took its time to say so")
		a.pause = w.span(30*time.Second, 100*time.Millisecond)
		return a, true
	}
}

// tooMany is a 429, which says how long to wait in one of two forms, or not at all.
func (w *World) tooMany(d *desk, c call) answer {
	if l, own := d.keeper.(limiter); own {
		a := l.limited(c)
		if w.faults.Wait > 0 && a.status == http.StatusTooManyRequests {
			a.header.Set("Retry-After", strconv.Itoa(int(w.faults.Wait/time.Second)))
		}
		return a
	}
	wait := max(w.faults.Wait, time.Second)
	a := d.refuse(http.StatusTooManyRequests, "exceeded_rate", "slow down")
	switch w.rng.IntN(3) {
	case 0:
		a.header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	case 1:
		a.header.Set("Retry-After", c.now.Add(wait).UTC().Format(http.TimeFormat))
	}
	return a
}

func gatewayPage() []byte {
	return []byte("<!DOCTYPE html>\n<html><head><title>Attention Required! | Cloudflare</title></head>" +
		"<body><h1>Sorry, something is in the way</h1></body></html>\n")
}

// spoil may make a download bad: cut off, no PDF at all, or not there yet.
func (w *World) spoil(d *desk, a answer, early int) answer {
	if w.rng.Float64() >= w.faults.BadFiles || a.status != http.StatusOK {
		return a
	}
	switch w.rng.IntN(4) {
	case 0:
		a.cut = len(a.body)/2 + 1
	case 1:
		return reply(http.StatusOK, a.header.Get("Content-Type"), gatewayPage())
	case 2:
		a.body = a.body[:len(a.body)*2/3] // the length promised fits, the file does not
		a.sent = nil
	default:
		return d.refuse(early, "conflict", "the file is not ready yet")
	}
	return a
}

// view is the state that an answer about one transaction shows, which is noted; a detail's without
// a kind.
func (w *World) view(t *transaction, now time.Time, kind ...string) *state {
	s := w.look(t, now)
	t.shown(s, now, append(kind, "detail")[0])
	return s
}

// look is the current state, or one from a copy that lags.
func (w *World) look(t *transaction, now time.Time) *state {
	if w.rng.Float64() >= w.faults.Stale {
		return &t.past[len(t.past)-1]
	}
	lag := w.faults.Lag
	if lag <= 0 {
		lag = max(min(w.span(time.Hour, 0), 5*time.Second), 200*time.Millisecond)
	}
	return t.at(now.Add(-time.Duration(w.rng.Int64N(int64(lag)))))
}

// shift moves the start of a page that is not the first.
func (w *World) shift(first, total int) int {
	if first == 0 || first >= total || w.rng.Float64() >= w.faults.Shift {
		return first
	}
	return min(max(first+pick(w.rng, -2, -1, 1, 2), 0), total)
}

// routes puts every service and the world's own pages under one handler.
func (w *World) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, d := range w.desks {
		d.routes(mux)
	}
	mux.HandleFunc("GET /truth", func(rw http.ResponseWriter, r *http.Request) {
		replyJSON(http.StatusOK, "application/json", w.Truth()).write(rw, r)
	})
	mux.HandleFunc("GET /accounts", func(rw http.ResponseWriter, r *http.Request) {
		replyJSON(http.StatusOK, "application/json", w.Accounts()).write(rw, r)
	})
	mux.HandleFunc("GET /faults", func(rw http.ResponseWriter, r *http.Request) {
		replyJSON(http.StatusOK, "application/json", w.Faults()).write(rw, r)
	})
	mux.HandleFunc("POST /faults", func(rw http.ResponseWriter, r *http.Request) {
		var f Faults
		decoder := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&f); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.SetFaults(f)
		replyJSON(http.StatusOK, "application/json", f).write(rw, r)
	})
	return mux
}
