package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// letter is one callback in wire form.
type letter struct {
	url      string
	header   http.Header
	body     []byte
	endpoint string                    // the registration that it is for, where a service has several
	renew    func(at time.Time) []byte // makes the body of each attempt, where attempts differ
}

// delivery is one letter on its way, with what is known of it.
type delivery struct {
	letter
	desk    *desk
	lane    *transaction // whose order it keeps; nil: nobody's
	about   string       // ref
	title   string
	kind    string
	record  *TruthCallback // nil where it is forged
	forgery *TruthCallback // of one that is forged and names the transaction
	fault   string
	attempt int
	number  int // in the order of submission
}

// post puts a callback into the mail, with whatever faults befall it.
func (w *World) post(t *transaction, n news, fresh []*change) {
	d := t.desk
	for _, l := range d.compose(t, n) {
		record := &TruthCallback{Type: n.kind, Document: n.doc}
		t.calls = append(t.calls, record)
		for _, c := range fresh {
			if tells(n, c) {
				c.told = append(c.told, record)
			}
		}
		out := &delivery{letter: l, desk: d, lane: t, about: t.ref, title: t.name, kind: n.kind, record: record}
		w.submit(out, n.after)
	}
}

func tells(n news, c *change) bool {
	for _, kind := range n.tells {
		switch {
		case kind == "signers" && c.Change == "signer":
			return true
		case kind == c.Change && (kind != "signer" || n.who == c.Signer):
			return true
		}
	}
	return false
}

// submit decides what befalls a letter: it is lost, or queued, perhaps late, doubled or overtaken.
func (w *World) submit(d *delivery, after time.Duration) {
	f, at := w.faults, time.Now().Add(w.span(after, 0))
	w.seq++
	d.number = w.seq
	if w.rng.Float64() < f.Drop {
		w.counts.Dropped++
		d.record.Attempts = append(d.record.Attempts, Attempt{At: time.Now().UTC(), Fault: "dropped"})
		w.tell("dropped", d, 0)
		return
	}
	if w.rng.Float64() < f.Forge {
		w.forge(d)
	}
	e := &entry{at: at, d: d}
	switch {
	case w.rng.Float64() < f.Delay:
		d.fault = "delayed"
		w.counts.Delayed++
		e.at = at.Add(w.late())
		w.tell("delayed", d, 0)
	case w.rng.Float64() < f.Reorder:
		d.fault = "reordered"
		w.counts.Reordered++
		e.at = at.Add(w.span(time.Hour, 200*time.Millisecond))
		d.lane.held = append(d.lane.held, e)
		w.tell("reordered", d, 0)
	}
	w.enqueue(e)
	if w.rng.Float64() < f.Duplicate {
		twin := *d
		twin.fault = "duplicated"
		w.counts.Duplicated++
		w.tell("duplicated", d, 0)
		w.enqueue(&entry{at: e.at.Add(w.span(time.Duration(w.rng.Int64N(int64(30*time.Minute))), time.Millisecond)), d: &twin})
	}
}

// late is how late a delayed callback comes: a minute to six hours, or as long as Late says, sped up, but never
// less than can be seen.
func (w *World) late() time.Duration {
	most := w.faults.Late
	if most <= 0 {
		most = 6 * time.Hour
	}
	return w.span(time.Minute+time.Duration(w.rng.Int64N(int64(most))), 50*time.Millisecond)
}

func (w *World) enqueue(e *entry) {
	w.seq++
	e.seq = w.seq
	w.mail.add(e)
	w.nudge()
}

// forge puts a forgery beside a genuine letter.
func (w *World) forge(d *delivery) {
	l, ok := d.desk.forge(d)
	if !ok {
		return
	}
	w.counts.Forged++
	out := &delivery{letter: l, desk: d.desk, about: d.about, title: d.title, kind: d.kind, fault: "forged"}
	body := l.body
	if l.renew != nil {
		body = l.renew(time.Now())
	}
	if t := d.desk.byRef[d.about]; t != nil && bytes.Contains(body, []byte(d.about)) {
		out.forgery = &TruthCallback{Type: d.kind, Forged: true}
		t.calls = append(t.calls, out.forgery)
	}
	w.enqueue(&entry{at: time.Now().Add(w.span(10*time.Minute, time.Millisecond)), d: out})
}

// launch sends one letter on a goroutine of its own. The world is locked.
func (w *World) launch(ctx context.Context, flights *sync.WaitGroup, d *delivery) {
	w.flying++
	if d.lane != nil {
		d.lane.busy = true
	}
	d.attempt++
	started := time.Now()
	if x, some := d.desk.caller.(exchange); some && d.record != nil {
		d.letter = x.stamp(d.letter, started)
	}
	if d.renew != nil {
		d.body = d.renew(started)
	}
	flights.Go(func() {
		limit, cancel := context.WithTimeout(ctx, w.patience(d.desk))
		defer cancel()
		status, body := w.carry(limit, d.letter)
		w.landed(d, started, status, body)
	})
}

// shut says that the service no longer calls the endpoint that a letter is for.
func (d *delivery) shut() bool {
	x, some := d.desk.caller.(exchange)
	return some && d.record != nil && !x.open(d.letter)
}

// patience is how long an attempt may take.
func (w *World) patience(d *desk) time.Duration {
	if d.exact {
		return d.patience
	}
	return w.span(30*time.Second, 5*time.Second)
}

// carry makes the request; status 0 means that no answer came.
func (w *World) carry(ctx context.Context, l letter) (int, []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return 0, nil
	}
	req.Header = l.header.Clone()
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := w.client.RoundTrip(req)
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
func (w *World) landed(d *delivery, at time.Time, status int, body []byte) {
	w.mu.Lock()
	defer w.unlock()
	w.flying--
	attempt := Attempt{At: at.UTC(), Answer: status, Fault: d.fault, Answered: time.Now().UTC()}
	if d.record != nil {
		w.counts.Sent++
		d.record.Attempts = append(d.record.Attempts, attempt)
	}
	if d.forgery != nil {
		d.forgery.Attempts = append(d.forgery.Attempts, attempt)
	}
	taken := d.desk.acknowledged(status, body)
	if x, some := d.desk.caller.(exchange); some && d.record != nil {
		x.landed(d.letter, taken)
	}
	switch {
	case d.record == nil:
		w.tell("forged", d, status)
	case taken:
		w.tell("sent", d, status)
		if d.lane != nil {
			d.lane.told = true
		}
		d.desk.failures = 0
	default:
		w.tell("refused", d, status)
		w.failed(d)
	}
	if d.lane != nil {
		w.release(d.lane, d.number)
	}
	w.nudge()
}

// failed plans the next attempt, if the service makes one.
func (w *World) failed(d *delivery) {
	k := d.desk
	k.failures++
	if n := w.opts.ClearCallbackAfter; n > 0 && k.failures >= n && k.forgetful {
		k.url = ""
	}
	if d.attempt > len(k.retries) {
		return
	}
	again := *d
	again.fault = ""
	wait := k.retries[d.attempt-1]
	if !k.exact {
		wait = w.span(wait, 20*time.Millisecond)
	}
	w.enqueue(&entry{at: time.Now().Add(wait), d: &again})
}

// release lets the next delivery of t go, and those that waited to be overtaken by this one.
func (w *World) release(t *transaction, number int) {
	t.busy = false
	now := time.Now()
	if len(t.queue) > 0 {
		next := t.queue[0]
		t.queue = t.queue[1:]
		w.waiting--
		w.enqueue(&entry{at: now, d: next})
	}
	var still []*entry
	for _, e := range t.held {
		switch {
		case e.d.number > number:
			still = append(still, e)
		case e.at.After(now):
			e.at = now.Add(time.Millisecond)
		}
	}
	if len(still) < len(t.held) {
		w.mail.restore()
	}
	t.held = still
}

func (w *World) tell(kind string, d *delivery, answer int) {
	w.note(Event{Kind: kind, Account: d.desk.account.ID, Ref: d.about, Name: d.title, Type: d.kind, Answer: answer})
}
