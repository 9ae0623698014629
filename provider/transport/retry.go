package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"countersign/provider"
	"countersign/provider/transport/budget"
	"countersign/provider/transport/ways"
)

// mostRest is the most bytes that are read of an answer that is thrown away.
const mostRest = 4096

var errBody = errors.New("the request's body cannot be read")

// call is what one call through the transport remembers between its attempts.
type call struct {
	again   bool          // it may be sent twice
	asked   bool          // the service asked us to wait
	unasked bool          // it refused without naming a time
	odd     bool          // a success came that is not the JSON that is due
	wait    time.Duration // how long
}

// tries sends a request until an attempt is worth an answer, and returns that attempt's. The body is read once and
// sent from its beginning by each attempt.
func (t *Transport) tries(req *http.Request, c *call) (*http.Response, error) {
	ctx := req.Context()
	body, err := whole(req)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		resp, err := t.attempt(body(), c)
		if ctx.Err() != nil || n >= t.o.Attempts || !t.again(c, resp, err) {
			return resp, err
		}
		pause := t.backoff(c, n)
		if resp != nil { // a short rest of a body is read, so that its connection can be used again
			io.CopyN(io.Discard, resp.Body, mostRest) //nolint:errcheck // it is thrown away
			resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// whole reads a request's body and returns a function that makes the request anew with it.
func whole(req *http.Request) (again func() *http.Request, err error) {
	if req.Body == nil || req.Body == http.NoBody {
		return func() *http.Request { return req }, nil
	}
	raw, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return nil, errBody
	}
	return func() *http.Request {
		out := req.Clone(req.Context())
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
		return out
	}, nil
}

// again says whether a call is sent once more after an attempt.
func (t *Transport) again(c *call, resp *http.Response, err error) bool {
	switch {
	case !c.again, c.asked && c.wait > t.o.MaxBlock:
		return false
	case err != nil:
		return !hopeless(err)
	}
	return c.odd || resp.StatusCode == http.StatusTooManyRequests || failing(resp.StatusCode)
}

// failing says whether a status is a fault of the service that may pass.
func failing(code int) bool {
	return code >= http.StatusInternalServerError && code != http.StatusNotImplemented
}

// hopeless says whether an error would only come again.
func hopeless(err error) bool {
	var after *provider.RetryAfter
	var cert *tls.CertificateVerificationError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var header tls.RecordHeaderError
	return errors.As(err, &after) || errors.As(err, &cert) || errors.As(err, &name) || errors.As(err, &authority) ||
		errors.As(err, &header) ||
		errors.Is(err, provider.ErrUnavailable) || errors.Is(err, ways.ErrAddress)
}

// backoff is the pause after the nth attempt: what the service asked for, or else one that doubles, of which the
// second half is chance.
func (t *Transport) backoff(c *call, n int) time.Duration {
	if c.asked {
		return c.wait
	}
	d := t.o.BackoffMax
	if n <= 20 {
		d = min(t.o.BackoffMin<<(n-1), d)
	}
	return d/2 + time.Duration(t.chance()*float64(d)/2)
}

// heed notes what an answer says about our pace, and keeps the class back if it must.
func (t *Transport) heed(c *call, b *budget.Budget, resp *http.Response, left time.Time) {
	if t.over.Load() {
		return
	}
	now := t.o.Now()
	quota := budget.QuotaPause(resp.Header, now)
	wait, asked := budget.AskedWait(resp.Header, now)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		if !asked {
			wait, c.unasked = b.RefusedAt(left, quota), quota <= 0
		}
		c.asked, c.wait = true, max(wait, budget.QuotaLeast)
		b.Pause(c.wait)
	case resp.StatusCode == http.StatusServiceUnavailable && asked:
		c.asked, c.wait = true, max(wait, budget.QuotaLeast)
		b.Pause(c.wait)
	default:
		b.Taken(left)
		b.Pause(quota)
	}
}

// outcome turns what the retries ended with into what a caller is told.
func (t *Transport) outcome(ctx context.Context, c *call, resp *http.Response, err error) (*http.Response, error) {
	var after *provider.RetryAfter
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &after), errors.Is(err, provider.ErrUnavailable), errors.Is(err, ways.ErrAddress), errors.Is(err,
		errBody):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", provider.ErrUnavailable, provider.Redact(err))
	case resp.StatusCode == http.StatusTooManyRequests, c.asked && c.wait > t.o.MaxBlock:
		return nil, &provider.RetryAfter{Wait: c.wait, Err: refusal(resp), Unasked: c.unasked}
	}
	return resp, nil
}
