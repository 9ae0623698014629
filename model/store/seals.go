package store

import (
	"context"
	"database/sql"

	"countersign/model"
	"countersign/model/store/database"
)

// sealsOf are the seals of an account as a group reads and changes them.
type sealsOf struct {
	list []model.Sealer
	put  bool
}

func (b *Batch) sealsOf(account string) (*sealsOf, error) {
	if e := b.seals[account]; e != nil {
		return e, nil
	}
	list, err := sealersOf(b.q, account)
	if err != nil {
		return nil, b.fail(err)
	}
	if b.seals == nil {
		b.seals = map[string]*sealsOf{}
	}
	b.seals[account] = &sealsOf{list: list}
	return b.seals[account], nil
}

// Sealers returns the seals that an account's files carry.
func (b *Batch) Sealers(account string) ([]model.Sealer, error) {
	e, err := b.sealsOf(account)
	if err != nil {
		return nil, err
	}
	return append([]model.Sealer(nil), e.list...), nil
}

// PutSealers writes all seals that an account's files carry; Sealers returned them.
func (b *Batch) PutSealers(account string, list []model.Sealer) error {
	e, err := b.sealsOf(account)
	if err == nil {
		e.list, e.put = list, true
	}
	return err
}

func (b *Batch) writeSeals() error {
	for account, e := range b.seals {
		if !e.put {
			continue
		}
		if err := b.q.Exec(`DELETE FROM seals WHERE account = ?`, account); err != nil {
			return err
		}
		for _, s := range e.list {
			err := b.q.Exec(`INSERT INTO seals (account, key, name, issuer_key, documents, other, document, first_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				account, s.Key, s.Name, s.IssuerKey, s.Documents, s.Other, s.Document, s.FirstAt)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Sealers returns the seals that an account's files carry, the most frequent first.
func (s *Store) Sealers(ctx context.Context, account string) (out []model.Sealer, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		out, err = sealersOf(q, account)
		return err
	})
	return out, err
}

func sealersOf(q *database.Tx, account string) (out []model.Sealer, err error) {
	err = q.Each(func(r *sql.Rows) error {
		s := model.Sealer{Account: account}
		err := r.Scan(&s.Key, &s.Name, &s.IssuerKey, &s.Documents, &s.Other, &s.Document, database.Moment(&s.FirstAt))
		out = append(out, s)
		return err
	}, `SELECT key, name, issuer_key, documents, other, document, first_at FROM seals WHERE account = ? ORDER BY documents DESC, first_at, key`,
		account)
	return out, err
}

// forgetSeals takes the seals of a transaction's documents away that no other carries: one may be a person's.
func forgetSeals(q *database.Tx, k model.Key) error {
	var rows []documentRow
	if err := q.Find(&rows, `SELECT * FROM documents WHERE account = ? AND ref = ?`, k.Account, k.Ref); err != nil {
		return err
	}
	for _, r := range rows {
		seal, ok := r.Facts.SealOf()
		if !ok || r.Facts.File.Seal == "" {
			continue
		}
		key := seal.Certificate().Key
		for _, query := range []string{
			`UPDATE seals SET documents = documents - 1 WHERE account = ? AND key = ?`,
			`DELETE FROM seals WHERE account = ? AND key = ? AND documents < 1`,
		} {
			if err := q.Exec(query, k.Account, key); err != nil {
				return err
			}
		}
	}
	return nil
}
