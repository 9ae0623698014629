package store

import (
	"context"
	"time"

	"countersign/model/store/database"
)

// ConsoleToken is a token of the console, by its hash.
type ConsoleToken struct {
	Name      string    `gorm:"primaryKey"`
	Hash      string    // SHA-256 of the token, hex
	Role      string    // read or operate
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	ExpiresAt *time.Time
	UsedOn    string // the day of its last use, 2026-01-31, UTC; "": never used
}

// ConsoleTokens lists the tokens by name.
func (s *Store) ConsoleTokens(ctx context.Context) (out []ConsoleToken, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM console_tokens ORDER BY name`)
	})
	return out, err
}

// AddConsoleToken adds a token; false where one of the name is there, which stays.
func (s *Store) AddConsoleToken(ctx context.Context, t ConsoleToken) (added bool, err error) {
	err = s.Change(ctx, func(q *database.Tx) error {
		if err := q.QueryRow(`SELECT NOT EXISTS (SELECT 1 FROM console_tokens WHERE name = ?)`,
			t.Name).Scan(&added); err != nil || !added {
			return err
		}
		return q.Exec(`INSERT INTO console_tokens (name, hash, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			t.Name, t.Hash, t.Role, t.CreatedAt, t.ExpiresAt)
	})
	return added, err
}

// RemoveConsoleToken removes a token; false where there is none of the name.
func (s *Store) RemoveConsoleToken(ctx context.Context, name string) (removed bool, err error) {
	err = s.Change(ctx, func(q *database.Tx) error {
		err := q.QueryRow(`SELECT EXISTS (SELECT 1 FROM console_tokens WHERE name = ?)`, name).Scan(&removed)
		if err != nil {
			return err
		}
		return q.Exec(`DELETE FROM console_tokens WHERE name = ?`, name)
	})
	return removed, err
}

// UseConsoleToken notes the day on which a token was used.
func (s *Store) UseConsoleToken(ctx context.Context, name string, at time.Time) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`UPDATE console_tokens SET used_on = ? WHERE name = ?`, at.UTC().Format(dayLayout), name)
	})
}

// Session returns what is kept of a session; found is false where there is none that lasts.
func (s *Store) Session(ctx context.Context, hash string) (data []byte, found bool, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		var rows []struct{ Data []byte }
		err := q.Find(&rows, `SELECT data FROM sessions WHERE hash = ? AND expires_at > ?`, hash, s.now())
		if len(rows) > 0 {
			data, found = rows[0].Data, true
		}
		return err
	})
	return data, found, err
}

// PutSession keeps a session until it expires, and removes those that have.
func (s *Store) PutSession(ctx context.Context, hash string, data []byte, expires time.Time) error {
	return s.Change(ctx, func(q *database.Tx) error {
		if err := q.Exec(`DELETE FROM sessions WHERE expires_at <= ?`, s.now()); err != nil {
			return err
		}
		return q.Exec(`INSERT INTO sessions (hash, data, expires_at) VALUES (?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`, hash, data, expires)
	})
}

// ProlongSession lets a session last longer that is there; one that was removed meanwhile stays removed.
func (s *Store) ProlongSession(ctx context.Context, hash string, data []byte, expires time.Time) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`UPDATE sessions SET data = ?, expires_at = ? WHERE hash = ? AND expires_at > ?`, data, expires, hash,
			s.now())
	})
}

// RemoveSession ends a session.
func (s *Store) RemoveSession(ctx context.Context, hash string) error {
	return s.Change(ctx, func(q *database.Tx) error { return q.Exec(`DELETE FROM sessions WHERE hash = ?`, hash) })
}
