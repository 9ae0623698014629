// Package orders does to all that a filter chooses what acts do to one. Pages and API share it.
package orders

import (
	"context"
	"fmt"
	"slices"

	"countersign/model"
	"countersign/worker/console/filter"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// MostAtOnce is how many rows, files or callbacks one order may touch.
const MostAtOnce = 10_000

// Poll queues one run for each account that asks about what a filter chooses, if that is as many as count.
func Poll(ctx context.Context, r *reads.Reads, by string, f filter.Transactions, count int) ([]model.Run, error) {
	chosen, err := reads.Chosen(ctx, r, r.Transactions(), &f, "body.filter")
	if err != nil {
		return nil, err
	}
	keys, err := r.Store.Keys(ctx, chosen, MostAtOnce+1)
	if err == nil {
		err = agreed(count, len(keys))
	}
	if err != nil {
		return nil, err
	}
	return PollKeys(ctx, r, by, keys)
}

// PollKeys queues one run for each account that asks about rows.
func PollKeys(ctx context.Context, r *reads.Reads, by string, keys []model.Key) ([]model.Run, error) {
	return eachAccount(keys, func(k model.Key) (string, string) { return k.Account, k.Ref },
		func(account string, refs []string) (model.Run, error) { return r.Acts.PollRows(ctx, by, account, refs) })
}

// Retry queues one run for each account that fetches again what a filter chooses, if that is as many as count.
func Retry(ctx context.Context, r *reads.Reads, by string, f filter.Documents, count int) ([]model.Run, error) {
	docs, err := allOf(ctx, r, r.Documents(), &f, count)
	if err != nil {
		return nil, err
	}
	return eachAccount(docs, func(d model.Document) (string, string) { return d.Account, d.ID },
		func(account string, ids []string) (model.Run, error) { return r.Acts.Retry(ctx, by, account, ids) })
}

// Replay hands in again what a filter chooses, in the order in which it came, if that is as many as count.
func Replay(ctx context.Context, r *reads.Reads, by string, f filter.Callbacks, count int, dry bool) (
	[]objects.Replayed, error,
) {
	list, err := allOf(ctx, r, r.Callbacks(), &f, count)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	slices.Reverse(ids)
	return r.Acts.Replay(ctx, by, ids, dry)
}

// allOf reads what a filter chooses, if that is as many as count.
func allOf[F, S, T any](ctx context.Context, r *reads.Reads, l reads.Listing[F, S, T], f *F, count int) (out []T, err error) {
	chosen, err := reads.Chosen(ctx, r, l, f, "body.filter")
	if err != nil {
		return nil, err
	}
	for cursor := ""; ; {
		list, next, err := l.Page(ctx, chosen, 1000, cursor)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		if cursor = next; next == "" || len(out) > MostAtOnce {
			return out, agreed(count, len(out))
		}
	}
}

// agreed says whether an order is for as many as it thinks.
func agreed(count, fits int) error {
	if fits > MostAtOnce {
		return problem.New(problem.Invalid, fmt.Sprintf("The filter fits more than %d: choose fewer at once.", MostAtOnce))
	}
	if count != fits {
		p := problem.New(problem.CountChanged, fmt.Sprintf("The filter fits %d now, not %d.", fits, count))
		p.Count = &fits
		return p
	}
	return nil
}

// eachAccount queues one run for each account, in the order in which they come.
func eachAccount[T any](
	list []T, of func(T) (account, one string), queue func(account string, all []string) (model.Run, error),
) (out []model.Run, err error) {
	var accounts []string
	byAccount := map[string][]string{}
	for _, v := range list {
		account, one := of(v)
		if byAccount[account] == nil {
			accounts = append(accounts, account)
		}
		byAccount[account] = append(byAccount[account], one)
	}
	for _, account := range accounts {
		r, err := queue(account, byAccount[account])
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}
