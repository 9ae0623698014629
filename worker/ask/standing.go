package ask

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

const (
	longestFault = 300         // bytes of an error that is written down
	faultEvery   = time.Minute // the same error is written no more often
)

// standing is how an account does, as far as it is written down: verbs run in processes of their own and know only what
// the database tells.
type standing struct {
	fault string
	at    time.Time
	rests time.Time
	reach string
}

// standings are those of all accounts.
type standings struct {
	mu sync.Mutex
	of map[string]standing
}

func (s *standings) get(account string) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[account]
}

func (s *standings) set(account string, is standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[account] = is
}

// fault writes down why an account's question failed, and until when the account rests. That it could not be
// written is logged: what failed is told by its caller.
func (g *Gate) fault(ctx context.Context, a *apply.Account, err error) {
	now := g.o.Now()
	g.mu.Lock()
	g.of(a).fault = provider.Redact(err)
	g.mu.Unlock()
	was := g.written.get(a.ID)
	is := standing{provider.Clip(provider.Redact(err).Error(), longestFault), now, g.closedUntil(a), was.reach}
	if is.fault == was.fault && is.rests.Equal(was.rests) && now.Sub(was.at) < faultEvery {
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
	was := g.written.get(a.ID)
	if was.fault == "" && was.rests.IsZero() {
		return nil
	}
	return g.write(ctx, a, standing{reach: was.reach})
}

// reach writes down whose transactions the account's lists show, once one of them has been read: only then the
// provider knows what it may list.
func (g *Gate) reach(ctx context.Context, a *apply.Account) error {
	l := a.Provider.Lister
	if l == nil {
		return nil
	}
	is := g.written.get(a.ID)
	if reach := l.Reach(); reach != is.reach {
		is.reach = reach
		return g.write(ctx, a, is)
	}
	return nil
}

// Note learns what is written down of an account, and writes down when it began or ceased to rest without a
// question that failed (a breaker, a pause that the provider asked for).
func (g *Gate) Note(ctx context.Context, a *apply.Account, acc model.Account) error {
	is := standing{fault: acc.LastError, reach: acc.Reach}
	if acc.LastErrorAt != nil {
		is.at = *acc.LastErrorAt
	}
	if acc.RestsUntil != nil {
		is.rests = *acc.RestsUntil
	}
	if a.Generation.Over() {
		return nil
	}
	g.written.set(a.ID, is)
	if rests := g.closedUntil(a); !rests.Equal(is.rests) && (rests.After(g.o.Now()) || is.rests.After(g.o.Now())) {
		is.rests = rests
		return g.write(ctx, a, is)
	}
	return nil
}

// closedUntil is until when no question of the account goes out; zero where it does not rest. An open breaker does not say
// how long: the account counts as resting until somebody looks again.
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
func (g *Gate) write(ctx context.Context, a *apply.Account, is standing) error {
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
		acc.LastError, acc.LastErrorAt, acc.RestsUntil, acc.Reach = is.fault, orNil(is.at), orNil(is.rests), is.reach
		b.PutAccount(acc)
		return nil
	}})
	if err == nil {
		g.written.set(a.ID, is)
	}
	return err
}
