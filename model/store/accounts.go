package store

import (
	"context"
	"database/sql"

	"countersign/model"
	"countersign/model/store/database"
)

type accountEntry struct {
	model.Account
	put, stored bool // stored: in the database
}

// The columns of table accounts, and what they are scanned to.
const accountColumns = `id, provider, remote_id, first_start_at, last_callback_at, last_poll_at, listed_until,
refused_in_a_row, not_understood_in_a_row, registration, reach, last_error, last_error_at, rests_until`

func scanAccount(r *sql.Rows, a *model.Account) error {
	return r.Scan(&a.ID, &a.Provider, &a.RemoteID, database.Moment(&a.FirstStartAt), database.When(&a.LastCallbackAt),
		database.When(&a.LastPollAt), database.When(&a.ListedUntil), &a.RefusedInARow, &a.NotUnderstoodInARow,
		&a.Registration, &a.Reach, &a.LastError, database.When(&a.LastErrorAt), database.When(&a.RestsUntil))
}

const writeAccount = `INSERT INTO accounts (` + accountColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, remote_id = excluded.remote_id,
first_start_at = excluded.first_start_at, last_callback_at = excluded.last_callback_at,
last_poll_at = excluded.last_poll_at, listed_until = excluded.listed_until,
refused_in_a_row = excluded.refused_in_a_row, not_understood_in_a_row = excluded.not_understood_in_a_row,
registration = excluded.registration, reach = excluded.reach, last_error = excluded.last_error,
last_error_at = excluded.last_error_at, rests_until = excluded.rests_until`

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
	e := &accountEntry{Account: model.Account{ID: id, FirstStartAt: b.now}}
	b.accounts[id] = e
	if a, ok := b.known.accounts[id]; ok {
		e.Account, e.stored = a, true
		return e, nil
	}
	err := b.q.Each(func(r *sql.Rows) error {
		e.stored = true
		return scanAccount(r, &e.Account)
	}, `SELECT `+accountColumns+` FROM accounts WHERE id = ?`, id)
	if err != nil {
		return nil, b.fail(err)
	}
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
	for _, e := range b.accounts {
		if !e.put {
			continue
		}
		a := &e.Account
		b.s.dictionaries.know([]model.Account{*a})
		err := b.q.Exec(writeAccount, a.ID, a.Provider, a.RemoteID, a.FirstStartAt, a.LastCallbackAt, a.LastPollAt,
			a.ListedUntil, a.RefusedInARow, a.NotUnderstoodInARow, a.Registration, a.Reach, a.LastError, a.LastErrorAt,
			a.RestsUntil)
		if err != nil {
			return err
		}
	}
	return nil
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
