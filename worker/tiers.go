package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

const (
	newsWithin    = 7 * 24 * time.Hour
	expiresWithin = 48 * time.Hour
	auditWithin   = 30 * 24 * time.Hour
	rowsAtOnce    = 200
)

// tier does one slot of a poll tier.
func (p *pass) tier(ctx context.Context, tier apply.Tier) error {
	var errs []error
	listed := false
	if l := p.a.Provider.Lister; l != nil && tier != apply.Idle {
		if err := p.discover(ctx, l, tier); err != nil {
			errs = append(errs, err)
		} else {
			listed = l.Lists() == provider.ListsChanged && tier == apply.Active
		}
	}
	if tier == apply.Audit {
		if err := p.checkRegistration(ctx, p.a); err != nil {
			errs = append(errs, err)
		}
	}
	if ctx.Err() == nil {
		errs = append(errs, p.rows(ctx, tier, listed))
	}
	err := errors.Join(errs...)
	if err == nil && p.first == nil && tier == apply.Active {
		now := p.Now()
		if err := p.updateAccount(ctx, func(a *model.Account) { a.LastPollAt = &now }); err != nil {
			return err
		}
		return p.incident(ctx, p.a.ID, model.PollOverdue, "", false)
	}
	return err
}

func (p *pass) updateAccount(ctx context.Context, change func(*model.Account)) error {
	return p.doPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		acc, err := b.Account(p.a.ID)
		if err != nil {
			return err
		}
		change(&acc)
		b.PutAccount(acc)
		return nil
	}})
}

// discover walks the list of what changed (or was created) since the last good run, with overlap. An audit
// looks back as far as it asks about final rows: pages shift while they are walked, and what was moved into a
// folder just then stands in none of them.
func (p *pass) discover(ctx context.Context, l provider.Lister, tier apply.Tier) error {
	work := provider.WorkActive
	if p.run.Since == nil {
		acc, err := p.Store.Account(ctx, p.a.ID)
		if err != nil {
			return err
		}
		since := acc.FirstStartAt
		switch far := p.run.StartedAt.Add(-auditWithin); {
		case tier == apply.Audit && far.After(since):
			since = far
		case tier == apply.Active && acc.ListedUntil != nil:
			since = *acc.ListedUntil
		}
		since = since.Add(-p.Overlap)
		p.run.Since, p.run.Until = &since, p.run.StartedAt
	}
	if tier == apply.Audit {
		work = provider.WorkAudit
	}
	until := *p.run.Until
	if err := p.walk(ctx, l, Source{Asked: model.AskedPoll, Run: p.run.ID, Tier: tier}, work); err != nil {
		return err
	}
	if p.first != nil || tier == apply.Audit {
		return nil // what failed must be listed again
	}
	return p.updateAccount(ctx, func(a *model.Account) {
		if a.ListedUntil == nil || until.After(*a.ListedUntil) {
			a.ListedUntil = &until
		}
	})
}

// walk goes through the pages of the run's window from its cursor on, saving the cursor with each.
func (p *pass) walk(ctx context.Context, l provider.Lister, src Source, work provider.Work) error {
	q := provider.ListQuery{Since: *p.run.Since, Cursor: p.run.Cursor}
	if p.run.Kind == KindBackfill && p.run.Until != nil {
		q.Until = *p.run.Until
	}
	for tries := 0; ; {
		if err := p.patient(ctx, time.Time{}); err != nil {
			return err
		}
		version, err := p.Store.Version(ctx)
		if err != nil {
			return err
		}
		asked := p.Now()
		page, err := l.List(provider.WithWork(ctx, work), q)
		if err != nil {
			tries++
			if again, err := p.listFailed(ctx, err, tries); !again {
				return err
			}
			continue
		}
		tries = 0
		if err := p.recovered(ctx, p.a); err != nil {
			return err
		}
		if err := p.page(ctx, page, src, work, model.Observation{Version: version, AskedAt: asked, At: p.Now()}); err != nil {
			return err
		}
		q.Cursor, p.run.Cursor = page.Next, page.Next
		if err := p.save(ctx); err != nil || page.Next == "" {
			return err
		}
	}
}

// listFailed decides whether a page is asked for again. What a service refuses or asks to wait for
// is the account's; a page that fails four times ends the walk, and the cursor stays.
func (p *pass) listFailed(ctx context.Context, err error, tries int) (again bool, _ error) {
	var after *provider.RetryAfter
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, provider.ErrDenied):
		return false, p.fail(ctx, model.Transaction{Account: p.a.ID}, err)
	case errors.As(err, &after):
		p.stop(p.a, p.wait(after))
		return true, nil
	case tries >= 4:
		return false, err
	}
	return true, sleep(ctx, p.pause(tries-1))
}

// page applies one page: whole objects at once, others by asking for those that differ from the row.
func (p *pass) page(ctx context.Context, page provider.Page, src Source, work provider.Work, stamp model.Observation) error {
	p.run.Listed += len(page.Items)
	if page.Total > 0 {
		p.run.Total = page.Total
	}
	var whole []model.Observation
	var partial []provider.Listed
	for _, it := range page.Items {
		if !provider.IsRef(it.Observation.Ref) {
			p.Log.WithField("account", p.a.ID).Warn("the list names a transaction by bytes that no text may hold, left out")
			continue
		}
		if !it.Whole {
			partial = append(partial, it)
			continue
		}
		o := it.Observation
		o.Version, o.AskedAt, o.At, o.Evidence = stamp.Version, stamp.AskedAt, stamp.At, model.Verified
		whole = append(whole, o)
	}
	if len(whole) > 0 {
		dids, err := p.Answers(ctx, p.a, src, whole)
		if err != nil {
			return err
		}
		for _, did := range dids {
			p.count(did)
			p.log(p.a, did, src)
		}
	}
	return p.askListed(ctx, partial, src, work)
}

// rows asks about the tier's rows, those with the oldest answer first, until they are done or the
// next slot comes; what is left is carried over and said.
func (p *pass) rows(ctx context.Context, tier apply.Tier, listed bool) error {
	work := map[apply.Tier]provider.Work{apply.Active: provider.WorkActive, apply.Idle: provider.WorkIdle, apply.Audit: provider.WorkAudit}[tier]
	src := Source{Asked: model.AskedPoll, Run: p.run.ID, Tier: tier}
	start := *p.run.StartedAt
	f := p.filter(tier, start)
	deadline := start.Add(p.a.Polling.Interval(tier, start))
	if p.params.Whole {
		deadline = time.Time{}
	}
	if l := p.a.Provider.Lister; l != nil && l.Lists() == provider.ListsCreated {
		if err := p.walkInstead(ctx, l, f, src, work); err != nil {
			return err
		}
	}
	for {
		rows, next, err := p.Store.OpenRows(ctx, f)
		if err != nil {
			return err
		}
		var ask []model.Transaction
		for _, t := range rows {
			if p.skip(t, listed) {
				continue
			}
			ask = append(ask, t)
		}
		if err := p.askAll(ctx, ask, src, work); err != nil {
			return err
		}
		if err := p.save(ctx); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		f.After = next
		if !deadline.IsZero() && p.Now().After(deadline) {
			left, err := p.Store.CountOpenRows(ctx, f)
			p.run.Left = left
			return err
		}
	}
}

// filter chooses the rows of a tier. Those answered since the run began are left out; a slot also
// leaves out what was answered within half its interval, a run by hand asks them all.
func (p *pass) filter(tier apply.Tier, start time.Time) store.OpenFilter {
	f := store.OpenFilter{Account: p.a.ID, Tier: string(tier), Limit: rowsAtOnce}
	news, expires, final := start.Add(-newsWithin), start.Add(expiresWithin), start.Add(-auditWithin)
	f.NewsSince, f.ExpiresBefore, f.FinalSince = &news, &expires, &final
	before := start
	if !p.params.Whole && tier != apply.Active {
		before = start.Add(-p.a.Polling.Interval(tier, start) / 2)
	}
	f.AnsweredBefore = &before
	if l := p.a.Provider.Lister; l != nil && tier == apply.Idle && l.Lists() == provider.ListsChanged {
		f.Tier = "open" // whether each change moves a list's update time is not documented: ask all that is open
	}
	return f
}

// skip leaves out rows that wait on purpose, and those a list of changes has answered by silence.
func (p *pass) skip(t model.Transaction, listed bool) bool {
	waits := t.NextCheckAt != nil && t.NextCheckAt.After(p.Now())
	if waits && (t.DueReason == model.DueNotFound || t.DueReason == model.DueRecheck) {
		return true
	}
	return listed && t.Confirmed && t.ReportedStatus == ""
}

// walkInstead lists whole objects where that takes fewer calls than asking for each row.
func (p *pass) walkInstead(ctx context.Context, l provider.Lister, f store.OpenFilter, src Source, work provider.Work) error {
	span, err := p.Store.OpenSpan(ctx, f)
	if err != nil || span.Rows == 0 || span.Oldest == nil || span.Rows <= 2+2*(span.Created/100+1) {
		return err
	}
	run := *p.run
	since := span.Oldest.Add(-time.Minute)
	sub := &pass{Worker: p.Worker, a: p.a, run: &run, params: p.params}
	sub.run.Since, sub.run.Cursor = &since, ""
	err = sub.walkOnly(ctx, l, src, work)
	p.run.Listed, p.run.Changed, p.run.Gaps, p.run.Queued = run.Listed, run.Changed, run.Gaps, run.Queued
	if errors.Is(err, provider.ErrDenied) || ctx.Err() != nil {
		return err
	}
	return nil // what the pages did not answer is asked for row by row
}

// walkOnly walks pages without keeping a cursor: the rows themselves say what is still to be asked.
func (p *pass) walkOnly(ctx context.Context, l provider.Lister, src Source, work provider.Work) error {
	q := provider.ListQuery{Since: *p.run.Since}
	for {
		version, err := p.Store.Version(ctx)
		if err != nil {
			return err
		}
		asked := p.Now()
		page, err := l.List(provider.WithWork(ctx, work), q)
		if err != nil {
			return err
		}
		if err := p.page(ctx, page, src, work, model.Observation{Version: version, AskedAt: asked, At: p.Now()}); err != nil {
			return err
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// refs asks about single refs that an operator named.
func (p *pass) refs(ctx context.Context) error {
	keys := make([]model.Key, len(p.params.Refs))
	for i, ref := range p.params.Refs {
		keys[i] = model.Key{Account: p.a.ID, Ref: ref}
	}
	rows, err := p.Store.Rows(ctx, keys)
	if err != nil {
		return err
	}
	gone, err := p.Store.ForgottenAmong(ctx, keys)
	if err != nil {
		return err
	}
	var ask []model.Transaction
	for _, k := range keys {
		t, ok := rows[k]
		if !ok && gone[k] {
			return fmt.Errorf("%s was forgotten: only `countersign track` follows it again", k.Ref)
		}
		if !ok {
			t = model.Transaction{Account: k.Account, Ref: k.Ref, Provider: p.a.Rules.Provider, Status: model.Unknown, Origin: model.OriginTrack}
		}
		ask = append(ask, t)
	}
	p.run.Total = len(ask)
	return p.askAll(ctx, ask, Source{Asked: model.AskedRef, Run: p.run.ID}, provider.WorkConfirm)
}
