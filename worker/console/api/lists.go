package api

import (
	"context"

	"countersign/model"
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

// paged is a store's page of a PageFilter, as a list takes it.
func paged[T any](page func(context.Context, store.PageFilter) ([]T, string, error)) func(
	context.Context, store.PageFilter, int, string,
) ([]T, string, error) {
	return func(ctx context.Context, f store.PageFilter, limit int, cursor string) ([]T, string, error) {
		f.Limit, f.Cursor = limit, cursor
		return page(ctx, f)
	}
}

func (a *API) readLists() {
	list(a, op("list-gaps", "/gaps", "gaps", "Changes that no callback told, the newest first"),
		func(in *gapsInput) (*filter.Gaps, Paging) { return &in.Gaps, in.Paging },
		listing[filter.Gaps, store.PageFilter, model.Gap, objects.Gap]{
			filter.Gaps.Store, paged(a.Store.GapPage), objects.OfGap,
		})
	list(a, op("list-runs", "/runs", "runs", "Polls, backfills, verifies and retries, the newest first"),
		func(in *runsInput) (*filter.Runs, Paging) { return &in.Runs, in.Paging },
		listing[filter.Runs, store.PageFilter, model.Run, objects.Run]{
			filter.Runs.Store, paged(a.Store.RunPage), objects.OfRun,
		})
	list(a, op("list-incidents", "/incidents", "incidents", "What an operator must act on, the newest first"),
		func(in *incidentsInput) (*filter.Incidents, Paging) { return &in.Incidents, in.Paging },
		listing[filter.Incidents, store.PageFilter, model.Incident, objects.Incident]{
			filter.Incidents.Store, paged(a.Store.IncidentPage), objects.OfIncident,
		})
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
