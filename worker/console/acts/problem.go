package acts

import (
	"context"
	"errors"
	"net/http"

	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/worker/console/problem"
)

// Problem turns what went wrong with a request into its answer. What the caller cannot know why is logged.
func Problem(ctx context.Context, log *logrus.Entry, err error) *problem.Problem {
	p := problemFor(ctx, log, err)
	p.Instance = problem.RequestID(ctx)
	return p
}

func problemFor(ctx context.Context, log *logrus.Entry, err error) *problem.Problem {
	var p *problem.Problem
	var refused Refusal
	log = log.WithFields(logrus.Fields{"request": problem.RequestID(ctx), "err": err})
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refused):
		return problem.New(problem.Invalid, refused.Why)
	case errors.Is(err, store.ErrNoRow), errors.Is(err, ErrUnknownAccount):
		return problem.New(problem.NotFound, "")
	case errors.Is(err, store.ErrCursor):
		return problem.New(problem.BadCursor, "")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrBusy), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, store.ErrOlder), errors.Is(err, store.ErrNewer):
		log.Warn("the console could not answer a request")
		if errors.Is(err, store.ErrOlder) || errors.Is(err, store.ErrNewer) {
			return problem.New(problem.Unavailable, "The database is of another version of the program, or is being migrated.")
		}
		return problem.New(problem.Unavailable, "")
	case errors.Is(err, context.Canceled):
		return problem.New(problem.Unavailable, "")
	}
	log.Error("a request to the console failed")
	return problem.Of(http.StatusInternalServerError, "The log says why, by this id.")
}
