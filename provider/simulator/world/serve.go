package world

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/wire"
)

// Call is one request to a service, its body read.
type Call struct {
	*http.Request
	Body  []byte
	Now   time.Time
	class string
}

// Serve wraps a handler: the quota, faults and credentials come first. The world is locked while the answer is made,
// and not while it is sent.
func (d *Desk) Serve(class string, open bool, handle func(Call) wire.Answer) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 1<<20))
		if err != nil {
			http.Error(rw, "body", http.StatusBadRequest)
			return
		}
		c := Call{Request: r, Body: body, Now: time.Now(), class: class}
		d.answer(c, open, handle).Write(rw, r)
	}
}

// answer makes an answer with the world locked.
func (d *Desk) answer(c Call, open bool, handle func(Call) wire.Answer) wire.Answer {
	d.World.mu.Lock()
	defer d.World.unlock()
	d.World.Rand = d.luck(c)
	left, within := d.count(c)
	var a wire.Answer
	bad, broken := d.World.breakage(d, c)
	switch {
	case !within:
		d.World.Counts.OverQuota++
		a = d.Refuse(http.StatusTooManyRequests, "exceeded_rate", "too many requests")
	case broken:
		a = bad
	case !open && !d.Admits(c.Request, c.Now):
		a = d.Refuse(http.StatusUnauthorized, "unauthorized", "the credentials are not known")
	default:
		a = handle(c)
	}
	if a.Header == nil {
		a.Header = http.Header{}
	}
	a = d.dressed(a)
	d.Decorate(a.Header, c.class, left)
	if a.Sent != nil && a.Cut == 0 && a.Status == http.StatusOK {
		a.Sent()
	}
	return a
}

// luck chooses what befalls a request: by its method, its path and how many of these came before. So the order in which
// requests to different paths come changes nothing.
func (d *Desk) luck(c Call) *rand.Rand {
	key := c.Method + " " + c.URL.Path
	d.came[key]++
	return chance.Source(d.World.Options.Seed, fmt.Sprintf("request %d of %s", d.came[key], key))
}

// count counts a request against its class and says how many are left in the running minute.
func (d *Desk) count(c Call) (left int, within bool) {
	limit, some := d.Limits[c.class]
	if !some {
		return 0, true
	}
	limit = int(float64(limit) * d.World.Options.QuotaScale)
	log := d.asked[c.class]
	past := func(at time.Time) bool {
		return c.Now.Sub(at) >= 59500*time.Millisecond || // half a second of grace for the way
			d.Minutes && at.Truncate(time.Minute) != c.Now.Truncate(time.Minute)
	}
	for len(log) > 0 && past(log[0]) {
		log = log[1:]
	}
	if len(log) >= limit {
		d.asked[c.class] = log
		return 0, false
	}
	d.asked[c.class] = append(log, c.Now)
	return limit - len(log) - 1, true
}

// Limiter is a server with forms of its own for a request above a limit.
type Limiter interface{ Limited(c Call) wire.Answer }

// breakage chooses whether a request fails by a fault of the service, and how.
func (w *World) breakage(d *Desk, c Call) (wire.Answer, bool) {
	if w.Rand.Float64() < w.faults.RateLimit {
		return w.tooMany(d, c), true
	}
	if w.Rand.Float64() >= w.faults.ErrorRate {
		return wire.Answer{}, false
	}
	switch w.Rand.IntN(6) {
	case 0:
		return d.Refuse(http.StatusInternalServerError, "unknown", "internal error"), true
	case 1:
		return d.Refuse(http.StatusServiceUnavailable, "maintenance", "back soon"), true
	case 2:
		return wire.Reply(http.StatusBadGateway, "text/html; charset=UTF-8", wire.GatewayPage()), true
	case 3:
		return wire.Reply(http.StatusOK, "text/html; charset=UTF-8", wire.GatewayPage()), true
	case 4:
		return wire.Answer{Reset: true}, true
	default:
		a := d.Refuse(http.StatusGatewayTimeout, "unknown", "upstream timed out, and took its time to say so")
		a.Pause = w.Span(30*time.Second, 100*time.Millisecond)
		return a, true
	}
}

// tooMany is a 429. It says how long to wait as a number or as a date, or does not say.
func (w *World) tooMany(d *Desk, c Call) wire.Answer {
	if l, own := d.Server.(Limiter); own {
		a := l.Limited(c)
		if w.faults.Wait > 0 && a.Status == http.StatusTooManyRequests {
			a.Header.Set("Retry-After", strconv.Itoa(int(w.faults.Wait/time.Second)))
		}
		return a
	}
	wait := max(w.faults.Wait, time.Second)
	a := d.Refuse(http.StatusTooManyRequests, "exceeded_rate", "slow down")
	switch w.Rand.IntN(3) {
	case 0:
		a.Header.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	case 1:
		a.Header.Set("Retry-After", c.Now.Add(wait).UTC().Format(http.TimeFormat))
	}
	return a
}

// Spoil may make a download bad: cut off, no PDF at all, or not there yet.
func (w *World) Spoil(d *Desk, a wire.Answer, early int) wire.Answer {
	if w.Rand.Float64() >= w.faults.BadFiles || a.Status != http.StatusOK {
		return a
	}
	switch w.Rand.IntN(4) {
	case 0:
		a.Cut = len(a.Body)/2 + 1
	case 1:
		return wire.Reply(http.StatusOK, a.Header.Get("Content-Type"), wire.GatewayPage())
	case 2:
		a.Body = a.Body[:len(a.Body)*2/3] // Content-Length is right, and the file is cut off
		a.Sent = nil
	default:
		return d.Refuse(early, "conflict", "the file is not ready yet")
	}
	return a
}

// View is the state that an answer about one transaction shows, and notes it for the truth. Without a kind the answer
// is a detail.
func (w *World) View(t *Transaction, now time.Time, kind ...string) *life.State {
	s := w.Look(t, now)
	t.Shown(s, now, append(kind, "detail")[0])
	return s
}

// Look is the current state, or an older one where a fault makes the answer come from a stale copy.
func (w *World) Look(t *Transaction, now time.Time) *life.State {
	if w.Rand.Float64() >= w.faults.Stale {
		return &t.Past[len(t.Past)-1]
	}
	lag := w.faults.Lag
	if lag <= 0 {
		lag = max(min(w.Span(time.Hour, 0), 5*time.Second), 200*time.Millisecond)
	}
	return t.at(now.Add(-time.Duration(w.Rand.Int64N(int64(lag)))))
}

// Shift moves the start of a page other than the first, where a fault says so.
func (w *World) Shift(first, total int) int {
	if first == 0 || first >= total || w.Rand.Float64() >= w.faults.Shift {
		return first
	}
	return min(max(first+chance.Pick(w.Rand, -2, -1, 1, 2), 0), total)
}
