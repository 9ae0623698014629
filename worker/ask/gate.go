// Package ask puts questions to providers and hands the answers to package apply: whether an account may be asked, one
// question or one about several rows, the pages of a list, and the runs that ask about many.
package ask

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/incidents"
)

// GateOptions is what a Gate needs. All of it is required.
type GateOptions struct {
	Store     *store.Store
	Incidents *incidents.Table
	Now       func() time.Time
	Rand      func() float64 // 0 ≤ x < 1, for jitter
	Log       *logrus.Entry
	RetryWait time.Duration // first pause after a failed question or download
	RetryMost time.Duration // the longest
}

// Gate says whether an account may be asked anything now, and learns from questions that failed. It is safe for
// concurrent use.
type Gate struct {
	o       GateOptions
	mu      sync.Mutex
	tries   map[model.Key]int    // failed questions in a row, by row
	stopped map[string]time.Time // accounts that rest: refused credentials, long Retry-After
	refused map[string]bool      // accounts whose credentials were refused
	foreign map[string]bool      // accounts whose credentials are of another account

	written standings // what the database says of how accounts do
}

// NewGate returns a gate that lets every account be asked.
func NewGate(o GateOptions) *Gate {
	return &Gate{
		o: o, tries: map[model.Key]int{}, stopped: map[string]time.Time{}, refused: map[string]bool{}, foreign: map[string]bool{},
		written: standings{of: map[string]standing{}},
	}
}

// May reports whether an account may be asked anything now.
func (g *Gate) May(a *apply.Account) bool {
	if g.o.Now().Before(g.restsUntil(a.ID)) {
		return false
	}
	return a.Meter == nil || !a.Meter.BreakerOpen() && !g.o.Now().Before(a.Meter.PausedUntil(provider.ClassRead))
}

func (g *Gate) restsUntil(account string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopped[account]
}

// ErrRests is of an account that may not be asked now.
var ErrRests = fmt.Errorf("the account rests: %w", provider.ErrUnavailable)

// Wait returns once the account may be asked, or when ctx ends.
func (g *Gate) Wait(ctx context.Context, a *apply.Account) error {
	for !g.May(a) {
		if err := Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// WaitAtMost is Wait that gives up once the account has rested for a while, will rest for longer, or its credentials
// were refused: provider.ErrUnavailable, provider.ErrDenied.
func (g *Gate) WaitAtMost(ctx context.Context, a *apply.Account, most time.Duration) error {
	for began := g.o.Now(); !g.May(a); {
		now := g.o.Now()
		switch {
		case g.isRefused(a.ID):
			return fmt.Errorf("account %s: %w", a.ID, provider.ErrDenied)
		case now.Sub(began) > most, g.restsUntil(a.ID).Sub(now) > most:
			return fmt.Errorf("account %s: %w", a.ID, provider.ErrUnavailable)
		}
		if err := Sleep(ctx, min(time.Second, g.o.RetryWait)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Failed deals with an error of a question: the row or the account waits. What it returns is an error of ours (the
// database), never the provider's.
func (g *Gate) Failed(ctx context.Context, a *apply.Account, k model.Key, err error) error {
	if err == nil {
		return nil
	}
	back := context.WithoutCancel(ctx)
	entry := g.o.Log.WithFields(logrus.Fields{"account": a.ID, "provider": a.ProviderName, "txn": k.Ref, "err": err})
	var after *provider.RetryAfter
	if unsent(ctx, err) {
		return g.release(back, k)
	}
	defer g.fault(back, a, err)
	switch {
	case errors.Is(err, provider.ErrDenied):
		g.Rest(a, g.o.RetryMost)
		g.mu.Lock()
		g.refused[a.ID] = true
		g.mu.Unlock()
		entry.Error("credentials refused, account waits")
		if err := g.release(back, k); err != nil {
			return err
		}
		const renew = "the provider refuses the credentials: renew them and reload"
		return g.o.Incidents.Set(back, a.ID, model.CredentialsRefused, renew, true)
	case errors.As(err, &after):
		g.Rest(a, g.Asked(after))
		entry.WithField("wait", after.Wait).Warn("provider asks to wait")
		return g.release(back, k)
	case errors.Is(err, provider.ErrUnavailable):
		entry.Debug("provider unavailable, question postponed")
		return g.postpone(back, k)
	}
	entry.Warn("question failed, postponed")
	return g.postpone(back, k)
}

// unsent says whether a question failed by what is within this process.
func unsent(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, ErrRests)
}

// release gives a row back that was claimed. A list has no row.
func (g *Gate) release(ctx context.Context, k model.Key) error {
	if k.Ref == "" {
		return nil
	}
	return g.o.Store.Release(ctx, []model.Key{k})
}

// Asked is how long the rest lasts that a provider asks for.
func (g *Gate) Asked(after *provider.RetryAfter) time.Duration {
	if after.Unasked {
		return min(after.Wait, g.o.RetryMost)
	}
	return after.Wait
}

// Answered notes that the account's credentials work (again), as any answer shows. Those of another account work too,
// and stay refused.
func (g *Gate) Answered(ctx context.Context, a *apply.Account, rows ...model.Key) error {
	g.mu.Lock()
	was, foreign := g.refused[a.ID], g.foreign[a.ID]
	delete(g.refused, a.ID)
	for _, k := range rows {
		delete(g.tries, k)
	}
	g.mu.Unlock()
	if foreign {
		return nil
	}
	if err := g.good(ctx, a); err != nil {
		return err
	}
	if was || g.o.Incidents.IsOpen(a.ID, model.CredentialsRefused) {
		return g.o.Incidents.Set(ctx, a.ID, model.CredentialsRefused, "", false)
	}
	return nil
}

// Refuse stops an account until the next reload: its credentials are not what they should be.
func (g *Gate) Refuse(ctx context.Context, account, why string) {
	g.mu.Lock()
	g.stopped[account] = g.o.Now().Add(365 * 24 * time.Hour)
	g.foreign[account] = true
	g.mu.Unlock()
	if err := g.o.Incidents.Set(ctx, account, model.CredentialsRefused, why, true); err != nil {
		g.o.Log.WithFields(logrus.Fields{"account": account, "err": err}).Warn("incident not recorded")
	}
}

// Foreign returns an error (provider.ErrDenied) where Refuse has stopped an account.
func (g *Gate) Foreign(account string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.foreign[account] {
		return nil
	}
	const whose = "the credentials are of another account of the provider than the rows"
	return fmt.Errorf("account %s: "+whose+": %w", account, provider.ErrDenied)
}

func (g *Gate) isRefused(account string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[account]
}

// Rest lets an account rest for a while.
func (g *Gate) Rest(a *apply.Account, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped[a.ID] = g.o.Now().Add(wait)
}

// Resume lets every account be asked again at once: after a reload, or when an operator says so.
func (g *Gate) Resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.stopped)
	clear(g.foreign)
}

// postpone makes a row due again after a pause that doubles with each failure in a row.
func (g *Gate) postpone(ctx context.Context, k model.Key) error {
	g.mu.Lock()
	n := g.tries[k]
	g.tries[k] = n + 1
	g.mu.Unlock()
	if k.Ref == "" {
		return nil
	}
	when := g.o.Now().Add(g.Pause(n))
	return g.o.Store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
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

// Pause is the wait after n failures in a row, with jitter.
func (g *Gate) Pause(n int) time.Duration {
	d := g.o.RetryMost
	if n < 12 {
		d = min(g.o.RetryWait<<n, g.o.RetryMost)
	}
	return d - time.Duration(g.o.Rand()*float64(d)/4)
}

// Sleep waits for a while, or until ctx ends, whose error it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
