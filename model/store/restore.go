package store

import (
	"context"
	"os"

	"countersign/model/store/database"
)

// Carried is what must outlive a database that is replaced: numbers that were given out, and what was
// forgotten.
type Carried struct {
	counts    counts
	Forgotten []Forgotten
}

// numbersApart sets the numbers of a restored database apart from those of one that cannot be read.
const numbersApart = 1_000_000

// ReadCarried reads it from a SQLite file. Where there is none to read, it returns what goes well beyond a restored
// one's numbers, and says why.
func ReadCarried(ctx context.Context, path string, restored database.Examined) (c Carried, err error) {
	c.counts = counts{restored.Seq + numbersApart, restored.Version + numbersApart, restored.Ordinal + numbersApart}
	if _, err := os.Stat(path); err != nil {
		return c, err
	}
	var is Carried
	err = database.ReadFile(ctx, path, func(q *database.Tx) (err error) {
		err = q.QueryRow(`SELECT seq, version, ordinal FROM counters`).Scan(&is.counts.seq, &is.counts.version, &is.counts.ordinal)
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

// CarryOver goes on above the numbers that another database gave out and forgets what it had forgotten.
func (s *Store) CarryOver(ctx context.Context, from Carried) error {
	return s.Change(ctx, func(q *database.Tx) error {
		c, err := lockCounters(q)
		if err != nil {
			return err
		}
		c.seq, c.version, c.ordinal = max(c.seq, from.counts.seq), max(c.version, from.counts.version), max(c.ordinal, from.counts.ordinal)
		if err := q.Exec(`UPDATE counters SET seq = ?, version = ?, ordinal = ? WHERE id = 1`, c.seq, c.version, c.ordinal); err != nil {
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
