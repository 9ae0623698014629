package accounts

import (
	"context"
	"errors"
	"sync"

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
	return provider.Tokens{
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
