package api

import (
	"context"

	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
)

type gapsInput struct {
	filter.Gaps
	Paging
}

type runsInput struct {
	filter.Runs
	Paging
}

type incidentsInput struct {
	filter.Incidents
	Paging
}

func (a *API) readLists() {
	list(a, op("list-gaps", "/gaps", "gaps", "Changes that no callback told, the newest first"),
		func(in *gapsInput) (*filter.Gaps, Paging) { return &in.Gaps, in.Paging },
		a.Reads.Gaps(), objects.OfGap)
	list(a, op("list-runs", "/runs", "runs", "Polls, backfills, verifies and retries, the newest first"),
		func(in *runsInput) (*filter.Runs, Paging) { return &in.Runs, in.Paging },
		a.Reads.Runs(), objects.OfRun)
	list(a, op("list-incidents", "/incidents", "incidents", "What an operator must act on, the newest first"),
		func(in *incidentsInput) (*filter.Incidents, Paging) { return &in.Incidents, in.Paging },
		a.Reads.Incidents(), objects.OfIncident)
	type runInput struct {
		ID string `path:"id" maxLength:"64"`
	}
	get(a, op("get-run", "/runs/{id}", "runs", "One run with its counts"),
		func(ctx context.Context, in *runInput) (objects.Run, error) {
			if !filter.IsText(in.ID) {
				return objects.Run{}, store.ErrNoRow
			}
			r, err := a.Store.RunByID(ctx, in.ID)
			return objects.OfRun(r), err
		})
}
