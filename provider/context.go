package provider

import (
	"context"
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
