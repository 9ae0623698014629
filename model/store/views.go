package store

import (
	"context"
	"time"

	"countersign/model/store/database"
)

// MostViews is how many views somebody may save, and how many there are for everybody.
const MostViews = 100

// SavedView is a name for an address of the console.
type SavedView struct {
	ID        string `gorm:"primaryKey"`
	Owner     string // whose it is; "": everybody's
	Name      string
	Address   string // a path of the console with its query
	MadeBy    string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

// SavedViews lists the views of somebody and of everybody by name.
func (s *Store) SavedViews(ctx context.Context, owner string) (out []SavedView, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Find(&out, `SELECT * FROM views WHERE owner IN (?, '') ORDER BY name, owner`, owner)
	})
	return out, err
}

// SaveView saves a view in the place of one of its owner and name. saved is false where the owner has MostViews of them.
func (s *Store) SaveView(ctx context.Context, v SavedView) (saved bool, err error) {
	err = s.Change(ctx, func(q *database.Tx) error {
		if err := q.Exec(`DELETE FROM views WHERE owner = ? AND name = ?`, v.Owner, v.Name); err != nil {
			return err
		}
		var n int
		if err := q.QueryRow(`SELECT count(*) FROM views WHERE owner = ?`, v.Owner).Scan(&n); err != nil {
			return err
		}
		if saved = n < MostViews; !saved {
			return nil
		}
		return q.Exec(`INSERT INTO views (id, owner, name, address, made_by, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
			v.ID, v.Owner, v.Name, v.Address, v.MadeBy, v.CreatedAt)
	})
	return saved, err
}

// RemoveView removes a view of somebody's own or, where all is set, of everybody's; false where there is none.
func (s *Store) RemoveView(ctx context.Context, id, owner string, all bool) (removed bool, err error) {
	theirs := `id = ? AND (owner = ? AND owner <> '' OR owner = '' AND ?)`
	err = s.Change(ctx, func(q *database.Tx) error {
		err := q.QueryRow(`SELECT EXISTS (SELECT 1 FROM views WHERE `+theirs+`)`, id, owner, all).Scan(&removed)
		if err != nil {
			return err
		}
		return q.Exec(`DELETE FROM views WHERE `+theirs, id, owner, all)
	})
	return removed, err
}
