package apply

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// Hint takes what a browser said of a transaction. Nothing in it is believed: a known row becomes due, within a minute
// of the last hint's question when that minute is over; an unknown ref becomes a hidden row, shown once the provider
// confirms it. At most a tenth of the budget is spent on unknown refs. The steps of a known row are stored, once each.
// It returns the row's status, unknown where there is no row to be seen. Errors are the store's.
func (tb *Table) Hint(ctx context.Context, account string, h provider.Hinted) (model.Status, error) {
	return tb.HintFor(ctx, account, h, model.DueHint)
}

// HintFor is Hint; why is what the row is due for.
func (tb *Table) HintFor(
	ctx context.Context, account string, h provider.Hinted, why model.DueReason,
) (model.Status, error) {
	a := tb.account(account)
	if a == nil || !provider.IsRef(h.Ref) {
		return model.Unknown, nil
	}
	k := model.Key{Account: account, Ref: h.Ref}
	status := model.Unknown
	err := tb.store.Do(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		status = model.Unknown
		now := b.Now()
		t, ok := b.Transaction(k)
		if !ok && (b.Forgotten(k) || !tb.lookUps.allow(a, now)) {
			return nil
		}
		if !ok {
			t = NewRow(a.Rules.Provider, k)
		}
		d := model.Decide(a.Rules, t, model.Observation{Ref: k.Ref, Evidence: model.Hint, At: now})
		if d.Next.DueReason == model.DueHint && t.DueReason != model.DueHint {
			d.Next.DueReason = why
		}
		if d.Next.HintedAt != t.HintedAt { // otherwise a question that is still to be sent covers this hint
			b.Put(d.Next, d)
		}
		if ok && !t.Hidden {
			status = t.Status
			b.AddProgress(k, steps(h.Steps, now))
		}
		return nil
	}})
	if err != nil {
		return model.Unknown, err
	}
	return status, nil
}

// burstOfHints is how many unknown refs hints may name at once.
const burstOfHints = 20

// lookUps limits how many refs without a row hints may name.
type lookUps struct {
	mu sync.Mutex
	of map[string]*rate.Limiter // by account
}

// allow reports whether one more ref that only hints name may become a hidden row with a question. The limit is what a
// tenth of the budget can ask about: otherwise a flood of made-up refs would fill the table and wait for days.
func (lu *lookUps) allow(a *Account, at time.Time) bool {
	tenth := max(a.Budget[provider.ClassRead]/10, 1)
	if a.Budget[provider.ClassRead] == 0 { // the account has no budget of its own
		tenth = 60
	}
	lu.mu.Lock()
	defer lu.mu.Unlock()
	l := lu.of[a.ID]
	each, burst := rate.Limit(float64(tenth)/60), max(tenth, burstOfHints)
	if l == nil || l.Burst() != burst || l.Limit() != each { // new, or another budget
		l = rate.NewLimiter(each, burst)
		lu.of[a.ID] = l
	}
	return l.AllowN(at, 1)
}

// longestStep bounds a step's name.
const longestStep = 100

// steps makes the steps of a browser's trail fit to be stored: anybody may have written it. A step without a
// time, or with one in the future, gets now.
func steps(list []provider.Step, now time.Time) (out []model.Step) {
	for _, s := range list {
		name := provider.Clip(s.Name, longestStep)
		if name == "" {
			continue
		}
		at := s.At.UTC()
		if at.IsZero() || at.After(now) {
			at = now
		}
		out = append(out, model.Step{Name: name, At: at})
	}
	return out
}
