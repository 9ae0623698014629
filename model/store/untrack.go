package store

import (
	"context"
	"database/sql"
	"errors"

	"countersign/model"
	"countersign/model/store/database"
)

// Standing says whether a row exists only because an operator named it, or why it is more than that.
type Standing string

// What can be said of a ref that is to be untracked.
const (
	OnlyTracked  Standing = "only tracked"  // only an operator ever named it: it can be removed
	NoSuchRow    Standing = "no such row"   //
	WasConfirmed Standing = "was confirmed" // the provider knows it, or knew it
	WasCalled    Standing = "was called"    // a callback named it
	NotTracked   Standing = "not tracked"   // found by other ways than track
)

// Untrack removes rows that exist only because an operator named them. It returns how each ref stands. Unless all are
// OnlyTracked, and where dry is set, nothing is removed. No tombstone is left: a later callback or answer makes a row
// again.
func (s *Store) Untrack(ctx context.Context, account string, refs []string, dry bool) (standing []Standing, err error) {
	err = s.Change(ctx, func(q *database.Tx) error {
		c, err := lockCounters(q)
		if err != nil {
			return err
		}
		standing = standing[:0]
		all := true
		for _, ref := range refs {
			is, err := standingOf(q, model.Key{Account: account, Ref: ref})
			if err != nil {
				return err
			}
			standing, all = append(standing, is), all && is == OnlyTracked
		}
		for _, ref := range refs {
			if !all || dry {
				return nil
			}
			if err := s.untrack(q, &c, model.Key{Account: account, Ref: ref}); err != nil {
				return err
			}
		}
		return nil
	})
	return standing, err
}

// untrack removes one row, and announces the removal to those who read of the row in the change feed.
func (s *Store) untrack(q *database.Tx, c *counts, k model.Key) error {
	p, err := personalOf(q, k)
	if err != nil {
		return err
	}
	if err := erase(q, k); err != nil || p.Changes == 0 {
		return err
	}
	c.seq++
	return s.announceForgotten(q, k, c.seq, "operator")
}

// standingOf returns how a ref stands.
func standingOf(q *database.Tx, k model.Key) (Standing, error) {
	var origin string
	var confirmed sql.NullString
	var callbacks int
	err := q.QueryRow(`SELECT origin, CAST(confirmed_at AS TEXT), 
  (SELECT COUNT(*) FROM callbacks WHERE txn = t.n) + (SELECT COUNT(*) FROM callbacks c WHERE c.txn IS NULL AND c.account = t.account AND c.ref = t.ref)
FROM transactions t WHERE account = ? AND ref = ?`, k.Account, k.Ref).Scan(&origin, &confirmed, &callbacks)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return NoSuchRow, nil
	case err != nil:
		return "", err
	case confirmed.Valid:
		return WasConfirmed, nil
	case callbacks > 0:
		return WasCalled, nil
	case origin != string(model.OriginTrack):
		return NotTracked, nil
	}
	return OnlyTracked, nil
}
