package store

import (
	"database/sql"

	"countersign/model"
	"countersign/model/store/database"
)

// loadSigners fills the signers of rows that have any.
func (s *Store) loadSigners(q *database.Tx, rows []*row) error {
	var numbers []int64
	by := map[int64]*row{}
	for _, r := range rows {
		if r.signerRows > 0 {
			numbers = append(numbers, r.n)
			by[r.n] = r
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	scan := func(rows *sql.Rows) error {
		var n int64
		var g model.Signer
		err := rows.Scan(&n, &g.Ref, &g.Name, &g.Email, &g.Role, &g.Order, &g.Status, database.When(&g.ViewedAt),
			database.When(&g.SignedAt), &g.Reason)
		if r := by[n]; r != nil {
			r.Signers = append(r.Signers, g)
		}
		return err
	}
	if s.Postgres() {
		return q.Each(scan, s.sql.pgSigners, numbers)
	}
	return s.sql.signers.Find(q, len(numbers), func(args []any, i int) []any { return append(args, numbers[i]) }, scan)
}

// writeSigners writes the signers that changed. Decide never drops one, it marks it as removed.
func (st *statements) writeSigners(q *database.Tx, rows []*cached) error {
	type line struct {
		n     int64
		place int
		s     *model.Signer
	}
	var lines []line
	for _, c := range rows {
		if !c.present || !c.now.SignersSet {
			continue
		}
		was := map[string]placed{}
		if c.gone {
			c.was.Signers = nil
		}
		for i, g := range c.was.Signers {
			was[g.Ref] = placed{i, g}
		}
		said := map[string]bool{}
		for i := range c.now.Signers {
			g := &c.now.Signers[i]
			if said[g.Ref] {
				continue
			}
			said[g.Ref] = true
			if old, ok := was[g.Ref]; !ok || old.place != i || !sameSigner(old.Signer, *g) {
				lines = append(lines, line{c.now.n, i, g})
			}
		}
	}
	return st.addSigners.Insert(q, len(lines), func(args []any, i int) []any {
		n, g := lines[i].n, lines[i].s
		return append(args, n, g.Ref, lines[i].place, g.Name, g.Email, g.Role, g.Order, string(g.Status), g.ViewedAt,
			g.SignedAt, g.Reason)
	})
}

type placed struct {
	place int
	model.Signer
}

func sameSigner(a, b model.Signer) bool {
	same := sameTime(a.ViewedAt, b.ViewedAt) && sameTime(a.SignedAt, b.SignedAt)
	a.ViewedAt, a.SignedAt, b.ViewedAt, b.SignedAt = nil, nil, nil, nil
	return same && a == b
}
