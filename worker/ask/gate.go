// Package ask puts questions to providers and hands the answers to package apply: whether an account may be asked, one
// question or one about several rows, and the pages of a list.
package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/standing"
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
	learned map[generation]*lessons

	written standing.Table // what the database says of how accounts do
}

// generation names what lessons are of: an account as it was configured.
type generation struct {
	account string
	of      *apply.Generation
}

// lessons is what questions of a generation have taught.
type lessons struct {
	rests   time.Time         // no question before: refused credentials, Retry-After
	asked   bool              // the provider asked for that rest
	refused bool              // the credentials were refused
	foreign bool              // the credentials are of another account
	tries   map[model.Key]int // failed questions in a row, by row
	fault   error             // why the last question failed; nil: it was answered
}

// NewGate returns a gate that lets every account be asked.
func NewGate(o GateOptions) *Gate {
	return &Gate{o: o, learned: map[generation]*lessons{}}
}

// of returns what an account's generation has taught; g.mu is held.
func (g *Gate) of(a *apply.Account) *lessons {
	key := generation{a.ID, a.Generation}
	if g.learned[key] == nil {
		g.learned[key] = &lessons{tries: map[model.Key]int{}}
	}
	return g.learned[key]
}

// May reports whether an account may be asked anything now.
func (g *Gate) May(a *apply.Account) bool {
	if a.Generation.Over() || g.o.Now().Before(g.restsUntil(a)) {
		return false
	}
	return a.Meter == nil || !a.Meter.BreakerOpen() && !g.o.Now().Before(a.Meter.PausedUntil(provider.ClassRead))
}

func (g *Gate) restsUntil(a *apply.Account) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(a).rests
}

// ErrRests is of an account that may not be asked now.
var ErrRests = fmt.Errorf("the account rests: %w", provider.ErrUnavailable)

// ErrGaveWay is of a wait that somebody else is not to wait for.
var ErrGaveWay = errors.New("the wait gave way")

// Wait returns once the account may be asked, or when ctx or the account's generation ends; and with ErrGaveWay once
// giveWay, which is asked each second, says so.
func (g *Gate) Wait(ctx context.Context, a *apply.Account, giveWay func() (bool, error)) error {
	for !g.May(a) {
		if a.Generation.Over() {
			return apply.ErrSuperseded
		}
		if now, err := giveWay(); now || err != nil {
			return cmp.Or(err, ErrGaveWay)
		}
		if err := Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// WaitAtMost waits until the account may be asked, and gives up once the account has rested for a while, will rest for longer, or its credentials
// were refused: provider.ErrUnavailable, provider.ErrDenied.
func (g *Gate) WaitAtMost(ctx context.Context, a *apply.Account, most time.Duration) error {
	for began := g.o.Now(); !g.May(a); {
		now := g.o.Now()
		switch {
		case a.Generation.Over():
			return apply.ErrSuperseded
		case g.isRefused(a):
			return fmt.Errorf("account %s: %w", a.ID, provider.ErrDenied)
		case now.Sub(began) > most, g.closedUntil(a).Sub(now) > most:
			return g.resting(a)
		}
		if err := Sleep(ctx, min(time.Second, g.o.RetryWait)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// resting is the error of an account that rests for too long, with what made it rest.
func (g *Gate) resting(a *apply.Account) error {
	g.mu.Lock()
	why := g.of(a).fault
	g.mu.Unlock()
	until := g.closedUntil(a).Format(time.RFC3339)
	if why == nil {
		return fmt.Errorf("account %s rests until %s: %w", a.ID, until, provider.ErrUnavailable)
	}
	return fmt.Errorf("account %s rests until %s: %w: %w", a.ID, until, provider.ErrUnavailable, why)
}

// RetryWait is the first pause after a question that failed.
func (g *Gate) RetryWait() time.Duration { return g.o.RetryWait }

// Failed deals with an error of a question: the row or the account waits. A generation that is over has no say: its
// row is given back. What it returns is an error of ours (the database), never the provider's.
func (g *Gate) Failed(ctx context.Context, a *apply.Account, k model.Key, err error) error {
	if err == nil {
		return nil
	}
	back := context.WithoutCancel(ctx)
	if unsent(ctx, err) {
		return g.release(back, k)
	}
	ours := a.Generation.Learn(func() error { return g.failed(back, a, k, err) })
	if errors.Is(ours, apply.ErrSuperseded) {
		return g.release(back, k)
	}
	return ours
}

// failed deals with the error of a question that was sent.
func (g *Gate) failed(ctx context.Context, a *apply.Account, k model.Key, err error) error {
	entry := g.o.Log.WithFields(logrus.Fields{
		"account": a.ID, "provider": a.ProviderName, "txn": k.Ref, "err": provider.Redact(err),
	})
	var after *provider.RetryAfter
	defer g.fault(ctx, a, err)
	switch {
	case errors.Is(err, provider.ErrDenied):
		g.mu.Lock()
		is := g.of(a)
		is.rests, is.asked, is.refused = g.o.Now().Add(g.o.RetryMost), false, true
		g.mu.Unlock()
		entry.WithField("wait", g.o.RetryMost.String()).Error("credentials refused, account waits")
		if err := g.release(ctx, k); err != nil {
			return err
		}
		const renew = "the provider refuses the credentials: renew them and reload"
		return g.o.Incidents.Set(ctx, a.ID, model.CredentialsRefused, renew, true)
	case errors.As(err, &after):
		g.Rest(a, after)
		entry.WithField("wait", g.Asked(after).String()).Warn("provider asks to wait")
		return g.release(ctx, k)
	case errors.Is(err, provider.ErrUnavailable):
		entry.Debug("provider unavailable, question postponed")
		return g.postpone(ctx, a, k)
	}
	entry.Warn("question failed, postponed")
	return g.postpone(ctx, a, k)
}

// unsent says whether a question failed by what is within this process.
func unsent(ctx context.Context, err error) bool {
	for _, ours := range []error{store.ErrUnavailable, context.Canceled, ErrRests, apply.ErrSuperseded} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return ctx.Err() != nil
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
// and stay refused. apply.ErrSuperseded: the account's generation is over.
func (g *Gate) Answered(ctx context.Context, a *apply.Account, rows ...model.Key) error {
	return a.Generation.Learn(func() error { return g.answered(ctx, a, rows) })
}

func (g *Gate) answered(ctx context.Context, a *apply.Account, rows []model.Key) error {
	g.mu.Lock()
	is := g.of(a)
	was, foreign := is.refused, is.foreign
	is.refused, is.fault = false, nil
	for _, k := range rows {
		delete(is.tries, k)
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
func (g *Gate) Refuse(ctx context.Context, a *apply.Account, why string) {
	g.mu.Lock()
	is := g.of(a)
	is.rests, is.asked, is.foreign = g.o.Now().Add(365*24*time.Hour), false, true
	g.mu.Unlock()
	err := a.Generation.Learn(func() error { return g.o.Incidents.Set(ctx, a.ID, model.CredentialsRefused, why, true) })
	if err != nil && !errors.Is(err, apply.ErrSuperseded) {
		g.o.Log.WithFields(logrus.Fields{"account": a.ID, "err": err}).Warn("incident not recorded")
	}
}

// Foreign returns an error (provider.ErrDenied) where Refuse has stopped an account.
func (g *Gate) Foreign(a *apply.Account) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.of(a).foreign {
		return nil
	}
	const whose = "the credentials are of another account of the provider than the rows"
	return fmt.Errorf("account %s: "+whose+": %w", a.ID, provider.ErrDenied)
}

func (g *Gate) isRefused(a *apply.Account) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.of(a).refused
}

// Rest lets an account rest for as long as its provider asks.
func (g *Gate) Rest(a *apply.Account, after *provider.RetryAfter) {
	g.mu.Lock()
	defer g.mu.Unlock()
	is := g.of(a)
	is.rests, is.asked = g.o.Now().Add(g.Asked(after)), !after.Unasked
}

// Lift ends an account's rest: an operator wants it asked now. A rest that the provider asked for stays, and that of
// credentials that are of another account.
func (g *Gate) Lift(a *apply.Account) {
	g.mu.Lock()
	if is := g.of(a); !is.asked && !is.foreign {
		is.rests, is.refused = time.Time{}, false
	}
	g.mu.Unlock()
	is := g.written.Get(a.ID)
	is.At = time.Time{} // whoever asked is to be told what fails now
	g.written.Set(a.ID, is)
	if a.Meter != nil {
		a.Meter.Try()
	}
}

// Resume lets every account be asked again at once, after a reload. Rows whose questions failed for a generation that
// is over are due at once, and what it has taught is forgotten.
func (g *Gate) Resume(ctx context.Context) error {
	g.mu.Lock()
	var due []model.Key
	for of, is := range g.learned {
		is.rests, is.foreign = time.Time{}, false
		if of.of.Over() {
			due = slices.AppendSeq(due, maps.Keys(is.tries))
			delete(g.learned, of)
		}
	}
	g.mu.Unlock()
	return g.makeDue(ctx, due)
}

// makeDue ends the wait of rows.
func (g *Gate) makeDue(ctx context.Context, keys []model.Key) error {
	now := g.o.Now()
	for some := range slices.Chunk(keys, 200) {
		err := g.o.Store.DoPatiently(ctx, store.Unit{Keys: some, Apply: func(b *store.Batch) error {
			for _, k := range some {
				if t, ok := b.Transaction(k); ok && t.NextCheckAt != nil && t.NextCheckAt.After(now) {
					t.NextCheckAt = &now
					b.Put(t, model.Decision{Next: t})
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// postpone makes a row due again after a pause that doubles with each failure in a row.
func (g *Gate) postpone(ctx context.Context, a *apply.Account, k model.Key) error {
	g.mu.Lock()
	is := g.of(a)
	n := is.tries[k]
	is.tries[k] = n + 1
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
