package provider

import (
	"errors"
	"fmt"
	"time"
)

// The errors that callers test for. Anything else is worth another try.
var (
	// ErrUnverified: the callback does not prove who sent it. 401, stored refused.
	ErrUnverified = errors.New("callback not verified")
	// ErrUnreadable: the proof is inside the body and the body cannot be read. 400, not stored.
	ErrUnreadable = errors.New("callback body not readable")
	// ErrNotUnderstood: proved, but truncated, unknown or of another generation. 200, stored not_understood.
	ErrNotUnderstood = errors.New("callback not understood")
	// ErrDenied: the service refuses our credentials (401, or 403 everywhere). The account stops.
	ErrDenied = errors.New("credentials refused")
	// ErrNotFound: the document (not the transaction) is not there.
	ErrNotFound = errors.New("not found")
	// ErrNotReady: the file is still being made (409). Ask again after 30 s, doubling to 30 min.
	ErrNotReady = errors.New("not ready yet")
	// ErrUnavailable: the breaker is open, or the service answers 5xx after all retries.
	ErrUnavailable = errors.New("service unavailable")
	// ErrInvalidFile: what came is not the whole file that was promised.
	ErrInvalidFile = errors.New("not a whole document")
	// ErrUnobtainable: there is no way to get the document, now or later. It becomes `unobtainable`.
	ErrUnobtainable = errors.New("there is no way to get it")
	// ErrDisplaces: another URL is registered in the place where ours would go.
	ErrDisplaces = errors.New("another URL is registered")
	// ErrTooLarge: an answer or a file is larger than the account takes. Asking again would bring the same.
	ErrTooLarge = errors.New("the answer is too large")
)

// RetryAfter says that the service asked us to wait, longer than a call may block. The work is
// postponed by Wait; it is no failure.
type RetryAfter struct {
	Wait time.Duration
	Err  error
	// Unasked says that the service refused without naming a time, so that Wait is a default. The worker does not wait
	// longer than its own longest pause then.
	Unasked bool
}

func (e *RetryAfter) Error() string { return fmt.Sprintf("%v (retry after %s)", e.Err, e.Wait) }

// Unwrap returns the cause.
func (e *RetryAfter) Unwrap() error { return e.Err }
