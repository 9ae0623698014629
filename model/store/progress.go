package store

import (
	"context"
	"database/sql"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// mostSteps limits how many steps anybody can add to one row: the first ones stay.
const mostSteps = 100

type step struct {
	of model.Key
	model.Step
}

// AddProgress adds steps to a row's trail. One that is there already is not added again, and beyond a
// hundred none is.
func (b *Batch) AddProgress(k model.Key, steps []model.Step) {
	for _, s := range steps[:min(len(steps), mostSteps)] {
		b.progress = append(b.progress, step{k, s})
	}
}

func (b *Batch) writeProgress() error {
	room := map[model.Key]int{}
	for _, s := range b.progress {
		left, known := room[s.of]
		if !known {
			n := 0
			err := b.q.QueryRow(`SELECT COUNT(*) FROM progress WHERE account = ? AND ref = ?`, s.of.Account, s.of.Ref).Scan(&n)
			if err != nil {
				return err
			}
			left = mostSteps - n
		}
		if room[s.of] = left - 1; left <= 0 {
			continue
		}
		err := b.q.Exec(`INSERT INTO progress (account, ref, name, at) VALUES (?, ?, ?, ?) ON CONFLICT (account, ref, name, at) DO NOTHING`,
			s.of.Account, s.of.Ref, s.Name, s.At.UTC().Truncate(time.Millisecond))
		if err != nil {
			return err
		}
	}
	return nil
}

// Progress returns a row's trail, the oldest step first.
func (s *Store) Progress(ctx context.Context, k model.Key) (out []model.Step, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var p model.Step
			err := r.Scan(&p.Name, database.Moment(&p.At))
			out = append(out, p)
			return err
		}, `SELECT name, at FROM progress WHERE account = ? AND ref = ? ORDER BY at, name`, k.Account, k.Ref)
	})
	return out, err
}
