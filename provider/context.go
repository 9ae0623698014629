package provider

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type contextKey int

const (
	classKey contextKey = iota
	workKey
	retryKey
	bodyKey
	idleKey
	callKey
	meantKey
)

// WithClass names the budget class of the calls made with ctx.
func WithClass(ctx context.Context, c Class) context.Context {
	return context.WithValue(ctx, classKey, c)
}

// ClassOf returns the budget class of a call, ClassRead where nobody named one.
func ClassOf(ctx context.Context) Class {
	if c, ok := ctx.Value(classKey).(Class); ok && c != "" {
		return c
	}
	return ClassRead
}

// WithWork names the kind of work that the calls made with ctx belong to.
func WithWork(ctx context.Context, w Work) context.Context {
	return context.WithValue(ctx, workKey, w)
}

// WorkOf returns the kind of work of a call. What nobody named is somebody waiting, such as a
// check of the credentials, and goes with the confirmations.
func WorkOf(ctx context.Context) Work {
	if w, ok := ctx.Value(workKey).(Work); ok && w != "" {
		return w
	}
	return WorkConfirm
}

// WithRetry says that the calls made with ctx may be sent twice, whatever their method. GET and
// HEAD always may; nothing else may without this.
func WithRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, retryKey, true)
}

// WithMaxBody bounds the answers to the calls made with ctx, in place of the transport's bound.
func WithMaxBody(ctx context.Context, bytes int64) context.Context {
	return context.WithValue(ctx, bodyKey, bytes)
}

// WithIdle says how long the answers to the calls made with ctx may stand still, in place of the
// transport's bound: a stream of events is silent for longer than a file.
func WithIdle(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, idleKey, d)
}

// WithMeant says what the refusals to the calls made with ctx mean, where the service's status says something
// else: meant is given the status and at most 64 KiB of the body of an answer of 400 and above, and returns the
// status that it should have had. The budget, the retries and the breaker go by that, and the caller sees it. It
// must give the same answer to its own answer.
func WithMeant(ctx context.Context, meant func(code int, body []byte) int) context.Context {
	return context.WithValue(ctx, meantKey, meant)
}

// Meant puts the status that WithMeant tells into an answer whose body can still be read. A Transport has done so
// already; it is for calls that may go through another client.
func Meant(ctx context.Context, resp *http.Response) {
	meant, ok := ctx.Value(meantKey).(func(int, []byte) int)
	if !ok || resp.StatusCode < http.StatusBadRequest {
		return
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what cannot be read tells nothing
	var rest io.Reader = resp.Body
	if err != nil {
		rest = snapped{err}
	}
	resp.Body = headed{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	if code := meant(resp.StatusCode, head); code != resp.StatusCode {
		resp.StatusCode, resp.Status = code, strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
	}
}

// headed is a body whose beginning was read already.
type headed struct {
	io.Reader
	io.Closer
}

// snapped is the rest of a body that broke off.
type snapped struct{ err error }

// Read fails.
func (s snapped) Read([]byte) (int, error) { return 0, s.err }
