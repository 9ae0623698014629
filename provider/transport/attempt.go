package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"countersign/provider"
	"countersign/provider/transport/budget"
)

var (
	errResting = errors.New("left alone for a while")
	errSlow    = errors.New("no answer in time")
	errIdle    = errors.New("the answer stands still")
)

const userAgent = "countersign"

// attempt sends one request once: when there is a place in the budget, with a bound on the wait
// for the header, on each pause of the body and on its length.
func (t *Transport) attempt(req *http.Request, c *call) (*http.Response, error) {
	ctx := req.Context()
	said := provider.CallOf(ctx)
	class, work := said.Class, said.Work
	c.asked, c.unasked, c.odd, c.wait = false, false, false, 0
	var p *budget.Place
	b := t.budget(class)
	if b != nil {
		var err error
		if p, err = b.Take(ctx, work); err != nil {
			closeBody(req.Body)
			return nil, err
		}
	}
	if t.breaker != nil && t.breaker.resting() { // the breaker opened during the wait
		p.GiveBack()
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: %w", provider.ErrUnavailable, errResting)
	}
	t.count(class, work)
	left := t.o.Now()
	resp, err := t.send(req, p)
	p.Depart()
	if err != nil {
		return nil, err
	}
	Mean(ctx, resp)
	c.odd = said.JSON && resp.StatusCode/100 == 2 && otherThanJSON(peek(resp, sniffed), mediaType(resp.Header)) != ""
	t.heed(c, b, resp, left)
	return resp, nil
}

// send sends the request and wraps the answer's body.
func (t *Transport) send(req *http.Request, p *budget.Place) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	slow := time.AfterFunc(t.o.Timeout, func() { cancel(errSlow) })
	if p != nil && t.written {
		// The request counts from when it is on the wire: dialling may take long.
		ctx = httptrace.WithClientTrace(ctx,
			&httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { p.Depart() }})
	} else {
		p.Depart()
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

// ended says why a request broke off: the caller ended it, the transport ended it, or the connection failed.
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
	switch c := provider.CallOf(ctx); {
	case c.MaxBody > 0:
		return c.MaxBody
	case c.Class == provider.ClassFiles:
		return t.o.MaxFile
	}
	return t.o.MaxBody
}

// idle is how long a body may stand still.
func (t *Transport) idle(ctx context.Context) time.Duration {
	return cmp.Or(provider.CallOf(ctx).Idle, t.o.Idle)
}

// watched is a body that fails when it pauses for too long or grows beyond a limit.
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
		n, err = int(w.left), provider.ErrTooLarge
		w.cancel(provider.ErrTooLarge)
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
