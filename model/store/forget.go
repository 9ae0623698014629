package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// Forgotten is what remains of a transaction whose personal data was removed. Only track gives it a row again.
type Forgotten struct {
	Account, Ref string
	At           time.Time
	Documents    []string   // their ids
	SweptAt      *time.Time // when the files were gone; nil: they may still be there
}

// Key is the transaction's.
func (f Forgotten) Key() model.Key { return model.Key{Account: f.Account, Ref: f.Ref} }

// Personal counts what the database holds of a transaction that may be about a person.
type Personal struct {
	Rows, Signers, Callbacks, Bodies, Changes, Gaps, Progress, Documents, Deliveries int
}

// Any says whether there is anything.
func (p Personal) Any() bool { return p != Personal{} }

// PersonalOf counts what Forget would remove or empty.
func (s *Store) PersonalOf(ctx context.Context, k model.Key) (p Personal, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		p, err = personalOf(q, k)
		return err
	})
	return p, err
}

func personalOf(q *database.Tx, k model.Key) (p Personal, err error) {
	row := "(SELECT n FROM transactions WHERE account = ? AND ref = ?)"
	either := "txn = " + row + " OR txn IS NULL AND account = ? AND ref = ?"
	one, two := []any{k.Account, k.Ref}, []any{k.Account, k.Ref, k.Account, k.Ref}
	for _, c := range []struct {
		to    *int
		query string
		args  []any
	}{
		{&p.Rows, "transactions WHERE account = ? AND ref = ?", one},
		{&p.Signers, "signers WHERE txn = " + row, one},
		{&p.Callbacks, "callbacks WHERE note <> 'forgotten' AND (" + either + ")", two},
		{&p.Bodies, "callbacks WHERE body IS NOT NULL AND (" + either + ")", two},
		{&p.Changes, "history WHERE kind <> 'forgotten' AND (" + either + ")", two},
		{&p.Gaps, "gaps WHERE (signer <> '' OR kind = 'pending') AND account = ? AND ref = ?", one},
		{&p.Progress, "progress WHERE account = ? AND ref = ?", one},
		{&p.Documents, "documents WHERE account = ? AND ref = ?", one},
		{&p.Deliveries, "deliveries WHERE account = ? AND ref = ?", one},
	} {
		if err := q.QueryRow("SELECT COUNT(*) FROM "+c.query, c.args...).Scan(c.to); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Forget removes a transaction's row, signers, documents, history, progress and deliveries, empties its callbacks and
// gaps, and records in the change feed, too, that it was forgotten. All this is one database transaction, and it may
// be repeated. The files are to be removed after it, see Swept. ErrNoRow if nothing is stored about the transaction.
func (s *Store) Forget(ctx context.Context, k model.Key, source string) (p Personal, err error) {
	err = s.Change(ctx, func(q *database.Tx) error {
		c, err := lockCounters(q)
		if err != nil {
			return err
		}
		if p, err = personalOf(q, k); err != nil {
			return err
		}
		was, known, err := forgotten(q, k)
		if err != nil {
			return err
		}
		if !p.Any() && !known {
			return ErrNoRow
		}
		ids, err := q.Words(`SELECT id FROM documents WHERE account = ? AND ref = ?`, k.Account, k.Ref)
		if err != nil {
			return err
		}
		if err := errors.Join(forgetSeals(q, k), erase(q, k)); err != nil {
			return err
		}
		if err := s.tombstone(q, k, append(was.Documents, ids...)); err != nil {
			return err
		}
		if known && p.Rows == 0 { // a repeated Forget
			return nil
		}
		return s.announceForgotten(q, k, c.seq+1, source)
	})
	return p, err
}

// tombstone records that a transaction was forgotten, and which of its files are still to be removed.
func (s *Store) tombstone(q *database.Tx, k model.Key, documents []string) error {
	if documents == nil {
		documents = []string{}
	}
	text, err := json.Marshal(documents)
	if err != nil {
		return err
	}
	return q.Exec(`INSERT INTO forgotten (account, ref, at, documents, swept_at) VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (account, ref) DO UPDATE SET documents = excluded.documents, swept_at = NULL`, k.Account, k.Ref, s.now(), string(text))
}

// announceForgotten adds a change to the feed for those who have copies of the data.
func (s *Store) announceForgotten(q *database.Tx, k model.Key, seq int64, source string) error {
	now := s.now()
	err := q.Exec(`INSERT INTO history (seq, txn, account, ref, kind, from_word, to_word, status, confirmed, source, at) VALUES (?, NULL, ?, ?, ?, '', ?, ?, ?, ?, ?)`,
		seq, k.Account, k.Ref, string(model.KindForgotten), string(model.KindForgotten), string(model.Unknown), true,
		source, now)
	if err != nil {
		return err
	}
	if err := q.Exec(`INSERT INTO outbox (seq, at) VALUES (?, ?)`, seq, now); err != nil {
		return err
	}
	return q.Exec(`UPDATE counters SET seq = ? WHERE id = 1`, seq)
}

// erase removes and empties rows. What statistics count stays: callbacks with verdict and outcome, gaps, the share of
// reported changes.
func erase(q *database.Tx, k model.Key) error {
	const (
		row   = "(SELECT n FROM transactions WHERE account = ? AND ref = ?)"
		mine  = "txn = " + row
		loose = "txn IS NULL AND account = ? AND ref = ?"
		both  = "account = ? AND ref = ?"
		empty = "UPDATE callbacks SET txn = NULL, dedupe_key = NULL, note = 'forgotten', remote_addr = '', body = NULL WHERE "
	)
	if err := forgetWords(q, k); err != nil {
		return err
	}
	for _, query := range []string{
		empty + mine, empty + loose,
		"DELETE FROM outbox WHERE seq IN (SELECT seq FROM history WHERE " + mine + ")",
		"DELETE FROM outbox WHERE seq IN (SELECT seq FROM history WHERE kind <> 'forgotten' AND " + loose + ")",
		"DELETE FROM deliveries WHERE " + both,
		"DELETE FROM history WHERE " + mine, "DELETE FROM history WHERE kind <> 'forgotten' AND " + loose,
		"DELETE FROM signers WHERE " + mine,
		"DELETE FROM documents WHERE " + both,
		"DELETE FROM progress WHERE " + both,
		"DELETE FROM drift WHERE " + both,
		"DELETE FROM gaps WHERE kind = 'pending' AND " + both,
		"UPDATE gaps SET signer = '' WHERE " + both,
		"DELETE FROM transactions WHERE " + both,
	} {
		if err := q.Exec(query, k.Account, k.Ref); err != nil {
			return err
		}
	}
	return q.Exec(`DELETE FROM tokens WHERE account = ? AND name = ?`, k.Account, "stream:"+k.Ref)
}

func forgotten(q *database.Tx, k model.Key) (f Forgotten, ok bool, err error) {
	list, err := tombstones(q, " WHERE account = ? AND ref = ?", k.Account, k.Ref)
	if err != nil || len(list) == 0 {
		return f, false, err
	}
	return list[0], true, nil
}

func tombstones(q *database.Tx, where string, args ...any) (out []Forgotten, err error) {
	err = q.Each(func(r *sql.Rows) error {
		var f Forgotten
		var documents string
		if err := r.Scan(&f.Account, &f.Ref, database.Moment(&f.At), &documents, database.When(&f.SweptAt)); err != nil {
			return err
		}
		out = append(out, f)
		return json.Unmarshal([]byte(documents), &out[len(out)-1].Documents)
	}, "SELECT account, ref, at, documents, swept_at FROM forgotten"+where+" ORDER BY account, ref", args...)
	return out, err
}

// ForgottenOf says whether a transaction was forgotten, and when; ErrNoRow if it was not.
func (s *Store) ForgottenOf(ctx context.Context, k model.Key) (f Forgotten, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		var ok bool
		if f, ok, err = forgotten(q, k); err == nil && !ok {
			err = ErrNoRow
		}
		return err
	})
	return f, err
}

// Forgotten lists what was forgotten, all of it, or those whose files may be there: not swept yet, or
// forgotten after since, when a download may have been under way.
func (s *Store) Forgotten(ctx context.Context, since *time.Time) (out []Forgotten, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		if since == nil {
			out, err = tombstones(q, "")
			return err
		}
		out, err = tombstones(q, " WHERE swept_at IS NULL OR at >= ?", *since)
		return err
	})
	return out, err
}

// ForgottenAmong returns those of an account's refs that were forgotten.
func (s *Store) ForgottenAmong(ctx context.Context, keys []model.Key) (out map[model.Key]bool, err error) {
	out = map[model.Key]bool{}
	err = s.View(ctx, func(q *database.Tx) error {
		if any, err := anyForgotten(q); err != nil || !any {
			return err
		}
		for _, k := range keys {
			_, ok, err := forgotten(q, k)
			if err != nil {
				return err
			}
			if ok {
				out[k] = true
			}
		}
		return nil
	})
	return out, err
}

// Swept records that the files of a forgotten transaction are gone.
func (s *Store) Swept(ctx context.Context, k model.Key) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`UPDATE forgotten SET swept_at = ?, documents = '[]' WHERE account = ? AND ref = ?`, s.now(),
			k.Account, k.Ref)
	})
}

func anyForgotten(q *database.Tx) (any bool, err error) {
	err = q.QueryRow(`SELECT EXISTS (SELECT 1 FROM forgotten)`).Scan(&any)
	return any, err
}

// Forgotten reports whether a transaction without a row was forgotten, so that it must not get one.
func (b *Batch) Forgotten(k model.Key) bool {
	if k.Ref == "" || b.entry(k).present {
		return false
	}
	if b.anyForgotten == nil {
		any, err := anyForgotten(b.q)
		if b.fail(err) != nil {
			return true
		}
		b.anyForgotten = &any
	}
	if !*b.anyForgotten || b.recalled[k] {
		return false
	}
	_, ok, err := forgotten(b.q, k)
	return b.fail(err) != nil || ok
}

// Recall lets a transaction that was forgotten have a row again.
func (b *Batch) Recall(k model.Key) {
	if !b.Forgotten(k) {
		return
	}
	if b.recalled == nil {
		b.recalled = map[model.Key]bool{}
	}
	b.recalled[k] = true
}

func (b *Batch) writeRecalled() error {
	for k := range b.recalled {
		if err := b.q.Exec(`DELETE FROM forgotten WHERE account = ? AND ref = ?`, k.Account, k.Ref); err != nil {
			return err
		}
	}
	return nil
}
