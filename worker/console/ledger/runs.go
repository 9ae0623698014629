package ledger

import (
	"context"
	"errors"
	"net/url"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/story"
)

// RunsView is what the page of runs shows.
type RunsView struct {
	List[Run]
	Now []Run // those that are not done, where the filter chooses nothing
}

// Run is a run with its progress.
type Run struct {
	objects.Run
	Done  int           // of Total
	Share float64       // 0 to 1; below 0 where it is not known
	Rest  time.Duration // until its end, as it goes; 0: not known
	Took  time.Duration // 0: it is not done
}

// runOf says how far a run has come.
func runOf(r model.Run, now time.Time) Run {
	out := Run{Run: objects.OfRun(r), Share: -1}
	switch {
	case r.StartedAt == nil:
	case r.FinishedAt != nil:
		out.Took = r.FinishedAt.Sub(*r.StartedAt)
	case r.Total > 0:
		out.Done = min(r.Asked, r.Total)
		out.Share = float64(out.Done) / float64(r.Total)
		if spent := now.Sub(*r.StartedAt); out.Done > 0 {
			out.Rest = time.Duration(float64(spent) / float64(out.Done) * float64(r.Total-out.Done))
		}
	}
	return out
}

// Running says whether a run is not done yet.
func (r Run) Running() bool { return r.FinishedAt.Time() == nil }

func (p *Pages) runs(r *page.Request) (view look.View, err error) {
	_, list, err := read(p, r, reading[filter.Runs, store.PageFilter, model.Run]{list: p.Reads.Runs(), path: "/runs"})
	if err != nil {
		return view, err
	}
	accounts, err := p.accounts(r)
	if err != nil {
		return view, err
	}
	v := RunsView{List: as[model.Run, Run](list, nil)}
	for _, run := range list.Rows {
		v.Rows = append(v.Rows, runOf(run, r.Now))
	}
	v.choose(accounts, Field{Name: "kind", Label: r.Words.Say("common.kind"),
		Options: options(r.Words, "tier", filter.RunKinds())},
		Field{Name: "state", Label: r.Words.Say("runs.state"), Options: options(r.Words, "runstate", []model.RunState{
			model.RunQueued, model.RunActive, model.RunDone, model.RunPartial, model.RunFailed})})
	v.over(p, r)
	if len(v.Chips) == 0 && list.First == "" {
		open, err := p.Reads.Store.Runs(r.Context(), store.RunFilter{States: []model.RunState{model.RunActive, model.RunQueued}})
		if err != nil {
			return view, err
		}
		for _, run := range open {
			v.Now = append(v.Now, runOf(run, r.Now))
		}
	}
	return look.View{Page: "runs", Nav: "runs", Title: r.Words.Say("nav.runs"), Data: v, Live: "run",
		JSON: page.With("/api/v1/runs", v.Values), Verb: page.Verb("status")}, nil
}

// RunView is what the page of one run shows.
type RunView struct {
	Run
	Refs      []string // that it was asked for; empty: its tier chose
	More      int      // refs that are not listed
	ChangedAt string   // the list of what changed while it ran; "": it has not begun
	GapsAt    string   // the gaps that were found meanwhile
}

// shownRefs is how many refs of a run the page lists.
const shownRefs = 20

func (p *Pages) run(r *page.Request) (view look.View, err error) {
	if err := r.None(); err != nil {
		return view, err
	}
	id := r.Part("id")
	if !filter.IsText(id) {
		return view, store.ErrNoRow
	}
	run, err := p.Reads.Store.RunByID(r.Context(), id)
	if err != nil {
		return view, err
	}
	v := RunView{Run: runOf(run, r.Now), Refs: objects.RefsOf(run)}
	if len(v.Refs) > shownRefs {
		v.Refs, v.More = v.Refs[:shownRefs], len(v.Refs)-shownRefs
	}
	if run.StartedAt != nil {
		from, until := run.StartedAt.UTC(), r.Now.UTC()
		if run.FinishedAt != nil {
			until = run.FinishedAt.UTC().Add(time.Second)
		}
		account := url.Values{"account": {run.Account}}
		span := []string{from.Format(time.RFC3339), until.Format(time.RFC3339)}
		v.ChangedAt = page.With("/transactions", account, "changed_since", span[0], "changed_until", span[1])
		v.GapsAt = page.With("/gaps", account, "since", span[0], "until", span[1])
	}
	return look.View{Page: "run", Nav: "runs", Data: v, Live: "run", JSON: "/api/v1/runs/" + url.PathEscape(id),
		Title: r.Words.Say("run.title", "kind", r.Words.Word("tier", run.Kind), "account", run.Account)}, nil
}

// mostRuns is how many runs are read for what they say of a page; those beyond stay links.
const mostRuns = 100

// RunsNamed are the runs that sources name, by their ids, as far as they are still there.
func RunsNamed(ctx context.Context, s *store.Store, sources []string) (map[string]model.Run, error) {
	out := map[string]model.Run{}
	for _, source := range sources {
		id := story.RunOf(source)
		if _, read := out[id]; read || id == "" || len(out) == mostRuns {
			continue
		}
		switch r, err := s.RunByID(ctx, id); {
		case errors.Is(err, store.ErrNoRow):
		case err != nil:
			return nil, err
		default:
			out[id] = r
		}
	}
	return out, nil
}
