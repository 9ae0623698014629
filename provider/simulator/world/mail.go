package world

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"countersign/provider/simulator/world/life"
)

// parallel is how many callbacks may be under way at once.
const parallel = 32

// Letter is a callback as it is sent: URL, headers and body.
type Letter struct {
	URL      string
	Header   http.Header
	Body     []byte
	Endpoint string                    // the registration that it is for, where a service has several
	Renew    func(at time.Time) []byte // makes the body of each attempt, where attempts differ
}

// Delivery is one letter on its way, with what is known of it.
type Delivery struct {
	Letter
	desk    *Desk
	lane    *Transaction // the transaction within which callbacks keep their order; nil: it keeps none
	About   string       // ref
	Rand    *rand.Rand   // chooses what befalls it, and how it is forged
	title   string
	Kind    string
	record  *TruthCallback // nil where it is forged
	forgery *TruthCallback // of one that is forged and names the transaction
	fault   string
	attempt int
	number  int // in the order of submission
}

// mail delivers callbacks to the listener. The world's mutex guards it.
type mail struct {
	world   *World
	client  http.RoundTripper
	queue   agenda
	flying  int
	waiting int // deliveries that wait for an earlier one of their transaction
}

// idle says that no delivery is queued or under way.
func (m *mail) idle() bool { return len(m.queue) == 0 && m.flying == 0 && m.waiting == 0 }

// flush makes every queued delivery due at once.
func (m *mail) flush(now time.Time) {
	for _, it := range m.queue {
		if it.at.After(now) {
			it.at = now
		}
	}
	m.queue.restore()
}

// send sends what is due.
func (m *mail) send(ctx context.Context, flights *sync.WaitGroup, now time.Time) {
	for m.flying < parallel && m.queue.due(now) {
		d := m.queue.take().d
		if t := d.lane; t != nil && t.busy {
			t.queue = append(t.queue, d)
			m.waiting++
			continue
		}
		if d.shut() {
			if d.lane != nil {
				m.release(d.lane, d.number)
			}
			continue
		}
		m.launch(ctx, flights, d)
	}
}

// next says when something is due again that can be sent then.
func (m *mail) next() (time.Time, bool) {
	if m.flying >= parallel || len(m.queue) == 0 {
		return time.Time{}, false
	}
	return m.queue[0].at, true
}

// hangUp closes the idle connections of the mail's own transport.
func (m *mail) hangUp() {
	if own, ok := m.client.(*http.Transport); ok && m.world.Options.Client == nil {
		own.CloseIdleConnections()
	}
}

// post makes the callbacks of a piece of news and submits them.
func (m *mail) post(t *Transaction, n life.News, fresh []*Change) {
	d := t.Desk
	for _, l := range d.Compose(t, n) {
		record := &TruthCallback{Type: n.Kind, Document: n.Doc}
		t.Calls = append(t.Calls, record)
		for _, c := range fresh {
			if tells(n, c) {
				c.Reports = append(c.Reports, record)
			}
		}
		out := &Delivery{Letter: l, desk: d, lane: t, About: t.Ref, Rand: t.luck, title: t.Name, Kind: n.Kind, record: record}
		m.submit(out, n.After)
	}
}

func tells(n life.News, c *Change) bool {
	for _, kind := range n.Tells {
		switch {
		case kind == "signers" && c.Change == "signer":
			return true
		case kind == c.Change && (kind != "signer" || n.Who == c.Signer):
			return true
		}
	}
	return false
}

// submit decides which faults a callback has: it is dropped, or queued, perhaps late, twice, or to be overtaken.
func (m *mail) submit(d *Delivery, after time.Duration) {
	f, at := m.world.faults, time.Now().Add(m.world.Span(after, 0))
	m.world.seq++
	d.number = m.world.seq
	if d.Rand.Float64() < f.Drop {
		m.world.Counts.Dropped++
		d.record.Attempts = append(d.record.Attempts, Attempt{At: time.Now().UTC(), Fault: "dropped"})
		m.tell("dropped", d, 0)
		return
	}
	if d.Rand.Float64() < f.Forge {
		m.forge(d)
	}
	e := &entry{at: at, d: d}
	switch {
	case d.Rand.Float64() < f.Delay:
		d.fault = "delayed"
		m.world.Counts.Delayed++
		e.at = at.Add(m.late(d))
		m.tell("delayed", d, 0)
	case d.Rand.Float64() < f.Reorder:
		d.fault = "reordered"
		m.world.Counts.Reordered++
		e.at = at.Add(m.world.Span(time.Hour, 200*time.Millisecond))
		d.lane.withheld = append(d.lane.withheld, e)
		m.tell("reordered", d, 0)
	}
	m.enqueue(e)
	if d.Rand.Float64() < f.Duplicate {
		twin := *d
		twin.fault = "duplicated"
		m.world.Counts.Duplicated++
		m.tell("duplicated", d, 0)
		m.enqueue(&entry{at: e.at.Add(m.world.Span(time.Duration(d.Rand.Int64N(int64(30*time.Minute))), time.Millisecond)),
			d: &twin})
	}
}

// late is how late a delayed callback comes: a minute to six hours, or up to Faults.Late, sped up, and at least 50 ms.
func (m *mail) late(d *Delivery) time.Duration {
	most := m.world.faults.Late
	if most <= 0 {
		most = 6 * time.Hour
	}
	return m.world.Span(time.Minute+time.Duration(d.Rand.Int64N(int64(most))), 50*time.Millisecond)
}

func (m *mail) enqueue(e *entry) {
	m.world.seq++
	e.seq = m.world.seq
	m.queue.add(e)
	m.world.nudge()
}

// forge queues a forgery beside a genuine callback.
func (m *mail) forge(d *Delivery) {
	l, ok := d.desk.Forge(d)
	if !ok {
		return
	}
	m.world.Counts.Forged++
	out := &Delivery{Letter: l, desk: d.desk, About: d.About, title: d.title, Kind: d.Kind, fault: "forged"}
	body := l.Body
	if l.Renew != nil {
		body = l.Renew(time.Now())
	}
	if t := d.desk.ByRef[d.About]; t != nil && bytes.Contains(body, []byte(d.About)) {
		out.forgery = &TruthCallback{Type: d.Kind, Forged: true}
		t.Calls = append(t.Calls, out.forgery)
	}
	m.enqueue(&entry{at: time.Now().Add(m.world.Span(10*time.Minute, time.Millisecond)), d: out})
}

// launch sends one callback from a goroutine of its own. The world is locked.
func (m *mail) launch(ctx context.Context, flights *sync.WaitGroup, d *Delivery) {
	m.flying++
	if d.lane != nil {
		d.lane.busy = true
	}
	d.attempt++
	started := time.Now()
	if x, some := d.desk.Caller.(Exchange); some && d.record != nil {
		d.Letter = x.Stamp(d.Letter, started)
	}
	if d.Renew != nil {
		d.Body = d.Renew(started)
	}
	if proxied := m.world.Options.Habits.ForwardedFor; proxied != "" {
		d.Header = d.Header.Clone()
		d.Header.Set("X-Forwarded-For", proxied)
	}
	flights.Go(func() {
		limit, cancel := context.WithTimeout(ctx, m.patience(d.desk))
		defer cancel()
		status, body := m.carry(limit, d.Letter)
		m.landed(d, started, status, body)
	})
}

// shut says that the service no longer calls the callback's endpoint.
func (d *Delivery) shut() bool {
	x, some := d.desk.Caller.(Exchange)
	return some && d.record != nil && !x.Open(d.Letter)
}

// patience is how long an attempt may take.
func (m *mail) patience(d *Desk) time.Duration {
	if d.Exact {
		return d.Patience
	}
	return m.world.Span(30*time.Second, 5*time.Second)
}

// carry makes the request. Status 0 means that no answer came.
func (m *mail) carry(ctx context.Context, l Letter) (int, []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL, bytes.NewReader(l.Body))
	if err != nil {
		return 0, nil
	}
	req.Header = l.Header.Clone()
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := m.client.RoundTrip(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, body
}

// landed records how a delivery went and plans what follows from it.
func (m *mail) landed(d *Delivery, at time.Time, status int, body []byte) {
	m.world.mu.Lock()
	defer m.world.unlock()
	m.flying--
	attempt := Attempt{At: at.UTC(), Answer: status, Fault: d.fault, Answered: time.Now().UTC()}
	if d.record != nil {
		m.world.Counts.Sent++
		d.record.Attempts = append(d.record.Attempts, attempt)
	}
	if d.forgery != nil {
		d.forgery.Attempts = append(d.forgery.Attempts, attempt)
	}
	taken := d.desk.Acknowledged(status, body)
	if x, some := d.desk.Caller.(Exchange); some && d.record != nil {
		x.Landed(d.Letter, taken)
	}
	switch {
	case d.record == nil:
		m.tell("forged", d, status)
	case taken:
		m.tell("sent", d, status)
		if d.lane != nil {
			d.lane.Acknowledged = true
		}
		d.desk.Failures = 0
	default:
		m.tell("refused", d, status)
		m.failed(d)
	}
	if d.lane != nil {
		m.release(d.lane, d.number)
	}
	m.world.nudge()
}

// failed plans the next attempt, if the service makes one.
func (m *mail) failed(d *Delivery) {
	k := d.desk
	k.Failures++
	if n := m.world.Options.ClearCallbackAfter; n > 0 && k.Failures >= n && k.Forgetful {
		k.URL = ""
	}
	if d.attempt > len(k.Retries) {
		return
	}
	again := *d
	again.fault = ""
	wait := k.Retries[d.attempt-1]
	if !k.Exact {
		wait = m.world.Span(wait, 20*time.Millisecond)
	}
	m.enqueue(&entry{at: time.Now().Add(wait), d: &again})
}

// release sends the next callback of t, and those that a fault delayed until this one had overtaken them.
func (m *mail) release(t *Transaction, number int) {
	t.busy = false
	now := time.Now()
	if len(t.queue) > 0 {
		next := t.queue[0]
		t.queue = t.queue[1:]
		m.waiting--
		m.enqueue(&entry{at: now, d: next})
	}
	var still []*entry
	for _, e := range t.withheld {
		switch {
		case e.d.number > number:
			still = append(still, e)
		case e.at.After(now):
			e.at = now.Add(time.Millisecond)
		}
	}
	if len(still) < len(t.withheld) {
		m.queue.restore()
	}
	t.withheld = still
}

func (m *mail) tell(kind string, d *Delivery, answer int) {
	m.world.note(Event{Kind: kind, Account: d.desk.Account.ID, Ref: d.About, Name: d.title, Type: d.Kind, Answer: answer})
}
