package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"countersign/model/store"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/problem"
)

// ExportFormat is how an export is written.
type ExportFormat struct {
	Format string `query:"format" enum:"csv,ndjson" default:"ndjson" doc:"csv or ndjson"`
}

type exportRowsInput struct {
	filter.Transactions
	ExportFormat
}

type exportGapsInput struct {
	filter.Gaps
	ExportFormat
}

type exportDocumentsInput struct {
	filter.Documents
	Since string `query:"since" doc:"of transactions that changed since: 30d, 2w, 720h, a date or a time"`
	ExportFormat
}

type exportChangesInput struct {
	filter.Changes
	After int64  `query:"after" minimum:"0" default:"0" doc:"only changes whose seq is above"`
	Since string `query:"since" doc:"made since: 30d, 2w, 720h, a date or a time"`
	ExportFormat
}

func (a *API) readExport() {
	exports(a, "transactions", "Transactions", func(r *filter.Reader, in *exportRowsInput) (store.ExportFilter, string) {
		r.Texts(&in.Transactions)
		return store.ExportFilter{Rows: in.Store(r), Newest: in.Order != "oldest"}, in.Format
	})
	exports(a, "signers", "Signers of the transactions of a filter", func(r *filter.Reader, in *exportRowsInput) (store.ExportFilter, string) {
		r.Texts(&in.Transactions)
		return store.ExportFilter{Rows: in.Store(r), Newest: in.Order != "oldest"}, in.Format
	})
	exports(a, "gaps", "The gap ledger", func(r *filter.Reader, in *exportGapsInput) (store.ExportFilter, string) {
		r.Texts(&in.Gaps)
		return store.ExportFilter{Page: in.Store(r)}, in.Format
	})
	exports(a, "documents", "Documents", func(r *filter.Reader, in *exportDocumentsInput) (store.ExportFilter, string) {
		r.Texts(&in.Documents)
		return store.ExportFilter{Page: in.Store(r), Since: r.At("since", in.Since)}, in.Format
	})
	exports(a, "changes", "Changes", func(r *filter.Reader, in *exportChangesInput) (store.ExportFilter, string) {
		r.Texts(&in.Changes)
		f := store.ExportFilter{Feed: in.Store(r), Since: r.At("since", in.Since)}
		f.Feed.After = in.After
		return f, in.Format
	})
}

// exports registers the export of one kind, with the filter of its list.
func exports[I any](a *API, what, summary string, read func(*filter.Reader, *I) (f store.ExportFilter, format string)) {
	o := op("export-"+what, "/export/"+what, "export", summary+", as they are at one moment, as a stream")
	text := &huma.MediaType{Schema: &huma.Schema{Type: "string"}}
	o.Responses = map[string]*huma.Response{"200": {
		Description: "The rows, with the columns of the view v1_" + what + ". An answer that breaks off is not whole.",
		Content:     map[string]*huma.MediaType{"text/csv": text, "application/x-ndjson": text},
	}}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		r, err := a.Reads.Filters(ctx, "query")
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		f, format := read(r, in)
		if err := r.Err(); err != nil {
			return nil, a.fail(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			a.export(w, r, what, format, f)
		}}, nil
	})
}

// export streams the rows. What goes wrong after the first byte breaks the answer off, so that nobody takes a part for
// the whole.
func (a *API) export(w http.ResponseWriter, r *http.Request, what, format string, f store.ExportFilter) {
	h := w.Header()
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}[format]
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+what+"-"+a.Now().UTC().Format("20060102T150405Z")+"."+format+`"`)
	h.Set("Cache-Control", "no-store")
	out := patient(w, a.Now)
	err := a.Acts.Export(r.Context(), out, what, format, f)
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
