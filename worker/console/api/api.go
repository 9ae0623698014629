// Package api is the JSON API of the private listener: operations under /api/v1, and what describes them at
// /openapi.json.
package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/worker/console/acts"
	"countersign/worker/console/feed"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// Options is what an API needs; all of it is required.
type Options struct {
	Store   *store.Store
	Acts    acts.Acts
	Reads   *reads.Reads
	Feed    *feed.Feed
	Version string
	Now     func() time.Time
	Zone    func(*http.Request) *time.Location // of whoever asks, for the names of files
	Log     *logrus.Entry
}

// API is the operations. It is safe for concurrent use.
type API struct {
	Options
	huma huma.API
}

// maxBody is the largest body that is read.
const maxBody = 1 << 20

// New registers every operation on r, whose requests have been let in already, and returns what describes them.
func New(r chi.Router, o Options) *API {
	config := huma.DefaultConfig("countersign", o.Version)
	config.Info.Description = "The local table of e-signature transactions: what is known of each, by whom, and since when."
	config.CreateHooks = nil // or each answer would gain $schema
	config.DocsPath, config.SchemasPath = "", ""
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "a token that `countersign token add NAME` has shown"},
	}
	config.Security = []map[string][]string{{"token": {}}}
	answerProblems()
	a := &API{Options: o, huma: humachi.New(r, config)}
	a.readTransactions()
	a.readLists()
	a.readDocuments()
	a.readCallbacks()
	a.readStatus()
	a.readExport()
	a.readChanges()
	a.hooks()
	a.writes()
	return a
}

// OpenAPI is what describes the operations.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

var replaced sync.Once

// answerProblems has huma answer with problems of ours: its own repeat the value that was wrong. What it takes is global,
// and so set once.
func answerProblems() {
	replaced.Do(func() {
		huma.DefaultArrayNullable = false // no list of ours is ever null
		huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
			return problemOf(context.Background(), status, message, errs...)
		}
		huma.NewErrorWithContext = func(c huma.Context, status int, message string, errs ...error) huma.StatusError {
			ctx := context.Background()
			if c != nil {
				ctx = c.Context()
			}
			return problemOf(ctx, status, message, errs...)
		}
	})
}

func problemOf(ctx context.Context, status int, message string, errs ...error) huma.StatusError {
	var faults []problem.Fault
	for _, err := range errs {
		var p *problem.Problem
		var d huma.ErrorDetailer
		switch {
		case errors.As(err, &p):
			return p
		case errors.As(err, &d):
			faults = append(faults, problem.Fault{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message})
		}
	}
	detail := ""
	switch {
	case status >= http.StatusInternalServerError:
	case status == http.StatusBadRequest && len(faults) == 0:
		detail = "The body is not the JSON that is wanted."
	case len(faults) == 0:
		detail = strings.ToUpper(message[:min(1, len(message))]) + message[min(1, len(message)):]
	}
	p := problem.Of(status, detail, faults...)
	p.Instance = problem.RequestID(ctx)
	return p
}

// fail turns what went wrong into an answer.
func (a *API) fail(ctx context.Context, err error) error {
	return acts.Problem(ctx, a.Log, err)
}

// op describes a GET.
func op(id, path, tag, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Tags: []string{tag}, Summary: summary,
		Errors: []int{http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
			http.StatusServiceUnavailable},
		MaxBodyBytes: maxBody,
	}
}

// get registers a GET whose answer is one body.
func get[I, O any](a *API, o huma.Operation, read func(context.Context, *I) (O, error)) {
	if strings.Contains(o.Path, "{") {
		o.Errors = append(o.Errors, http.StatusNotFound)
	}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := read(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &body[O]{out}, nil
	})
}

// body is an answer that is a body and nothing else.
type body[T any] struct{ Body T }
