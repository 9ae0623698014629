package store

import (
	"context"

	"countersign/model/store/database"
)

// ReleaseLeases gives back what processes that are gone hold of rows and documents, due as it was.
// Only the process that has the work lock may call it, before it claims anything itself: with the
// lock, whoever else holds a lease is gone.
func (s *Store) ReleaseLeases(ctx context.Context) error {
	for _, table := range []struct{ name, due string }{{"transactions", "next_check_at"}, {"documents", "next_try_at"}} {
		held := ` WHERE ` + table.due + ` IS NOT NULL AND lease_until IS NOT NULL` // only what is due is leased
		var found bool
		err := s.View(ctx, func(q *database.Tx) error {
			return q.QueryRow(`SELECT EXISTS (SELECT 1 FROM ` + table.name + held + `)`).Scan(&found)
		})
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		err = s.Change(ctx, func(q *database.Tx) error {
			return q.Exec(`UPDATE ` + table.name + ` SET lease_until = NULL, lease_owner = ''` + held)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
