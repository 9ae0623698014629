// Package poll finds what callbacks missed: the slots of each tier, the lists that providers have, a window of history,
// streams of events, and what time alone brings.
package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
)

const (
	newsWithin    = 7 * 24 * time.Hour
	expiresWithin = 48 * time.Hour
	auditWithin   = 30 * 24 * time.Hour
	rowsAtOnce    = 200
)

// TiersOptions is what Tiers needs. All of it is required.
type TiersOptions struct {
	Store   *store.Store
	Table   *apply.Table
	Asker   *ask.Asker
	Now     func() time.Time
	Log     *logrus.Entry
	Overlap time.Duration // how far lists look back before the last good run
}

// Tiers polls accounts, by tier, by a window of history or by ref.
type Tiers struct {
	o     TiersOptions
	walks walks
}

// NewTiers returns what polls.
func NewTiers(o TiersOptions) *Tiers {
	return &Tiers{o: o, walks: walks{busy: map[string]chan struct{}{}}}
}

// Kinds are the kinds of run that poll.
func (ts *Tiers) Kinds() map[string]runs.Kind {
	out := map[string]runs.Kind{runs.KindBackfill: ts.asked(ts.backfill), runs.KindRefs: ts.asked(ts.refs)}
	for _, tier := range apply.Tiers() {
		out[string(tier)] = ts.asked(func(ctx context.Context, p *runs.Pass) error { return ts.tier(ctx, p, tier) })
	}
	return out
}

// asked is a kind that refuses an account whose credentials are of another one.
func (ts *Tiers) asked(kind runs.Kind) runs.Kind {
	return func(ctx context.Context, p *runs.Pass) error {
		if err := ts.o.Asker.Gate().Foreign(p.Account); err != nil {
			return err
		}
		return kind(ctx, p)
	}
}

// tier does one slot of a poll tier.
func (ts *Tiers) tier(ctx context.Context, p *runs.Pass, tier apply.Tier) error {
	var errs []error
	listed := false
	if l := p.Account.Provider.Lister; l != nil && tier != apply.Idle {
		if err := ts.discover(ctx, p, l, tier); err != nil {
			errs = append(errs, err)
			if p.ByHand() && errors.Is(err, provider.ErrUnavailable) {
				p.GiveUp(err) // somebody waits, and it will not answer about rows either
			}
		} else {
			listed = l.Lists() == provider.ListsChanged && tier == apply.Active
		}
	}
	if tier == apply.Audit && p.GaveUp() == nil {
		if err := ts.registration(ctx, p.Account); err != nil {
			errs = append(errs, err)
		}
	}
	if ctx.Err() == nil && p.GaveUp() == nil {
		errs = append(errs, ts.rows(ctx, p, tier, listed))
	}
	err := errors.Join(errs...)
	if _, failed := p.Failures(); err != nil || failed != nil || tier != apply.Active {
		return err
	}
	now := ts.o.Now()
	if err := ts.updateAccount(ctx, p.Account, func(a *model.Account) { a.LastPollAt = &now }); err != nil {
		return err
	}
	return ts.o.Table.Incidents().Set(ctx, p.Account.ID, model.PollOverdue, "", false)
}

// registration compares what the provider calls with what it called before.
func (ts *Tiers) registration(ctx context.Context, a *apply.Account) error {
	r := a.Provider.Registrar
	if r == nil {
		return nil
	}
	reg, err := r.Registration(provider.WithWork(ctx, provider.WorkAudit))
	if err != nil {
		return err
	}
	return a.Generation.Learn(func() error { return ts.o.Table.AuditRegistration(ctx, a, reg) })
}

// updateAccount writes down how far an account has come, unless a reload has changed it meanwhile.
func (ts *Tiers) updateAccount(ctx context.Context, a *apply.Account, change func(*model.Account)) error {
	write := store.Unit{Apply: func(b *store.Batch) error {
		acc, err := b.Account(a.ID)
		if err != nil {
			return err
		}
		change(&acc)
		b.PutAccount(acc)
		return nil
	}}
	return a.Generation.Learn(func() error { return ts.o.Store.DoPatiently(ctx, write) })
}

// discover walks the list of what changed (or was created) since the last good run, with overlap. An audit looks back
// as far as it asks about final rows: pages shift while they are walked, and what was moved into a folder just then
// stands in none of them.
func (ts *Tiers) discover(ctx context.Context, p *runs.Pass, l provider.Lister, tier apply.Tier) error {
	work := provider.WorkActive
	if p.Run.Since == nil {
		acc, err := ts.o.Store.Account(ctx, p.Account.ID)
		if err != nil {
			return err
		}
		since := acc.FirstStartAt
		switch far := p.Run.StartedAt.Add(-auditWithin); {
		case tier == apply.Audit && far.After(since):
			since = far
		case tier == apply.Active && acc.ListedUntil != nil:
			since = *acc.ListedUntil
		}
		since = since.Add(-ts.o.Overlap)
		p.Run.Since, p.Run.Until = &since, p.Run.StartedAt
	}
	if tier == apply.Audit {
		work = provider.WorkAudit
	}
	until := *p.Run.Until
	done, err := ts.walks.begin(ctx, p.Account.ID)
	if err != nil {
		return err
	}
	defer done()
	src := p.Source(model.AskedPoll)
	src.Tier = tier
	w := walker{ts, p, l, src, work}
	if err := w.walk(ctx, provider.ListQuery{Since: *p.Run.Since, Cursor: p.Run.Cursor}); err != nil {
		return err
	}
	if _, failed := p.Failures(); failed != nil || tier == apply.Audit {
		return nil // what failed must be listed again
	}
	return ts.updateAccount(ctx, p.Account, func(a *model.Account) {
		if a.ListedUntil == nil || until.After(*a.ListedUntil) {
			a.ListedUntil = &until
		}
	})
}

// rows asks about the tier's rows, those with the oldest answer first, until they are done or the next slot comes; what
// is left is carried over and said.
func (ts *Tiers) rows(ctx context.Context, p *runs.Pass, tier apply.Tier, listed bool) error {
	work := map[apply.Tier]provider.Work{
		apply.Active: provider.WorkActive, apply.Idle: provider.WorkIdle, apply.Audit: provider.WorkAudit,
	}[tier]
	src := p.Source(model.AskedPoll)
	src.Tier = tier
	start := *p.Run.StartedAt
	f := ts.filter(p, tier, start)
	deadline := start.Add(p.Account.Polling.Interval(tier, start))
	if p.Params.Whole {
		deadline = time.Time{}
	}
	if l := p.Account.Provider.Lister; l != nil && l.Lists() == provider.ListsCreated {
		if err := (walker{ts, p, l, src, work}).instead(ctx, f); err != nil {
			return err
		}
	}
	for {
		rows, next, err := ts.o.Store.OpenRows(ctx, f)
		if err != nil {
			return err
		}
		var asked []model.Transaction
		for _, t := range rows {
			if !ts.skip(t, listed) {
				asked = append(asked, t)
			}
		}
		if err := p.Rows(ctx, asked, src, work); err != nil {
			return err
		}
		if err := p.Save(ctx); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		f.After = next
		if !deadline.IsZero() && ts.o.Now().After(deadline) {
			left, err := ts.o.Store.CountOpenRows(ctx, f)
			p.Run.Left = left
			return err
		}
	}
}

// filter chooses the rows of a tier. Those answered since the run began are left out; a slot also leaves out what was
// answered within half its interval, a run by hand asks them all.
func (ts *Tiers) filter(p *runs.Pass, tier apply.Tier, start time.Time) store.OpenFilter {
	f := store.OpenFilter{Account: p.Account.ID, Tier: string(tier), Limit: rowsAtOnce}
	news, expires, final := start.Add(-newsWithin), start.Add(expiresWithin), start.Add(-auditWithin)
	f.NewsSince, f.ExpiresBefore, f.FinalSince = &news, &expires, &final
	before := start
	if !p.Params.Whole && tier != apply.Active {
		before = start.Add(-p.Account.Polling.Interval(tier, start) / 2)
	}
	f.AnsweredBefore = &before
	if l := p.Account.Provider.Lister; l != nil && tier == apply.Idle && l.Lists() == provider.ListsChanged {
		f.Tier = "open" // whether each change moves a list's update time is not documented: ask all that is open
	}
	return f
}

// skip leaves out rows that wait on purpose, and those a list of changes has answered by silence.
func (ts *Tiers) skip(t model.Transaction, listed bool) bool {
	waits := t.NextCheckAt != nil && t.NextCheckAt.After(ts.o.Now())
	if waits && (t.DueReason == model.DueNotFound || t.DueReason == model.DueRecheck) {
		return true
	}
	return listed && t.Confirmed && t.ReportedStatus == ""
}

// refs asks about single refs that an operator named.
func (ts *Tiers) refs(ctx context.Context, p *runs.Pass) error {
	keys := make([]model.Key, len(p.Params.Refs))
	for i, ref := range p.Params.Refs {
		keys[i] = model.Key{Account: p.Account.ID, Ref: ref}
	}
	rows, err := ts.o.Store.Rows(ctx, keys)
	if err != nil {
		return err
	}
	gone, err := ts.o.Store.ForgottenAmong(ctx, keys)
	if err != nil {
		return err
	}
	var asked []model.Transaction
	for _, k := range keys {
		t, ok := rows[k]
		if !ok && gone[k] {
			return fmt.Errorf("%s was forgotten: only `countersign track` follows it again", k.Ref)
		}
		if !ok {
			t = apply.NewRow(p.Account.Rules.Provider, k)
			t.Origin = model.OriginTrack
		}
		asked = append(asked, t)
	}
	p.Run.Total = len(asked)
	if err := p.Rows(ctx, asked, p.Source(model.AskedRef), provider.WorkConfirm); err != nil {
		return err
	}
	if _, failed := p.Failures(); failed != nil {
		return nil // what is not known may not have been answered
	}
	return ts.unknown(ctx, p, keys)
}

// unknown counts as failures the refs that the provider does not know, and never did.
func (ts *Tiers) unknown(ctx context.Context, p *runs.Pass, keys []model.Key) error {
	rows, err := ts.o.Store.Rows(ctx, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if t, ok := rows[k]; !ok || t.NotFound && t.ConfirmedAt == nil {
			p.Failure(fmt.Errorf("%s: the provider does not know it", k), 1)
		}
	}
	return nil
}
