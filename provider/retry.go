package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// longestWait is the most that a Retry-After is taken for.
	longestWait = 24 * time.Hour
	// The pause after an answer that says that nothing is left of the quota.
	quotaLeast = time.Second
	quotaMost  = time.Minute
)

// call is what one call through the transport remembers between its attempts.
type call struct {
	again   bool          // it may be sent twice
	asked   bool          // the service asked us to wait
	unasked bool          // it refused without naming a time
	wait    time.Duration // how long
}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey).(*call); ok {
		return c
	}
	return &call{}
}

// retryAfter reads how long the service asks us to wait, in seconds or until a date. Dates are
// taken against the service's own clock where it tells the time; without any clock they tell nothing.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		if !(n >= 0) {
			return 0, false
		}
		return time.Duration(min(n, longestWait.Seconds()) * float64(time.Second)), true
	}
	at, err := http.ParseTime(v)
	if now = serviceTime(h, now); err != nil || now.IsZero() {
		return 0, false
	}
	return min(max(at.Sub(now), 0), longestWait), true
}

func serviceTime(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// quotaPause reads the quota headers (Dropbox Sign's, in both spellings). It is zero while
// something is left. The reset may lie in the past.
func quotaPause(h http.Header, now time.Time) time.Duration {
	spent := false
	for _, name := range []string{"X-RateLimit-Remaining", "X-RateLimit-Limit-Remaining"} {
		if n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64); err == nil {
			if n > 0 {
				return 0
			}
			spent = true
		}
	}
	if !spent {
		return 0
	}
	wait := quotaLeast
	if n, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-RateLimit-Reset")), 10, 64); err == nil && n > 0 {
		wait = time.Unix(n, 0).Sub(serviceTime(h, now))
	}
	return min(max(wait, quotaLeast), quotaMost)
}

// checkRetry says whether a call is sent again. It is for retryablehttp, whose answer to an error
// is that error.
func (t *Transport) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	c := callOf(ctx)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case !c.again, c.asked && c.wait > t.o.MaxBlock:
		return false, nil
	case err != nil:
		return !hopeless(err), nil
	}
	return resp.StatusCode == http.StatusTooManyRequests || failing(resp.StatusCode), nil
}

// failing says whether a status is a fault of the service that may pass.
func failing(code int) bool {
	return code >= http.StatusInternalServerError && code != http.StatusNotImplemented
}

// hopeless says whether an error would only come again.
func hopeless(err error) bool {
	var after *RetryAfter
	var cert *tls.CertificateVerificationError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var header tls.RecordHeaderError
	return errors.As(err, &after) || errors.As(err, &cert) || errors.As(err, &name) || errors.As(err, &authority) || errors.As(err, &header) ||
		errors.Is(err, ErrUnavailable) || errors.Is(err, errAddress)
}

// backoff is the pause before the next attempt: what the service asked for, or else one that
// doubles, of which the second half is chance.
func (t *Transport) backoff(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil && resp.Request != nil {
		if c := callOf(resp.Request.Context()); c.asked {
			return c.wait
		}
	}
	d := most
	if attempt < 20 {
		d = min(least<<attempt, most)
	}
	return d/2 + time.Duration(t.chance()*float64(d)/2)
}

// heed notes what an answer says about our pace, and keeps the class back if it must.
func (t *Transport) heed(c *call, b *budget, resp *http.Response, left time.Time) {
	now := t.o.Now()
	quota := quotaPause(resp.Header, now)
	wait, asked := retryAfter(resp.Header, now)
	c.asked, c.unasked, c.wait = false, false, 0
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		if !asked {
			wait, c.unasked = b.refusedAt(left, quota), quota <= 0
		}
		c.asked, c.wait = true, max(wait, quotaLeast)
		b.pause(c.wait)
	case resp.StatusCode == http.StatusServiceUnavailable && asked:
		c.asked, c.wait = true, max(wait, quotaLeast)
		b.pause(c.wait)
	default:
		b.taken(left)
		b.pause(quota)
	}
}

// outcome turns what the retries ended with into what a caller is told.
func (t *Transport) outcome(ctx context.Context, c *call, resp *http.Response, err error) (*http.Response, error) {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if err != nil && resp != nil {
		closeBody(resp.Body)
	}
	var after *RetryAfter
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &after), errors.Is(err, ErrUnavailable), errors.Is(err, errAddress):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, Redact(err))
	case resp.StatusCode == http.StatusTooManyRequests, c.asked && c.wait > t.o.MaxBlock:
		return nil, &RetryAfter{Wait: c.wait, Err: refusal(resp), Unasked: c.unasked}
	}
	return resp, nil
}
