package store

import (
	"context"
	"time"

	"countersign/model/store/database"
)

// TakeTurn says whether it is the owner's turn to do what one process at a time does for all, for so long from now. The
// owner may take it again before it is over, and keeps it; another gets it after.
func (s *Store) TakeTurn(ctx context.Context, name, owner string, lasts time.Duration) (taken bool, err error) {
	now := s.now()
	err = s.Change(ctx, func(q *database.Tx) error {
		n, err := q.Affect(`INSERT INTO turns (name, owner, until) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
WHERE turns.owner = excluded.owner OR turns.until <= ?`, name, owner, now.Add(lasts), now)
		taken = n > 0
		return err
	})
	return taken, err
}

// LeaveTurn lets another process have the turn at once.
func (s *Store) LeaveTurn(ctx context.Context, name, owner string) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`DELETE FROM turns WHERE name = ? AND owner = ?`, name, owner)
	})
}

// endTurns ends those of dead processes.
func (s *Store) endTurns(ctx context.Context) error {
	var found bool
	err := s.View(ctx, func(q *database.Tx) error { return q.QueryRow(`SELECT EXISTS (SELECT 1 FROM turns)`).Scan(&found) })
	if err != nil || !found {
		return err
	}
	return s.Change(ctx, func(q *database.Tx) error { return q.Exec(`DELETE FROM turns`) })
}
