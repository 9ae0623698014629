package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
)

// mostWait is how long a question waits for changes at most.
const mostWait = 30 * time.Second

type changesInput struct {
	filter.Changes
	After int64  `query:"after" minimum:"-1" default:"-1" doc:"only changes whose seq is above; -1: from the oldest that is kept"`
	Wait  string `query:"wait" maxLength:"16" doc:"where there is none, wait for one at most so long, such as 25s; 30s at most"`
	Paging
}

type changesPage struct {
	Items      []objects.Change `json:"items"`
	NextCursor string           `json:"next_cursor" doc:"empty at the end"`
	Seq        int64            `json:"seq" doc:"the next after: there is none of the filter up to here that is not in items"`
}

type streamInput struct {
	filter.Changes
	After  int64  `query:"after" minimum:"-1" default:"-1" doc:"only changes whose seq is above; Last-Event-ID goes first; without both: from now on"`
	LastID string `header:"Last-Event-ID" maxLength:"32" doc:"the id of the last event that was had"`
}

func (a *API) readChanges() {
	o := op("list-changes", "/changes", "changes", "Every change once, in order")
	o.Errors = append(o.Errors, http.StatusGone)
	get(a, o, a.changes)
	s := op("stream-changes", "/changes/stream", "changes", "Every change once, in order, as server-sent events")
	s.Errors = append(s.Errors, http.StatusGone)
	s.Responses = map[string]*huma.Response{"200": {
		Description: "Events of type change, whose data is a change and whose id is its seq; of type seq, where the filter " +
			"has left changes out; and a comment every 15 s.",
		Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(a.huma, s, func(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
		f, err := a.streamFilter(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humachi.Unwrap(c)
			if r.Method == http.MethodHead {
				w.Header().Set("Content-Type", "text/event-stream")
				return
			}
			if err := a.Feed.Stream(w, r, f); err != nil {
				a.Log.WithField("err", err).WithField("request", problem.RequestID(r.Context())).Debug("a stream ended")
			}
		}}, nil
	})
}

func (a *API) changes(ctx context.Context, in *changesInput) (out changesPage, err error) {
	if in.Cursor != "" {
		at, err := filter.Open("list-changes", &in.Changes, in.Cursor)
		if err != nil {
			return out, err
		}
		if in.After, err = strconv.ParseInt(at, 10, 64); err != nil {
			return out, problem.New(problem.BadCursor, "")
		}
	}
	r, f, err := a.changeFilter(ctx, in.Changes)
	if err != nil {
		return out, err
	}
	wait := time.Duration(0)
	if in.Wait != "" {
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 || wait > mostWait {
			r.Fault("wait", "is not a time such as 25s, and at most 30s")
		}
	}
	if err := r.Err(); err != nil {
		return out, err
	}
	if f.After, err = a.after(ctx, in.After); err != nil {
		return out, err
	}
	f.Limit = in.Limit
	list, upto, err := a.Feed.Read(ctx, f, wait)
	out = changesPage{Items: make([]objects.Change, len(list)), Seq: upto}
	for i, c := range list {
		out.Items[i] = objects.OfChange(c)
	}
	if err != nil {
		return out, err
	}
	_, last, err := a.Store.Feed(ctx)
	if len(list) == in.Limit || upto < last {
		out.NextCursor = filter.Seal("list-changes", &in.Changes, strconv.FormatInt(upto, 10))
	}
	return out, err
}

func (a *API) changeFilter(ctx context.Context, in filter.Changes) (*filter.Reader, store.ChangeFilter, error) {
	r, err := a.Reads.Filters(ctx, "query")
	if err != nil {
		return nil, store.ChangeFilter{}, err
	}
	r.Texts(&in)
	return r, in.Store(r), nil
}

// after checks from where the feed is read: -1 is from the oldest that is kept. What is asked for and no longer kept is
// gone; what is above the newest is no seq of ours.
func (a *API) after(ctx context.Context, after int64) (int64, error) {
	first, last, err := a.Store.Feed(ctx)
	switch {
	case err != nil:
		return 0, err
	case after < 0:
		return first - 1, nil
	case after > last:
		return 0, problem.New(problem.Invalid, "", problem.Fault{Location: "query.after",
			Message: fmt.Sprintf("is above the newest seq, %d", last)})
	case after < first-1:
		gone := problem.New(problem.ChangesGone, fmt.Sprintf("The oldest seq that is kept is %d.", first))
		gone.OldestSeq = &first
		return 0, gone
	}
	return after, nil
}

func (a *API) streamFilter(ctx context.Context, in *streamInput) (f store.ChangeFilter, err error) {
	r, f, err := a.changeFilter(ctx, in.Changes)
	if err != nil {
		return f, err
	}
	after := in.After
	if in.LastID != "" {
		if after, err = strconv.ParseInt(in.LastID, 10, 64); err != nil || after < 0 {
			r.In = "header"
			r.Fault("Last-Event-ID", "is not an id of this stream")
		}
	}
	if err := r.Err(); err != nil {
		return f, err
	}
	if after < 0 {
		_, f.After, err = a.Store.Feed(ctx)
		return f, err
	}
	f.After, err = a.after(ctx, after)
	return f, err
}
