package ask

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/standing"
)

const (
	longestFault = 300         // bytes of an error that is written down
	faultEvery   = time.Minute // the same error is written no more often
)

// fault writes down why an account's question failed, and until when the account rests. That it could not be
// written is logged: what failed is told by its caller.
func (g *Gate) fault(ctx context.Context, a *apply.Account, err error) {
	now := g.o.Now()
	g.mu.Lock()
	g.of(a).fault = provider.Redact(err)
	g.mu.Unlock()
	was := g.written.Get(a.ID)
	is := standing.Standing{Fault: provider.Clip(provider.Redact(err).Error(), longestFault), At: now,
		Rests: g.closedUntil(a), Reach: was.Reach}
	if is.Fault == was.Fault && is.Rests.Equal(was.Rests) && now.Sub(was.At) < faultEvery {
		return
	}
	if err := g.write(ctx, a, is); err != nil {
		g.o.Log.WithFields(logrus.Fields{"account": a.ID, "err": err}).Debug("the account's error was not written down")
	}
}

// noteFault is fault for what no row of ours was asked about. apply.ErrSuperseded: the account's generation is over.
func (g *Gate) noteFault(ctx context.Context, a *apply.Account, err error) error {
	return a.Generation.Learn(func() error { g.fault(ctx, a, err); return nil })
}

// good takes the last error back: the provider has answered.
func (g *Gate) good(ctx context.Context, a *apply.Account) error {
	was := g.written.Get(a.ID)
	if was.Fault == "" && was.Rests.IsZero() {
		return nil
	}
	return g.write(ctx, a, standing.Standing{Reach: was.Reach})
}

// reach writes down whose transactions the account's lists show, once one of them has been read: only then the
// provider knows what it may list.
func (g *Gate) reach(ctx context.Context, a *apply.Account) error {
	l := a.Provider.Lister
	if l == nil {
		return nil
	}
	is := g.written.Get(a.ID)
	if reach := l.Reach(); reach != is.Reach {
		is.Reach = reach
		return g.write(ctx, a, is)
	}
	return nil
}

// Note learns what is written down of an account, and writes down when it began or ceased to rest without a
// question that failed (a breaker, a pause that the provider asked for).
func (g *Gate) Note(ctx context.Context, a *apply.Account, acc model.Account) error {
	is := standing.Standing{Fault: acc.LastError, Reach: acc.Reach}
	if acc.LastErrorAt != nil {
		is.At = *acc.LastErrorAt
	}
	if acc.RestsUntil != nil {
		is.Rests = *acc.RestsUntil
	}
	if a.Generation.Over() {
		return nil
	}
	g.written.Set(a.ID, is)
	if rests := g.closedUntil(a); !rests.Equal(is.Rests) && (rests.After(g.o.Now()) || is.Rests.After(g.o.Now())) {
		is.Rests = rests
		return g.write(ctx, a, is)
	}
	return nil
}

// closedUntil is until when no question of the account goes out; zero where it does not rest. An open breaker does not
// say how long: the account counts as resting until somebody looks again.
func (g *Gate) closedUntil(a *apply.Account) time.Time {
	now := g.o.Now()
	until := g.restsUntil(a)
	if a.Meter != nil {
		if paused := a.Meter.PausedUntil(provider.ClassRead); paused.After(until) {
			until = paused
		}
		if look := now.Add(time.Minute); a.Meter.BreakerOpen() && look.After(until) {
			until = look
		}
	}
	if !until.After(now) {
		return time.Time{}
	}
	return until.UTC().Truncate(time.Millisecond) // as the database keeps it
}

// write puts it into the database and remembers that it is.
func (g *Gate) write(ctx context.Context, a *apply.Account, is standing.Standing) error {
	orNil := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	err := g.o.Store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		acc, err := b.Account(a.ID)
		if err != nil {
			return err
		}
		if acc.Provider == "" {
			acc.Provider = a.ProviderName
		}
		acc.LastError, acc.LastErrorAt, acc.RestsUntil, acc.Reach = is.Fault, orNil(is.At), orNil(is.Rests), is.Reach
		b.PutAccount(acc)
		return nil
	}})
	if err == nil {
		g.written.Set(a.ID, is)
	}
	return err
}
