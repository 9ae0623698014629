package store

import (
	"context"
	"database/sql"
	"os"

	"countersign/model"
	"countersign/model/store/database"
)

// Carried is what must survive the replacement of a database: the numbers given out, and which transactions were
// forgotten.
type Carried struct {
	counts    counts
	Forgotten []Forgotten
}

// numbersApart sets the numbers of a restored database apart from those of one that cannot be read.
const numbersApart = 1_000_000

// ReadCarried reads it from a SQLite file. If the file cannot be read, it returns numbers far above those of a
// restored database, and says why.
func ReadCarried(ctx context.Context, path string, restored database.Examined) (c Carried, err error) {
	c.counts = counts{restored.Seq + numbersApart, restored.Version + numbersApart, restored.Ordinal + numbersApart}
	if _, err := os.Stat(path); err != nil {
		return c, err
	}
	var is Carried
	err = database.ReadFile(ctx, path, func(q *database.Tx) (err error) {
		err = q.QueryRow(`SELECT seq, version, ordinal FROM counters`).Scan(&is.counts.seq, &is.counts.version,
			&is.counts.ordinal)
		if err == nil {
			is.Forgotten, err = tombstones(q, "")
		}
		return err
	})
	if err != nil {
		return c, err
	}
	return is, nil
}

// CarryOver makes numbering continue above another database's numbers, and forgets what that database had forgotten.
func (s *Store) CarryOver(ctx context.Context, from Carried) error {
	return s.Change(ctx, func(q *database.Tx) error {
		c, err := lockCounters(q)
		if err != nil {
			return err
		}
		c.seq, c.version, c.ordinal = max(c.seq, from.counts.seq), max(c.version, from.counts.version), max(c.ordinal,
			from.counts.ordinal)
		if err := q.Exec(`UPDATE counters SET seq = ?, version = ?, ordinal = ? WHERE id = 1`, c.seq, c.version,
			c.ordinal); err != nil {
			return err
		}
		for _, f := range from.Forgotten {
			_, known, err := forgotten(q, f.Key())
			if err != nil {
				return err
			}
			if known {
				continue
			}
			if err := erase(q, f.Key()); err != nil {
				return err
			}
			if err := s.tombstone(q, f.Key(), f.Documents); err != nil {
				return err
			}
			c.seq++
			if err := s.announceForgotten(q, f.Key(), c.seq, "operator"); err != nil {
				return err
			}
		}
		return nil
	})
}

// Lost is what only the replaced database knew of an account.
type Lost struct {
	Account, Provider string
	Refs              []string
}

// LostWith lists the transactions that a database in a file knew and this one does not, by account: neither those that
// were forgotten, nor those that are gone from the provider or that only a browser named.
func (s *Store) LostWith(ctx context.Context, path string) (lost []Lost, err error) {
	err = database.ReadFile(ctx, path, func(old *database.Tx) error {
		return s.View(ctx, func(mine *database.Tx) error {
			return old.Each(func(r *sql.Rows) error {
				var k model.Key
				var providerName string
				if err := r.Scan(&k.Account, &providerName, &k.Ref); err != nil {
					return err
				}
				var known int
				err := mine.QueryRow(`SELECT (SELECT COUNT(*) FROM transactions WHERE account = ? AND ref = ?) +
  (SELECT COUNT(*) FROM forgotten WHERE account = ? AND ref = ?)`, k.Account, k.Ref, k.Account, k.Ref).Scan(&known)
				if err != nil || known > 0 {
					return err
				}
				if n := len(lost); n == 0 || lost[n-1].Account != k.Account {
					lost = append(lost, Lost{Account: k.Account, Provider: providerName})
				}
				last := &lost[len(lost)-1]
				last.Refs = append(last.Refs, k.Ref)
				return nil
			}, `SELECT account, provider, ref FROM transactions WHERE NOT hidden AND NOT deleted AND NOT not_found ORDER BY account, ref`)
		})
	})
	return lost, err
}
