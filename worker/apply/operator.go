package apply

import (
	"context"

	"countersign/model"
	"countersign/model/store"
)

// Track follows refs that no list would show, including forgotten ones. Existing rows are made due; new ones are unknown
// until the provider has answered. The rows keep by, as in Resolve. It returns how many rows are new.
func (tb *Table) Track(ctx context.Context, by, account, providerName string, refs []string) (int, error) {
	added := 0
	for len(refs) > 0 {
		n := min(len(refs), 200)
		u := store.Unit{}
		for _, ref := range refs[:n] {
			u.Keys = append(u.Keys, model.Key{Account: account, Ref: ref})
		}
		refs = refs[n:]
		fresh := 0
		u.Apply = func(b *store.Batch) error {
			fresh = 0
			now := b.Now()
			for _, k := range u.Keys {
				t, ok := b.Transaction(k)
				if !ok {
					b.Recall(k)
					fresh++
					t = NewRow(providerName, k)
					t.FirstSeenAt, t.ChangedAt = now, now
				}
				if t.Status == model.Unknown && t.ConfirmedAt == nil {
					t.Origin, t.Hidden = model.OriginTrack, false
				}
				t.NextCheckAt, t.DueReason, t.DueSince, t.TrackedBy, t.TrackedAt = &now, model.DueNew, &now, by, &now
				b.Put(t, model.Decision{Next: t})
			}
			return nil
		}
		if err := tb.store.DoPatiently(ctx, u); err != nil {
			return added, err
		}
		added += fresh
	}
	return added, nil
}

// Resolve records an operator's statement that a transaction is deleted, which no provider reports. by is a source of
// the history: "operator", or "operator NAME". store.ErrNoRow if there is no such row.
func (tb *Table) Resolve(ctx context.Context, k model.Key, by string) error {
	return tb.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		t, ok := b.Transaction(k)
		if !ok {
			return store.ErrNoRow
		}
		now := b.Now()
		d := model.Decide(model.Rules{}, t, model.Observation{
			Ref: k.Ref, Evidence: model.Verified, Asked: model.AskedOperator, Deleted: model.Yes,
			At: now, AskedAt: now, Version: t.Version,
		})
		b.Put(d.Next, d)
		for _, c := range d.Changes {
			Record(b, d.Next, c, by, now, true)
		}
		return nil
	}})
}
