package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"countersign/model/store"
	"countersign/worker/console/acts"
	"countersign/worker/console/problem"
)

type exportInput struct {
	What    string   `path:"what" doc:"changes, documents, gaps, signers or transactions"`
	Format  string   `query:"format" enum:"csv,ndjson" default:"ndjson" doc:"csv or ndjson"`
	Account []string `query:"account,explode" doc:"only these accounts"`
	Since   string   `query:"since" doc:"changed, or found, since: 30d, 2w, 720h, a date or a time"`
}

func (a *API) readExport() {
	o := op("export", "/export/{what}", "export", "All rows of one kind as they are at one moment, as a stream")
	o.Errors = append(o.Errors, http.StatusNotFound)
	text := &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The rows, with the columns of the v1_ views. An answer that breaks off is not whole.",
		Content:     map[string]*huma.MediaType{"text/csv": text, "application/x-ndjson": text},
	}}
	huma.Register(a.huma, o, func(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
		f, err := a.exportFilter(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			a.export(w, r, in, f)
		}}, nil
	})
}

func (a *API) exportFilter(ctx context.Context, in *exportInput) (f store.ExportFilter, err error) {
	if !slices.Contains(store.Exports(), in.What) {
		return f, problem.New(problem.NotFound, "")
	}
	r, err := a.Reads.Filters(ctx, "query")
	if err != nil {
		return f, err
	}
	r.Known(in.Account)
	if in.Since != "" {
		at, err := a.Acts.Span(in.Since, r.Now)
		if err != nil {
			r.Fault("since", "is not a span such as 30d, 2w, 720h, 2026-01-31 or 2026-01-31T12:00:00Z")
		}
		f.Since = &at
	}
	f.Accounts = in.Account
	return f, r.Err()
}

// export streams the rows. What goes wrong after the first byte breaks the answer off, so that nobody takes a part for
// the whole.
func (a *API) export(w http.ResponseWriter, r *http.Request, in *exportInput, f store.ExportFilter) {
	h := w.Header()
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}[in.Format]
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+in.What+"."+in.Format+`"`)
	h.Set("Cache-Control", "no-store")
	out := patient(w, a.Now)
	err := a.Acts.Export(r.Context(), out, in.What, in.Format, f)
	if err == nil {
		out.done()
		return
	}
	if !out.wrote {
		for _, name := range []string{"Content-Type", "Content-Disposition"} {
			h.Del(name)
		}
		acts.Problem(r.Context(), a.Log, err).Write(w, r)
		return
	}
	a.Log.WithField("err", err).WithField("request", problem.RequestID(r.Context())).Warn("an export broke off")
	out.breakOff()
}

// writeTime is how long a reader may take for what is sent at once.
const writeTime = 30 * time.Second

// slowly is a writer whose reader has writeTime for each part.
type slowly struct {
	http.ResponseWriter
	deadline func(time.Time) error
	now      func() time.Time
	wrote    bool
}

// patient gives the reader of an answer of any length time for each part of it, and not for ever.
func patient(w http.ResponseWriter, now func() time.Time) *slowly {
	return &slowly{ResponseWriter: w, deadline: http.NewResponseController(w).SetWriteDeadline, now: now}
}

// Write is for http.ResponseWriter.
func (s *slowly) Write(p []byte) (int, error) {
	s.wrote = true
	s.deadline(s.now().Add(writeTime)) //nolint:errcheck // a recorder has none
	return s.ResponseWriter.Write(p)
}

// done lets the connection serve other requests in their own time.
func (s *slowly) done() { s.deadline(time.Time{}) } //nolint:errcheck // a recorder has none

// breakOff ends the connection before the end of the answer, so that its reader knows that it is not whole.
func (s *slowly) breakOff() { s.deadline(time.Unix(1, 0)) } //nolint:errcheck // a recorder has none

// Unwrap is for http.ResponseController.
func (s *slowly) Unwrap() http.ResponseWriter { return s.ResponseWriter }
