package provider

import (
	"cmp"
	"context"
	"time"
)

// Class is the budget class of a call.
type Class string

// The classes.
const (
	ClassRead  Class = "read"
	ClassFiles Class = "files"
	ClassTest  Class = "test"
)

// Work is the kind of work that a call belongs to. Each kind is guaranteed a tenth of the budget.
type Work string

// The kinds of work, in the order in which they take what is left of the budget.
const (
	WorkConfirm  Work = "confirm"
	WorkDownload Work = "download"
	WorkActive   Work = "active"
	WorkIdle     Work = "idle"
	WorkAudit    Work = "audit"
	WorkBackfill Work = "backfill"
	WorkUnknown  Work = "unknown" // unverified refs: at most a tenth
)

// Call says how the calls made with a context are sent: the worker names the kind of work, the provider sets the rest.
// A zero field leaves the setting as it is.
type Call struct {
	Class Class // "": ClassRead
	// Work is WorkConfirm where it is not set, since somebody waits for the answer, as in a check of the credentials.
	Work Work
	// Retry says that the calls may be sent twice, whatever their method. GET and HEAD always may.
	Retry bool
	// JSON says that the answer must be a JSON object or list. A success with anything else, such as a maintenance
	// page, is retried and counted like a 503.
	JSON bool
	// MaxBody bounds the answers' bytes, in place of the transport's bound.
	MaxBody int64
	// Idle is how long an answer may pause, in place of the transport's limit: a stream of events is silent for longer
	// than a file.
	Idle time.Duration
	// Meaning translates a refusal whose status code is misleading. It gets the status and at most 64 KiB of the body
	// of an answer of 400 and above, and returns the status that the answer should have had. Budget, retries, breaker
	// and caller use that status. Given a status that it returned before, Meaning must return it unchanged.
	Meaning func(code int, body []byte) int
}

type contextKey struct{}

// WithCall adds the settings of c to those that ctx carries already.
func WithCall(ctx context.Context, c Call) context.Context {
	was := said(ctx)
	c.Class, c.Work, c.Retry = cmp.Or(c.Class, was.Class), cmp.Or(c.Work, was.Work), c.Retry || was.Retry
	c.JSON = c.JSON || was.JSON
	c.MaxBody, c.Idle = cmp.Or(c.MaxBody, was.MaxBody), cmp.Or(c.Idle, was.Idle)
	if c.Meaning == nil {
		c.Meaning = was.Meaning
	}
	return context.WithValue(ctx, contextKey{}, c)
}

// CallOf returns the settings that ctx carries, with the defaults of class and work.
func CallOf(ctx context.Context) Call {
	c := said(ctx)
	c.Class, c.Work = cmp.Or(c.Class, ClassRead), cmp.Or(c.Work, WorkConfirm)
	return c
}

func said(ctx context.Context) Call {
	c, _ := ctx.Value(contextKey{}).(Call) //nolint:errcheck // none says nothing
	return c
}

// WithClass names the budget class of the calls made with ctx.
func WithClass(ctx context.Context, c Class) context.Context { return WithCall(ctx, Call{Class: c}) }

// WithWork names the kind of work that the calls made with ctx belong to.
func WithWork(ctx context.Context, w Work) context.Context { return WithCall(ctx, Call{Work: w}) }
