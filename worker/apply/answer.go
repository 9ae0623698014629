package apply

import (
	"cmp"
	"context"
	"slices"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// Applied says what became of one answer.
type Applied struct {
	Key    model.Key
	Before model.Transaction
	model.Decision
	Gaps int // pending gaps that it left
}

// Answers applies a single answer, or a page of them, in one database transaction. Each observation carries At,
// AskedAt and Version. The results are in the order of obs. Of a page, the rows that it leaves as they are are neither
// read nor written: their results have no rows, and the time of their confirmation stands before whatever is
// written after Answers has returned.
func (tb *Table) Answers(ctx context.Context, a *Account, src Source, obs []model.Observation) ([]Applied, error) {
	nothing := func(*store.Batch, []Applied) {}
	if len(obs) < 2 {
		return tb.AnswersAnd(ctx, a, src, obs, nothing)
	}
	resting, err := tb.resting(ctx, a, src, obs)
	if err != nil {
		return nil, err
	}
	out := make([]Applied, len(obs))
	var left []model.Observation
	var places []int
	for i := range obs {
		if resting[i].Found() {
			out[i] = Applied{Key: model.Key{Account: a.ID, Ref: obs[i].Ref}, Decision: model.Decision{Reason: model.Same, Touch: true}}
			continue
		}
		left, places = append(left, obs[i]), append(places, i)
	}
	switch len(left) {
	case len(obs):
		return tb.AnswersAnd(ctx, a, src, obs, nothing)
	case 0:
		return out, tb.store.Later(ctx, store.Unit{Apply: func(b *store.Batch) error { b.Confirm(resting); return nil }})
	}
	dids, err := tb.AnswersAnd(ctx, a, src, left, func(b *store.Batch, _ []Applied) { b.Confirm(resting) })
	for i, did := range dids {
		out[places[i]] = did
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// resting finds the rows that answers leave as they are. One that is named twice is decided: answers may contradict.
func (tb *Table) resting(ctx context.Context, a *Account, src Source, obs []model.Observation) (
	[]store.Confirmation, error,
) {
	said := make([]store.Said, len(obs))
	named := make(map[string]int, len(obs))
	for i := range obs {
		provider.LegibleObservation(&obs[i])
		o := &obs[i]
		o.Asked = src.Asked
		if named[o.Ref]++; o.Alias != o.Ref {
			named[o.Alias]++
		}
		wants := slices.ContainsFunc(o.Documents, func(d model.DocumentRef) bool { return a.Wants(d.Kind) })
		if print, least, most, ok := o.Unchanged(wants); ok {
			said[i] = store.Said{Ref: o.Ref, Print: print, Least: least, Most: most, Version: o.Version, At: o.At, AskedAt: o.AskedAt}
		}
	}
	for i := range said {
		if named[said[i].Ref] > 1 {
			said[i] = store.Said{}
		}
	}
	return tb.store.Resting(ctx, a.ID, said)
}

// AnswersAnd is Answers, and calls a function of the caller in the same transaction. That function may run twice.
func (tb *Table) AnswersAnd(
	ctx context.Context, a *Account, src Source, obs []model.Observation, also func(*store.Batch, []Applied),
) ([]Applied, error) {
	var out []Applied
	u := store.Unit{}
	for i := range obs {
		provider.LegibleObservation(&obs[i])
		u.Keys = append(u.Keys, model.Key{Account: a.ID, Ref: obs[i].Ref},
			model.Key{Account: a.ID, Ref: cmp.Or(obs[i].Alias, obs[i].Ref)})
	}
	u.Apply = func(b *store.Batch) error {
		out = out[:0]
		for i, o := range obs {
			o.Asked = src.Asked
			apply := tb.answer
			if u.Keys[2*i] != u.Keys[2*i+1] {
				apply = tb.aliased
			}
			did, err := apply(b, a, src, u.Keys[2*i], o)
			if err != nil {
				return err
			}
			out = append(out, did)
		}
		also(b, out)
		return nil
	}
	if err := tb.store.DoPatiently(ctx, u); err != nil {
		return nil, err
	}
	return out, nil
}

// answer applies one answer inside the transaction.
func (tb *Table) answer(b *store.Batch, a *Account, src Source, k model.Key, o model.Observation) (Applied, error) {
	t, ok := b.Transaction(k)
	if !ok {
		if o.Absence != model.Present || b.Forgotten(k) {
			// The row is gone meanwhile, was never one, or was forgotten.
			return Applied{Key: k, Decision: model.Decision{Reason: model.Absent}}, nil
		}
		t = NewRow(a.Rules.Provider, k)
	}
	d := model.Decide(a.Rules, t, o)
	did := Applied{Key: k, Before: t, Decision: d}
	if d.Remove {
		if t.DocsTotal > 0 { // a file that came by a link may have to go into quarantine
			if err := wake(b, k); err != nil {
				return did, err
			}
		}
		b.Remove(k)
		b.SetOutcomes(k, model.ClaimUnresolved)
		return did, nil
	}
	if len(d.Found) > 0 {
		n, err := tb.find(b, a, src, t, &d, o)
		if err != nil {
			return did, err
		}
		did.Gaps = n
	}
	b.Put(d.Next, d)
	if o.Alias != "" && o.Absence != model.Present && d.Next.NextCheckAt == nil { // no transaction has this alias
		b.SetOutcomes(k, model.ClaimUnresolved)
	}
	announce := src.Asked != model.AskedBackfill
	for _, c := range d.Changes {
		Record(b, d.Next, c, src.String(), o.At, announce)
	}
	did.Decision = d
	if len(d.Documents) > 0 {
		if err := tb.queueDocuments(b, a, k, d.Documents); err != nil {
			return did, err
		}
	}
	return did, wakeDocuments(b, t, d.Next)
}
