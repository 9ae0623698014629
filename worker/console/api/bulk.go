package api

import (
	"bytes"
	"context"
	"encoding/json"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/orders"
	"countersign/worker/console/problem"
)

type replayInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body *struct {
		DryRun bool `json:"dry_run,omitempty" doc:"only say what would become of it"`
	}
}

type replayAllInput struct {
	Body struct {
		Filter filter.Callbacks `json:"filter"`
		Count  int              `json:"count" minimum:"0" doc:"how many the filter fits: another number at the time of doing is count-changed"`
		DryRun bool             `json:"dry_run,omitempty" doc:"only say what would become of them"`
	}
}

type bulkInput struct {
	Body struct {
		Action string          `json:"action" enum:"poll,retry,replay" doc:"poll transactions, retry documents, replay callbacks"`
		Filter json.RawMessage `json:"filter" doc:"that of the list: transactions for poll, documents for retry, callbacks for replay"`
		Count  int             `json:"count" minimum:"0" doc:"how many the filter fits: another number at the time of doing is count-changed"`
	}
}

// ordered is what an order by filter has begun.
type ordered struct {
	Count    int                `json:"count"`
	Runs     []objects.Run      `json:"runs" doc:"of poll and retry: one for each account"`
	Replayed []objects.Replayed `json:"replayed" doc:"of replay: what became of each"`
}

func (a *API) replayOne(ctx context.Context, by string, in *replayInput) (objects.Replayed, error) {
	did, err := a.Acts.Replay(ctx, by, []string{in.ID}, in.Body != nil && in.Body.DryRun)
	if err == nil && len(did) != 1 {
		err = store.ErrNoRow
	}
	if err != nil {
		return objects.Replayed{}, err
	}
	return did[0], nil
}

func (a *API) replayAll(ctx context.Context, by string, in *replayAllInput) (Page[objects.Replayed], error) {
	did, err := orders.Replay(ctx, a.Reads, by, in.Body.Filter, in.Body.Count, in.Body.DryRun)
	return Page[objects.Replayed]{Items: did}, err
}

func (a *API) bulk(ctx context.Context, by string, in *bulkInput) (out ordered, err error) {
	out = ordered{Count: in.Body.Count, Runs: []objects.Run{}, Replayed: []objects.Replayed{}}
	var queued []model.Run
	switch in.Body.Action {
	case "poll":
		var f filter.Transactions
		if err = readFilter(in.Body.Filter, &f); err == nil {
			queued, err = orders.Poll(ctx, a.Reads, by, f, in.Body.Count)
		}
	case "retry":
		var f filter.Documents
		if err = readFilter(in.Body.Filter, &f); err == nil {
			queued, err = orders.Retry(ctx, a.Reads, by, f, in.Body.Count)
		}
	default:
		var f filter.Callbacks
		if err = readFilter(in.Body.Filter, &f); err == nil {
			out.Replayed, err = orders.Replay(ctx, a.Reads, by, f, in.Body.Count, false)
		}
	}
	for _, r := range queued {
		out.Runs = append(out.Runs, objects.OfRun(r))
	}
	return out, err
}

// readFilter reads the filter of an order. One with a member that its list has not would choose too much.
func readFilter(text json.RawMessage, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return problem.New(problem.Invalid, "", problem.Fault{Location: "body.filter",
			Message: "is not the filter of the list that the action is for"})
	}
	return nil
}
