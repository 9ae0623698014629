package accounts

import (
	"context"
	"errors"
	"sync"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/changes"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// Tokens lets a provider keep tokens in the database, encrypted there.
func (all *Table) Tokens(account string) provider.Tokens {
	return all.tokensOf(account, func() bool { return true })
}

// tokensFor are the tokens of an account as it is configured. Once a reload has given it other credentials, those that
// come of the older ones are not kept.
func (all *Table) tokensFor(acc *config.Account) provider.Tokens {
	return all.tokensOf(acc.ID, func() bool {
		now, there := all.table.Load().built[acc.ID]
		return !there || changes.Server(now.from) == changes.Server(acc) && now.from.SameSettings(acc)
	})
}

func (all *Table) tokensOf(account string, keeps func() bool) provider.Tokens {
	t := provider.Tokens{
		Load: func(ctx context.Context, name string) ([]byte, error) {
			secret, err := all.Store.Token(ctx, account, name)
			if errors.Is(err, store.ErrNoRow) {
				return nil, nil
			}
			return secret, err
		},
		Save: func(ctx context.Context, name string, secret []byte) error {
			if !keeps() {
				return apply.ErrSuperseded
			}
			return all.Store.SetToken(ctx, account, name, secret)
		},
	}
	if all.Store != nil && all.Store.Postgres() {
		t.Alone = func(ctx context.Context, name string, f func(context.Context) error) error {
			return all.alone(ctx, "token "+account+" "+name, f)
		}
	}
	return t
}

// aloneAgain is how often a process that waits for its turn asks for it.
const aloneAgain = 100 * time.Millisecond

// alone runs f under a lock that all processes have in common, once it is free.
func (all *Table) alone(ctx context.Context, lock string, f func(context.Context) error) error {
	for {
		ran := false
		err := all.Store.WithLock(ctx, lock, all.life, func(ctx context.Context) error {
			ran = true
			return f(ctx)
		})
		if ran || !errors.Is(err, store.ErrLocked) {
			return err
		}
		again := time.NewTimer(aloneAgain)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-again.C:
		}
	}
}

// Borrowed reads the tokens that rest in the database, if there is one, and keeps new ones only as
// long as this process lives: a verb that only asks writes nothing.
func Borrowed(s *store.Store, account string) provider.Tokens {
	var mu sync.Mutex
	saved := map[string][]byte{}
	return provider.Tokens{
		Load: func(ctx context.Context, name string) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if secret, ok := saved[name]; ok || s == nil {
				return secret, nil
			}
			secret, err := s.Token(ctx, account, name)
			if errors.Is(err, store.ErrNoRow) {
				return nil, nil
			}
			return secret, err
		},
		Save: func(_ context.Context, name string, secret []byte) error {
			mu.Lock()
			defer mu.Unlock()
			saved[name] = secret
			return nil
		},
	}
}
