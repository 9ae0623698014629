package worker

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// knownAsListed says whether a row says what a list that shows no whole objects says of it. Where the list
// has no mark, one of changes says that something did change, and another one that it exists.
func knownAsListed(a *apply.Account, lists provider.Listing, t model.Transaction, o model.Observation) bool {
	switch {
	case !t.Confirmed || t.ReportedStatus != "" || t.NotFound || t.Deleted || t.Hidden, t.ProviderMark != o.Mark:
		return false
	case o.Mark == "" && lists == provider.ListsChanged:
		return false
	case o.Mark != "" || o.Status == "" || t.Status == o.Status:
		return true
	}
	return a.Rules.Confirms[o.Status] == t.Status
}

// askListed asks about the listed transactions that the table does not know as they are listed.
func (p *pass) askListed(ctx context.Context, items []provider.Listed, src Source, work provider.Work) error {
	l := p.a.Provider.Lister
	if len(items) == 0 || l == nil {
		return nil
	}
	keys := make([]model.Key, len(items))
	for i, it := range items {
		keys[i] = model.Key{Account: p.a.ID, Ref: it.Observation.Ref}
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
	for i, it := range items {
		t, ok := rows[keys[i]]
		if !ok && gone[keys[i]] {
			continue
		}
		if !ok {
			t = model.Transaction{Account: p.a.ID, Ref: keys[i].Ref, Provider: p.a.Rules.Provider, Status: model.Unknown, Origin: model.OriginTrack}
		}
		if ok && knownAsListed(p.a, l.Lists(), t, it.Observation) {
			continue
		}
		ask = append(ask, t)
	}
	return p.askThrough(ctx, ask, src, work)
}

// listedTries is how often a listed transaction is asked about before the walk goes on without it.
const listedTries = 4

// askThrough asks about listed transactions until each has been answered or failed four times. Many are in
// no row yet, so nothing else would ever ask: the next page's cursor leaves them behind.
func (p *pass) askThrough(ctx context.Context, rows []model.Transaction, src Source, work provider.Work) error {
	for try := 1; ; try++ {
		p.mu.Lock()
		p.unanswered = nil
		failures, first := p.failures, p.first
		p.mu.Unlock()
		if err := p.askAll(ctx, rows, src, work); err != nil {
			return err
		}
		p.mu.Lock()
		rows = p.unanswered
		if len(rows) > 0 && try < listedTries {
			p.failures, p.first = failures, first
		}
		p.mu.Unlock()
		if len(rows) == 0 || try == listedTries {
			return nil
		}
		if err := sleep(ctx, p.pause(try-1)); err != nil {
			return err
		}
	}
}

// askAll asks about rows, several at a time: in one call each where the provider takes several refs.
func (p *pass) askAll(ctx context.Context, rows []model.Transaction, src Source, work provider.Work) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(p.Workers)
	for _, some := range batches(p.a, rows) {
		if gctx.Err() != nil {
			break
		}
		if err := p.patient(gctx, time.Time{}); err != nil {
			break
		}
		g.Go(func() error { return p.askSome(gctx, some, src, work) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// askSome asks about the rows of one batch, and by itself about each that the answer leaves out.
func (p *pass) askSome(ctx context.Context, rows []model.Transaction, src Source, work provider.Work) error {
	dids, left, err := p.askMany(ctx, p.a, src, rows, work)
	for _, did := range dids {
		p.asked()
		p.count(did)
	}
	if err != nil {
		for _, t := range rows {
			p.asked()
			if err := p.fail(ctx, t, err); err != nil {
				return err
			}
		}
		return nil
	}
	for _, t := range left {
		if err := p.patient(ctx, time.Time{}); err != nil {
			return err
		}
		p.asked()
		did, err := p.ask(ctx, p.a, src, t, work)
		if err != nil {
			if err := p.fail(ctx, t, err); err != nil {
				return err
			}
			continue
		}
		p.count(did)
	}
	return nil
}

// asked counts one row that was asked about.
func (p *pass) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run.Asked++
}

// batches cuts rows into what one call may ask about. Refs that nobody vouches for have a share of the
// budget of their own, and test objects a class, so each of those goes alone.
func batches(a *apply.Account, rows []model.Transaction) (out [][]model.Transaction) {
	most := 1
	if b := a.Provider.Batcher; b != nil {
		most = max(b.Batch(), 1)
	}
	var some []model.Transaction
	for _, t := range rows {
		if most == 1 || t.Test || unvouched(t) {
			out = append(out, []model.Transaction{t})
			continue
		}
		if some = append(some, t); len(some) == most {
			out, some = append(out, some), nil
		}
	}
	if len(some) > 0 {
		out = append(out, some)
	}
	return out
}

// unvouched says whether only callbacks or hints have named a row.
func unvouched(t model.Transaction) bool {
	return t.Status == model.Unknown && t.Origin != model.OriginTrack
}

// askMany puts one question about several rows and applies the answer. left are the rows that it does
// not tell of; all of them where there is only one, or where the service does not take this batch.
func (w *Worker) askMany(ctx context.Context, a *apply.Account, src Source, rows []model.Transaction, work provider.Work) (dids []Applied, left []model.Transaction, err error) {
	b := a.Provider.Batcher
	if b == nil || len(rows) == 1 {
		return nil, rows, nil
	}
	refs, of := make([]string, len(rows)), map[string]model.Transaction{}
	for i, t := range rows {
		refs[i], of[t.Ref] = t.Ref, t
	}
	asked := w.Now()
	found, err := b.FetchMany(provider.WithWork(ctx, work), refs)
	if err != nil {
		if ctx.Err() != nil || ofTheAccount(err) {
			return nil, nil, err
		}
		return nil, rows, nil // one of them may be at fault: asked one by one it is seen which
	}
	var obs []model.Observation
	for _, o := range found {
		t, ok := of[o.Ref]
		if !ok {
			continue // not asked about, or told twice
		}
		delete(of, o.Ref)
		o.Evidence, o.Version, o.AskedAt, o.At = model.Verified, t.Version, asked, w.Now()
		obs = append(obs, o)
	}
	for _, t := range rows {
		if _, ok := of[t.Ref]; ok {
			left = append(left, t)
		}
	}
	if len(obs) == 0 {
		return nil, left, nil
	}
	if dids, err = w.Answers(ctx, a, src, obs); err != nil {
		return nil, nil, err
	}
	for _, did := range dids {
		w.succeeded(did.Key)
		w.log(a, did, src)
	}
	return dids, left, w.recovered(ctx, a)
}

// ofTheAccount says whether an error would meet every question of the account.
func ofTheAccount(err error) bool {
	var after *provider.RetryAfter
	return errors.Is(err, provider.ErrDenied) || errors.Is(err, provider.ErrUnavailable) || errors.As(err, &after) || errors.Is(err, store.ErrUnavailable)
}

// confirmSome asks about the due rows of one batch.
func (w *Worker) confirmSome(ctx context.Context, a *apply.Account, rows []model.Transaction) error {
	if !w.may(a) {
		var keys []model.Key
		for _, t := range rows {
			keys = append(keys, t.Key())
		}
		return w.Store.Release(ctx, keys)
	}
	src := Source{Asked: model.AskedConfirm}
	_, left, err := w.askMany(ctx, a, src, rows, provider.WorkConfirm)
	if err != nil {
		for _, t := range rows {
			if err := w.failed(ctx, a, t.Key(), err); err != nil {
				return err
			}
		}
		return nil
	}
	for _, t := range left {
		if !w.may(a) {
			if err := w.Store.Release(ctx, []model.Key{t.Key()}); err != nil {
				return err
			}
			continue
		}
		_, err := w.ask(ctx, a, src, t, provider.WorkConfirm)
		if err := w.failed(ctx, a, t.Key(), err); err != nil {
			return err
		}
	}
	return nil
}
