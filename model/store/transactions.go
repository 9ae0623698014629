package store

import (
	"context"
	"database/sql"

	"countersign/model"
	"countersign/model/store/database"
)

// Version returns the newest version of any row. A question records it when it is sent.
func (s *Store) Version(ctx context.Context) (v int64, err error) {
	err = s.View(ctx, func(q *database.Tx) error { return q.QueryRow(`SELECT version FROM counters`).Scan(&v) })
	return v, err
}

// Transaction returns one row with its signers; ErrNoRow if there is none.
func (s *Store) Transaction(ctx context.Context, k model.Key) (model.Transaction, error) {
	rows, err := s.Rows(ctx, []model.Key{k})
	if err != nil {
		return model.Transaction{}, err
	}
	t, ok := rows[k]
	if !ok {
		return t, ErrNoRow
	}
	return t, nil
}

// Rows returns those of keys that exist, with their signers.
func (s *Store) Rows(ctx context.Context, keys []model.Key) (map[model.Key]model.Transaction, error) {
	out := make(map[model.Key]model.Transaction, len(keys))
	err := s.View(ctx, func(q *database.Tx) error {
		rows, err := s.load(q, keys)
		for _, r := range rows {
			out[r.Key()] = r.Transaction
		}
		return err
	})
	return out, err
}

// FindRef returns the rows of all accounts that have the ref.
func (s *Store) FindRef(ctx context.Context, ref string) (out []model.Transaction, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		accounts, err := q.Words(accountsWithRows)
		if err != nil {
			return err
		}
		keys := make([]model.Key, len(accounts))
		for i, a := range accounts {
			keys[i] = model.Key{Account: a, Ref: ref}
		}
		rows, err := s.load(q, keys)
		for _, r := range rows {
			if !r.Hidden {
				out = append(out, r.Transaction)
			}
		}
		return err
	})
	return out, err
}

// accountsWithRows skips through the list index from account to account.
const accountsWithRows = `WITH RECURSIVE a(account) AS (
  SELECT MIN(account) FROM transactions WHERE NOT hidden
  UNION ALL
  SELECT (SELECT MIN(t.account) FROM transactions t WHERE t.account > a.account AND NOT t.hidden) FROM a WHERE a.account IS NOT NULL
) SELECT account FROM a WHERE account IS NOT NULL`

// load reads rows by key, with their signers.
func (s *Store) load(q *database.Tx, keys []model.Key) ([]*row, error) {
	var out []*row
	err := s.byKey(q, keys, s.scanRow(&out))
	if err != nil {
		return nil, err
	}
	return out, s.loadSigners(q, out)
}

// scanRow appends a row of the selection to a list.
func (s *Store) scanRow(to *[]*row) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		t := &row{}
		err := r.Scan(s.shapes.destinations(t)...)
		t.SignersSet = true
		*to = append(*to, t)
		return err
	}
}

func (s *Store) byKey(q *database.Tx, keys []model.Key, scan func(*sql.Rows) error) error {
	if !s.Postgres() {
		return s.sql.rows.Find(q, len(keys),
			func(args []any, i int) []any { return append(args, keys[i].Account, keys[i].Ref) }, scan)
	}
	accounts, refs := columnsOf(keys)
	return q.Each(scan, s.sql.pgRows, accounts, refs)
}

// columnsOf turns keys into PostgreSQL's arrays.
func columnsOf(keys []model.Key) (accounts, refs []string) {
	for _, k := range keys {
		accounts, refs = append(accounts, k.Account), append(refs, k.Ref)
	}
	return accounts, refs
}

// writeRows writes rows, each in the smallest shape that holds what changed.
func (s *Store) writeRows(q *database.Tx, rows []*cached) error {
	by := map[*shape][]*row{}
	for _, c := range rows {
		if sh := c.shape(s.shapes); sh != nil {
			by[sh] = append(by[sh], &c.now)
		}
	}
	for _, sh := range [...]*shape{&s.shapes.add, &s.shapes.whole, &s.shapes.move, &s.shapes.touch} {
		list := by[sh]
		err := sh.upsert.Insert(q, len(list), func(args []any, i int) []any { return sh.values(args, list[i]) })
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteRows removes rows with what belongs to them alone; their callbacks and history stay.
func deleteRows(q *database.Tx, rows []*cached) error {
	for _, c := range rows {
		if !c.gone {
			continue
		}
		k, n := c.was.Key(), c.was.n
		for _, query := range []string{
			queueRow,
			`UPDATE callbacks SET txn = NULL WHERE txn = ?`, `UPDATE history SET txn = NULL WHERE txn = ?`,
			`DELETE FROM signers WHERE txn = ?`, `DELETE FROM transactions WHERE n = ?`,
		} {
			if err := q.Exec(query, n); err != nil {
				return err
			}
		}
		// a file that came is never dropped
		for _, what := range []string{"gaps WHERE", "progress WHERE", "documents WHERE held = '' AND"} {
			if err := q.Exec("DELETE FROM "+what+" account = ? AND ref = ?", k.Account, k.Ref); err != nil {
				return err
			}
		}
	}
	return nil
}
