package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
)

// mostAtOnce is how many rows, files or callbacks one order may touch.
const mostAtOnce = 10_000

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
	did, err := a.replay(ctx, by, in.Body.Filter, in.Body.Count, in.Body.DryRun)
	return Page[objects.Replayed]{Items: did}, err
}

func (a *API) replay(ctx context.Context, by string, f filter.Callbacks, count int, dry bool) ([]objects.Replayed, error) {
	r, err := a.reader(ctx, "body.filter")
	if err != nil {
		return nil, err
	}
	r.Texts(&f)
	chosen := f.Store(r)
	if err := r.Err(); err != nil {
		return nil, err
	}
	ids, err := allOf(func(cursor string) ([]model.Callback, string, error) {
		chosen.Limit, chosen.Cursor = 1000, cursor
		return a.Store.Callbacks(ctx, chosen)
	}, func(c model.Callback) string { return c.ID })
	if err == nil {
		err = agreed(count, len(ids))
	}
	if err != nil {
		return nil, err
	}
	for i, j := 0, len(ids)-1; i < j; i, j = i+1, j-1 { // in the order in which they came
		ids[i], ids[j] = ids[j], ids[i]
	}
	return a.Acts.Replay(ctx, by, ids, dry)
}

// allOf reads a list to its end, or to where it is too long.
func allOf[T, V any](page func(cursor string) ([]T, string, error), of func(T) V) (out []V, err error) {
	for cursor := ""; ; {
		list, next, err := page(cursor)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			out = append(out, of(v))
		}
		if cursor = next; next == "" || len(out) > mostAtOnce {
			return out, nil
		}
	}
}

// agreed says whether an order is for as many as it thinks.
func agreed(count, fits int) error {
	if fits > mostAtOnce {
		return problem.New(problem.Invalid, fmt.Sprintf("The filter fits more than %d: choose fewer at once.", mostAtOnce))
	}
	if count != fits {
		p := problem.New(problem.CountChanged, fmt.Sprintf("The filter fits %d now, not %d.", fits, count))
		p.Count = &fits
		return p
	}
	return nil
}

func (a *API) bulk(ctx context.Context, by string, in *bulkInput) (out ordered, err error) {
	out = ordered{Count: in.Body.Count, Runs: []objects.Run{}, Replayed: []objects.Replayed{}}
	switch in.Body.Action {
	case "poll":
		out.Runs, err = a.bulkPoll(ctx, by, in)
	case "retry":
		out.Runs, err = a.bulkRetry(ctx, by, in)
	default:
		var f filter.Callbacks
		if err = readFilter(in.Body.Filter, &f); err == nil {
			out.Replayed, err = a.replay(ctx, by, f, in.Body.Count, false)
		}
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

func (a *API) bulkPoll(ctx context.Context, by string, in *bulkInput) ([]objects.Run, error) {
	var f filter.Transactions
	if err := readFilter(in.Body.Filter, &f); err != nil {
		return nil, err
	}
	r, err := a.reader(ctx, "body.filter")
	if err != nil {
		return nil, err
	}
	r.Texts(&f)
	chosen := f.Store(r)
	if err := r.Err(); err != nil {
		return nil, err
	}
	keys, err := a.Store.Keys(ctx, chosen, mostAtOnce+1)
	if err == nil {
		err = agreed(in.Body.Count, len(keys))
	}
	if err != nil {
		return nil, err
	}
	return eachAccount(keys, func(k model.Key) (string, string) { return k.Account, k.Ref },
		func(account string, refs []string) (model.Run, error) { return a.Acts.PollRows(ctx, by, account, refs) })
}

func (a *API) bulkRetry(ctx context.Context, by string, in *bulkInput) ([]objects.Run, error) {
	var f filter.Documents
	if err := readFilter(in.Body.Filter, &f); err != nil {
		return nil, err
	}
	r, err := a.reader(ctx, "body.filter")
	if err != nil {
		return nil, err
	}
	r.Texts(&f)
	chosen := f.Store(r)
	if err := r.Err(); err != nil {
		return nil, err
	}
	docs, err := allOf(func(cursor string) ([]model.Document, string, error) {
		chosen.Limit, chosen.Cursor = 1000, cursor
		return a.Store.DocumentPage(ctx, chosen)
	}, func(d model.Document) model.Document { return d })
	if err == nil {
		err = agreed(in.Body.Count, len(docs))
	}
	if err != nil {
		return nil, err
	}
	return eachAccount(docs, func(d model.Document) (string, string) { return d.Account, d.ID },
		func(account string, ids []string) (model.Run, error) { return a.Acts.Retry(ctx, by, account, ids) })
}

// eachAccount queues one run for each account, in the order in which they come.
func eachAccount[T any](
	list []T, of func(T) (account, one string), queue func(account string, all []string) (model.Run, error),
) ([]objects.Run, error) {
	var accounts []string
	byAccount := map[string][]string{}
	for _, v := range list {
		account, one := of(v)
		if byAccount[account] == nil {
			accounts = append(accounts, account)
		}
		byAccount[account] = append(byAccount[account], one)
	}
	out := []objects.Run{}
	for _, account := range accounts {
		r, err := queue(account, byAccount[account])
		if err != nil {
			return out, err
		}
		out = append(out, objects.OfRun(r))
	}
	return out, nil
}
