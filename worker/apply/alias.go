package apply

import (
	"countersign/model"
	"countersign/model/store"
)

// aliased applies an answer to a question about an alias: the callbacks that named the alias count as the row's, and
// the alias's hidden row is removed.
func (tb *Table) aliased(b *store.Batch, a *Account, src Source, k model.Key, o model.Observation) (Applied, error) {
	alias := model.Key{Account: k.Account, Ref: o.Alias}
	named, ok := b.Transaction(alias)
	was, known := b.Transaction(k)
	calls, err := b.Called(alias, was.ConfirmedAt)
	for _, c := range calls {
		if err == nil && was.OpenGaps > 0 && !c.Refused && !c.Unproved {
			err = tb.explain(b, a.Rules, &was, model.Callback{Type: c.Type, At: c.At}, o.Alias)
			b.Put(was, model.Decision{Next: was})
		}
	}
	if err != nil {
		return Applied{}, err
	}
	did, err := tb.answer(b, a, src, k, o)
	if err != nil || !ok {
		return did, err
	}
	if t, there := b.Transaction(k); there && !known {
		t.Origin = named.Origin
		b.Put(t, model.Decision{Next: t})
	}
	b.SetOutcomes(alias, model.Applied)
	if named.HintedAt == nil || !named.HintedAt.After(o.AskedAt) {
		b.Remove(alias)
		return did, nil
	}
	named.NextCheckAt = new(o.At) // a callback named the alias after the question was sent
	b.Put(named, model.Decision{Next: named})
	return did, nil
}
