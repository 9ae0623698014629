package apply

import (
	"countersign/model"
	"countersign/model/store"
)

// aliased applies an answer that came by another name of its transaction. The callbacks that named the alias count as
// the row's, and the alias' own row, which nobody sees, goes.
func (tb *Table) aliased(b *store.Batch, a *Account, src Source, k model.Key, o model.Observation) (Applied, error) {
	alias := model.Key{Account: k.Account, Ref: o.Alias}
	named, ok := b.Transaction(alias)
	was, known := b.Transaction(k)
	if known && was.OpenGaps > 0 {
		calls, err := b.Called(alias, was.ConfirmedAt)
		if err != nil {
			return Applied{}, err
		}
		for _, c := range calls {
			if c.Refused || c.Unproved {
				continue
			}
			if err := tb.explain(b, a.Rules, &was, model.Callback{Type: c.Type, At: c.At}, o.Alias); err != nil {
				return Applied{}, err
			}
		}
		b.Put(was, model.Decision{Next: was})
	}
	did, err := tb.answer(b, a, src, k, o)
	if err != nil || !ok {
		return did, err
	}
	if t, there := b.Transaction(k); there && !known && named.Origin != "" {
		t.Origin = named.Origin
		b.Put(t, model.Decision{Next: t})
	}
	if named.HintedAt != nil && named.HintedAt.After(o.AskedAt) { // a callback named it while the question was out
		named.NextCheckAt = new(o.At)
		b.Put(named, model.Decision{Next: named})
		return did, nil
	}
	b.Remove(alias)
	b.SetOutcomes(alias, model.Applied)
	return did, nil
}
