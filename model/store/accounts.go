package store

import (
	"context"

	"countersign/model"
	"countersign/model/store/database"
)

type accountEntry struct {
	model.Account
	put bool
}

// Account returns what is remembered of an account; one that is new has its ID and FirstStartAt now.
func (b *Batch) Account(id string) (model.Account, error) {
	e, err := b.account(id)
	if err != nil {
		return model.Account{}, err
	}
	return e.Account, nil
}

func (b *Batch) account(id string) (*accountEntry, error) {
	if e := b.accounts[id]; e != nil {
		return e, nil
	}
	var found []model.Account
	if err := b.q.Find(&found, `SELECT * FROM accounts WHERE id = ?`, id); err != nil {
		return nil, b.fail(err)
	}
	e := &accountEntry{Account: model.Account{ID: id, FirstStartAt: b.now}}
	if len(found) > 0 {
		e.Account = found[0]
	}
	b.accounts[id] = e
	return e, nil
}

// PutAccount writes what is remembered of an account.
func (b *Batch) PutAccount(a model.Account) {
	e, err := b.account(a.ID)
	if err != nil {
		return
	}
	e.Account, e.put = a, true
}

func (b *Batch) writeAccounts() error {
	var put []model.Account
	for _, e := range b.accounts {
		if e.put {
			put = append(put, e.Account)
		}
	}
	if len(put) == 0 {
		return nil
	}
	b.s.dictionaries.know(put)
	return b.q.Save(&put)
}

// Accounts lists every account that was ever put, by id.
func (s *Store) Accounts(ctx context.Context) (out []model.Account, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.Find(&out, `SELECT * FROM accounts ORDER BY id`) })
	return out, err
}

// Account returns one account; ErrNoRow if it was never put.
func (s *Store) Account(ctx context.Context, id string) (a model.Account, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.Take(&a, `SELECT * FROM accounts WHERE id = ?`, id) })
	return a, err
}
