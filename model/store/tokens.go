package store

import (
	"context"
	"database/sql"

	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// Token returns a secret of an account, such as a refresh token; ErrNoRow if there is none.
func (s *Store) Token(ctx context.Context, account, name string) (secret []byte, err error) {
	var sealed []byte
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error { return r.Scan(&sealed) },
			`SELECT secret FROM tokens WHERE account = ? AND name = ?`, account, name)
	})
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		return nil, ErrNoRow
	}
	return s.box.Open(sealed, "token "+account+" "+name)
}

// SetToken stores a secret of an account, encrypted; nil removes it. It is on disk when SetToken returns.
func (s *Store) SetToken(ctx context.Context, account, name string, secret []byte) error {
	if secret == nil {
		return s.Change(ctx, func(q *database.Tx) error {
			return q.Exec(`DELETE FROM tokens WHERE account = ? AND name = ?`, account, name)
		})
	}
	sealed, err := s.box.Seal(secret, "token "+account+" "+name)
	if err != nil {
		return err
	}
	durable.CrashPoint("token before save")
	err = s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`INSERT INTO tokens (account, name, secret, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account, name) DO UPDATE SET secret = excluded.secret, updated_at = excluded.updated_at`, account, name, sealed, s.now())
	})
	if err == nil {
		durable.CrashPoint("token saved")
	}
	return err
}
