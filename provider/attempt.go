package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"
)

var (
	errResting = errors.New("left alone for a while")
	errSlow    = errors.New("no answer in time")
	errIdle    = errors.New("the answer stands still")
)

const userAgent = "countersign"

// attempt sends one request once: when there is a place in the budget, with a bound on the wait
// for the header, on each pause of the body and on its length.
type attempt struct{ t *Transport }

// RoundTrip is for http.RoundTripper.
func (a attempt) RoundTrip(req *http.Request) (*http.Response, error) {
	t, ctx := a.t, req.Context()
	class, work := ClassOf(ctx), WorkOf(ctx)
	var p *place
	b := t.budget(class)
	if b != nil {
		var err error
		if p, err = b.take(ctx, work); err != nil {
			closeBody(req.Body)
			return nil, err
		}
	}
	if t.breaker != nil && t.breaker.resting() { // it opened while we waited
		p.giveBack()
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, errResting)
	}
	t.count(class, work)
	left := t.o.Now()
	resp, err := t.send(req, p)
	p.depart()
	c := callOf(ctx)
	if err != nil {
		c.asked, c.wait = false, 0
		return nil, err
	}
	Meant(ctx, resp)
	t.heed(c, b, resp, left)
	return resp, nil
}

// send sends the request and wraps the answer's body.
func (t *Transport) send(req *http.Request, p *place) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	slow := time.AfterFunc(t.o.Timeout, func() { cancel(errSlow) })
	if p != nil && t.written {
		// The request counts from when it is on the wire: dialling may take long.
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { p.depart() }})
	} else {
		p.depart()
	}
	out := req.Clone(ctx)
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if _, set := out.Header["User-Agent"]; !set {
		out.Header.Set("User-Agent", userAgent)
	}
	resp, err := t.o.Base.RoundTrip(out)
	if !slow.Stop() && err == nil {
		closeBody(resp.Body)
		err = errSlow
	}
	if err != nil {
		err = ended(req.Context(), ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	resp.Body = &watched{body: resp.Body, left: t.bound(req.Context()), idle: t.idle(req.Context()), cancel: cancel,
		why: func(err error) error { return ended(req.Context(), ctx, err) }}
	return resp, nil
}

// ended says why a request broke off: because the caller ended it, because we did, or by itself.
func ended(caller, own context.Context, err error) error {
	if e := caller.Err(); e != nil {
		return e
	}
	if cause := context.Cause(own); cause != nil {
		return cause
	}
	return err
}

// bound is the most bytes that an answer may have.
func (t *Transport) bound(ctx context.Context) int64 {
	if n, ok := ctx.Value(bodyKey).(int64); ok && n > 0 {
		return n
	}
	if ClassOf(ctx) == ClassFiles {
		return t.o.MaxFile
	}
	return t.o.MaxBody
}

// idle is how long a body may stand still.
func (t *Transport) idle(ctx context.Context) time.Duration {
	if d, ok := ctx.Value(idleKey).(time.Duration); ok && d > 0 {
		return d
	}
	return t.o.Idle
}

// watched is a body that must not stand still and must not grow beyond a bound.
type watched struct {
	body   io.ReadCloser
	left   int64
	idle   time.Duration
	why    func(error) error
	cancel context.CancelCauseFunc
	done   error
}

// Read fails when no byte comes for too long, and when too many come.
func (w *watched) Read(p []byte) (int, error) {
	if w.done != nil {
		return 0, w.done
	}
	if int64(len(p)) > w.left+1 {
		p = p[:w.left+1]
	}
	stuck := time.AfterFunc(w.idle, func() {
		w.cancel(errIdle)
		w.body.Close()
	})
	n, err := w.body.Read(p)
	if !stuck.Stop() && n == 0 {
		err = errIdle
	}
	if err != nil && err != io.EOF {
		err = w.why(err)
	}
	if int64(n) > w.left {
		n, err = int(w.left), ErrTooLarge
		w.cancel(ErrTooLarge)
	}
	w.left -= int64(n)
	if err != nil {
		w.done = err
	}
	return n, err
}

// Close ends the answer.
func (w *watched) Close() error {
	err := w.body.Close()
	w.cancel(nil)
	return err
}
