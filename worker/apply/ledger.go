package apply

import (
	"context"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

// find compares an answer's changes with the callbacks: a change that a callback reported is counted, any other
// becomes a pending gap (rule 9). It returns how many gaps of the row are pending.
func (tb *Table) find(
	b *store.Batch, a *Account, src Source, t model.Transaction, d *model.Decision, o model.Observation,
) (int, error) {
	if d.FirstSight {
		history, err := tb.history(b, a, src, t, d.Next)
		if err == nil && history {
			by := src.channel(t)
			if t.Origin == model.OriginTrack {
				by = model.ByTrack
			}
			for _, f := range d.Found {
				b.AddFirst(a.ID, f.Change, by, o.At)
			}
		}
		if err != nil || history {
			return 0, err
		}
	}
	calls, err := b.Called(t.Key(), t.ConfirmedAt)
	if err == nil && o.Alias != "" {
		var more []model.Called
		more, err = b.Called(model.Key{Account: t.Account, Ref: o.Alias}, t.ConfirmedAt)
		calls = append(calls, more...)
	}
	if err != nil {
		return 0, err
	}
	pending, asked := 0, t.NextCheckAt != nil
	for _, f := range d.Found {
		reported, _ := model.Reported(a.Rules, f, calls, asked)
		if reported {
			b.AddReported(a.ID, f.Change, o.At)
			b.AddFirst(a.ID, f.Change, model.ByCallback, o.At)
			continue
		}
		b.AddFirst(a.ID, f.Change, src.channel(t), o.At)
		b.AddGap(model.Gap{
			Account: t.Account, Ref: t.Ref, Kind: model.GapPending, Change: f.Change, From: f.From, To: f.To,
			Signer: f.Signer, Off: f.Off, After: t.ConfirmedAt, Before: o.At,
			HappenedAt: f.HappenedAt(d.Next, t.ConfirmedAt, o.At),
			FoundBy:    src.String(), FoundAt: o.At, SettleAt: o.At.Add(a.GapGrace),
		})
		pending++
	}
	d.Next.OpenGaps += pending
	return pending, nil
}

// history reports whether a first sight is no gap, because the transaction is older than our watch: it came in a
// backfill or by track, or the provider created it before the account's first start.
func (tb *Table) history(b *store.Batch, a *Account, src Source, t, next model.Transaction) (bool, error) {
	if src.Asked == model.AskedBackfill || t.Origin == model.OriginTrack {
		return true, nil
	}
	acc, err := b.Account(a.ID)
	if err != nil {
		return false, err
	}
	return next.CreatedAt != nil && next.CreatedAt.Before(acc.FirstStartAt), nil
}

// explain matches a callback with a gap that was found before it came. A pending gap is removed; a settled gap becomes
// late, and so does one whose grace has passed without being settled yet. One callback explains one change of a kind,
// the oldest.
func (tb *Table) explain(b *store.Batch, r model.Rules, next *model.Transaction, cb model.Callback, id string) error {
	gaps, err := b.OpenGaps(next.Key())
	if err != nil {
		return err
	}
	var done []model.GapChange
	for _, g := range gaps {
		f := found(g)
		reported, _ := model.Reported(r, f, []model.Called{{Type: cb.Type, At: cb.At}}, true)
		if !reported || slices.Contains(done, g.Change) {
			continue
		}
		if g.Kind != model.GapPending && cb.At.Before(g.Before) {
			continue // a replayed callback that came in time and was refused: the entry stays "refused"
		}
		done = append(done, g.Change)
		next.OpenGaps--
		if g.Kind == model.GapPending && !cb.At.After(g.SettleAt) {
			b.RemoveGap(g.ID)
			b.AddReported(g.Account, g.Change, cb.At)
			continue
		}
		was := g.Kind
		if was == model.GapPending {
			was = model.GapMissed // what the next round would have settled it as
		}
		late := cb.At.Sub(g.Before)
		g.Kind, g.Latency = model.GapLate, &late
		b.PutGap(g)
		Record(b, *next, model.RowChange{Kind: model.KindGap, From: string(was), To: string(g.Kind), Signer: g.Signer},
			"callback "+id, cb.At, true)
	}
	return nil
}

func found(g model.Gap) model.Found {
	return model.Found{Change: g.Change, From: g.From, To: g.To, Signer: g.Signer, Off: g.Off}
}

// SettleGaps settles the gaps whose grace has passed.
func (tb *Table) SettleGaps(ctx context.Context) error {
	for {
		due, err := tb.store.DueGaps(ctx, tb.now(), 200)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, g := range due {
			if err := tb.settle(ctx, g); err != nil {
				return err
			}
		}
	}
}

// settle gives a pending gap its kind and announces it.
func (tb *Table) settle(ctx context.Context, g model.Gap) error {
	a := tb.account(g.Account)
	var rules model.Rules
	if a != nil {
		rules = a.Rules
	}
	k := model.Key{Account: g.Account, Ref: g.Ref}
	var moved []incidents.Move
	store.CrashPoint("gap before settle")
	err := tb.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		moved = nil
		open, err := b.OpenGaps(k)
		pending := func(o model.Gap) bool { return o.ID == g.ID && o.Kind == model.GapPending }
		if err != nil || !slices.ContainsFunc(open, pending) {
			return err // a callback explained it meanwhile
		}
		acc, err := b.Account(g.Account)
		if err != nil {
			return err
		}
		calls, err := b.Called(k, g.After)
		if err != nil {
			return err
		}
		_, refused := model.Reported(rules, found(g), calls, false)
		g.Kind = model.Unreported(rules, found(g), refused, events(acc.Registration))
		b.PutGap(g)
		t, ok := b.Transaction(k)
		if ok {
			if g.Kind != model.GapMissed && g.Kind != model.GapRefused {
				t.OpenGaps--
				b.Put(t, model.Decision{Next: t})
			}
			Record(b, t, model.RowChange{Kind: model.KindGap, To: string(g.Kind), Signer: g.Signer}, g.FoundBy, b.Now(), true)
		}
		if g.Kind == model.GapMissed && silentSince(acc.LastCallbackAt, g) {
			return incidents.Open(b, &moved, g.Account, model.CallbacksSilent,
				"a poll found a change that no callback told, and none has come since")
		}
		return nil
	}})
	if err == nil {
		store.CrashPoint("gap settled")
		tb.incidents.Note(moved)
	}
	return err
}

// silentSince reports whether no callback has been accepted since the change happened, counting from the last answer
// that did not show the change.
func silentSince(last *time.Time, g model.Gap) bool {
	from := g.Before
	if g.After != nil {
		from = *g.After
	}
	return last == nil || last.Before(from)
}
