package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// leaseFor is how long a row or document stays out of other hands; a dead process gives it back after.
const leaseFor = 10 * time.Minute

// ask puts one question to the provider and applies the answer.
func (w *Worker) ask(ctx context.Context, a *apply.Account, src Source, t model.Transaction, work provider.Work) (Applied, error) {
	version, asked := t.Version, w.Now()
	if unvouched(t) {
		work = provider.WorkUnknown
	}
	ctx = provider.WithWork(ctx, work)
	if t.Test {
		ctx = provider.WithClass(ctx, provider.ClassTest)
	}
	o, err := a.Provider.Fetch(ctx, t.Ref)
	if err != nil {
		return Applied{Key: t.Key(), Before: t}, err
	}
	o.Ref, o.Evidence = t.Ref, model.Verified
	o.Version, o.AskedAt, o.At = version, asked, w.Now()
	did, err := w.Answers(ctx, a, src, []model.Observation{o})
	if err != nil {
		return Applied{Key: t.Key(), Before: t}, err
	}
	w.succeeded(t.Key())
	w.log(a, did[0], src)
	return did[0], w.recovered(ctx, a)
}

// log tells of a status that moved; everything else is debug.
func (w *Worker) log(a *apply.Account, did Applied, src Source) {
	entry := w.Log.WithFields(logrus.Fields{"account": a.ID, "txn": did.Key.Ref, "source": src.String(), "reason": string(did.Reason)})
	if did.Next.Status != did.Before.Status {
		entry.WithFields(logrus.Fields{"from": did.Before.Status, "status": did.Next.Status}).Info("status changed")
		return
	}
	entry.Debug("answer applied")
}

// confirmLanes ask about the rows that are due between the slots: claims to confirm, answers to ask for again, refs
// to look up. Each account has a lane for its rows and one for refs that nobody vouches for: those have a tenth of the
// budget and may come in floods, and must not stand in the way of the others.
func (w *Worker) confirmLanes() (out []lane) {
	for _, a := range w.Accounts() {
		for _, f := range []store.DueFilter{{Account: a.ID, Vouched: true}, {Account: a.ID, Unvouched: true}} {
			out = append(out, lane{fmt.Sprintf("confirm\x00%s\x00%t", a.ID, f.Vouched), func(ctx context.Context) error { return w.confirmDue(ctx, a, f) }})
		}
	}
	return out
}

// confirmDue asks about an account's due rows until there are none, or the account is another one after a reload.
func (w *Worker) confirmDue(ctx context.Context, a *apply.Account, f store.DueFilter) error {
	f.Limit = w.Workers * 4
	for ctx.Err() == nil && w.may(a) && w.account(a.ID) == a {
		f.Now = w.Now()
		rows, err := w.Store.ClaimDue(ctx, f, w.Owner, leaseFor)
		if err != nil || len(rows) == 0 {
			return err
		}
		g := errgroup.Group{}
		g.SetLimit(w.Workers)
		for _, some := range batches(a, rows) {
			g.Go(func() error { return w.confirmSome(ctx, a, some) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// may says whether an account may be asked anything now.
func (w *Worker) may(a *apply.Account) bool {
	w.mu.Lock()
	until := w.stopped[a.ID]
	w.mu.Unlock()
	if w.Now().Before(until) {
		return false
	}
	return a.Meter == nil || !a.Meter.BreakerOpen() && !w.Now().Before(a.Meter.PausedUntil(provider.ClassRead))
}

// failed deals with an error of a question: the row or the account waits. What it returns is an
// error of ours (the database), never the provider's.
func (w *Worker) failed(ctx context.Context, a *apply.Account, k model.Key, err error) error {
	if err == nil {
		return nil
	}
	back := context.WithoutCancel(ctx)
	entry := w.Log.WithFields(logrus.Fields{"account": a.ID, "provider": a.ProviderName, "txn": k.Ref, "err": err})
	var after *provider.RetryAfter
	switch {
	case ctx.Err() != nil, errors.Is(err, store.ErrUnavailable), errors.Is(err, context.Canceled):
		return w.Store.Release(back, []model.Key{k})
	case errors.Is(err, provider.ErrDenied):
		w.stop(a, w.RetryMost)
		w.mu.Lock()
		w.refused[a.ID] = true
		w.mu.Unlock()
		entry.Error("credentials refused, account waits")
		if err := w.Store.Release(back, []model.Key{k}); err != nil {
			return err
		}
		return w.incident(back, a.ID, model.CredentialsRefused, "the provider refuses the credentials: renew them and reload", true)
	case errors.As(err, &after):
		w.stop(a, w.wait(after))
		entry.WithField("wait", after.Wait).Warn("provider asks to wait")
		return w.Store.Release(back, []model.Key{k})
	case errors.Is(err, provider.ErrUnavailable):
		entry.Debug("provider unavailable, question postponed")
		return w.postpone(back, k)
	}
	entry.Warn("question failed, postponed")
	return w.postpone(back, k)
}

// wait is how long the provider's refusal lasts.
func (w *Worker) wait(after *provider.RetryAfter) time.Duration {
	if after.Unasked {
		return min(after.Wait, w.RetryMost)
	}
	return after.Wait
}

// recovered notes that the account's credentials work (again), as any answer shows. Those of another
// account work too, and stay refused.
func (w *Worker) recovered(ctx context.Context, a *apply.Account) error {
	w.mu.Lock()
	was, foreign := w.refused[a.ID], w.foreign[a.ID]
	delete(w.refused, a.ID)
	w.mu.Unlock()
	if foreign {
		return nil
	}
	if was || w.isOpen(a.ID, model.CredentialsRefused) {
		return w.incident(ctx, a.ID, model.CredentialsRefused, "", false)
	}
	return nil
}

// Refuse stops an account until the next reload: its credentials are not what they should be.
func (w *Worker) Refuse(ctx context.Context, account, why string) {
	w.mu.Lock()
	w.stopped[account] = w.Now().Add(365 * 24 * time.Hour)
	w.foreign[account] = true
	w.mu.Unlock()
	if err := w.incident(ctx, account, model.CredentialsRefused, why, true); err != nil {
		w.Log.WithFields(logrus.Fields{"account": account, "err": err}).Warn("incident not recorded")
	}
}

// isForeign says whether an account was refused.
func (w *Worker) isForeign(account string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.foreign[account]
}

// stop lets an account rest.
func (w *Worker) stop(a *apply.Account, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped[a.ID] = w.Now().Add(wait)
}

// Resume lets every account be asked again at once: after a reload, or when an operator says so.
func (w *Worker) Resume() {
	w.mu.Lock()
	clear(w.stopped)
	clear(w.foreign)
	w.mu.Unlock()
	w.Nudge()
}

func (w *Worker) succeeded(k model.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tries, k)
}

// postpone makes a row due again after a pause that doubles with each failure in a row.
func (w *Worker) postpone(ctx context.Context, k model.Key) error {
	w.mu.Lock()
	n := w.tries[k]
	w.tries[k] = n + 1
	w.mu.Unlock()
	when := w.Now().Add(w.pause(n))
	return w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		t, ok := b.Transaction(k)
		if !ok {
			return nil
		}
		if t.NextCheckAt != nil { // one that was asked by a slot only waits for the next
			t.NextCheckAt = &when
		}
		b.Put(t, model.Decision{Next: t})
		return nil
	}})
}

// pause is the wait after n failures in a row, with jitter.
func (w *Worker) pause(n int) time.Duration {
	d := w.RetryMost
	if n < 12 {
		d = min(w.RetryWait<<n, w.RetryMost)
	}
	return d - time.Duration(w.Rand()*float64(d)/4)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
