package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

type firstKey struct {
	account, day string
	change       model.GapChange
	channel      model.Channel
}

// AddFirst counts a change by the channel that told of it first, on the day that it did.
func (b *Batch) AddFirst(account string, change model.GapChange, by model.Channel, at time.Time) {
	k := firstKey{account, at.UTC().Format(dayLayout), change, by}
	if b.firsts == nil {
		b.firsts = map[firstKey]int{}
	}
	b.firsts[k]++
}

func (b *Batch) writeFirsts() error {
	for k, n := range b.firsts {
		err := b.q.Exec(`INSERT INTO firsts (account, day, change, channel, count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account, day, change, channel) DO UPDATE SET count = firsts.count + excluded.count`, k.account, k.day, string(k.change), string(k.channel), n)
		if err != nil {
			return err
		}
	}
	return nil
}

// Firsts counts an account's changes since the day of a time by the channel that told of them first; of all accounts
// if account is "", from the beginning if since is nil.
func (s *Store) Firsts(ctx context.Context, account string, since *time.Time) (map[model.Channel]int, error) {
	w, out := database.Where{}, map[model.Channel]int{}
	w.Text("account = ?", account)
	if since != nil {
		w.Add("day >= ?", since.UTC().Format(dayLayout))
	}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var by model.Channel
			var n int
			err := r.Scan(&by, &n)
			out[by] = n
			return err
		}, `SELECT channel, SUM(count) FROM firsts`+w.SQL()+` GROUP BY channel`, w.Args...)
	})
	return out, err
}

func percentilesOf(list []time.Duration) model.Percentiles {
	if len(list) == 0 {
		return model.Percentiles{}
	}
	slices.Sort(list)
	rank := func(hundredths int) time.Duration { return list[(len(list)*hundredths+99)/100-1] }
	return model.Percentiles{Of: len(list), P50: rank(50), P90: rank(90), P99: rank(99)}
}

// Repairs measures an account's gaps that were found since the day of a time.
func (s *Store) Repairs(ctx context.Context, account string, since *time.Time) (out model.Repairs, err error) {
	w := gapsSince(account, since)
	w.Add("kind IN ('missed', 'late', 'refused')")
	var bound, dated, late []time.Duration
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var after, happened *time.Time
			var found time.Time
			var latency *time.Duration
			if err := r.Scan(database.When(&after), database.When(&happened), database.Moment(&found), &latency); err != nil {
				return err
			}
			for _, from := range []struct {
				at *time.Time
				to *[]time.Duration
			}{{after, &bound}, {happened, &dated}} {
				if from.at != nil {
					*from.to = append(*from.to, found.Sub(*from.at))
				}
			}
			if latency != nil {
				late = append(late, *latency)
			}
			return nil
		}, `SELECT after_at, happened_at, found_at, latency_ns FROM gaps`+w.SQL(), w.Args...)
	})
	return model.Repairs{Bound: percentilesOf(bound), Dated: percentilesOf(dated), Late: percentilesOf(late)}, err
}

// gapsSince chooses gaps by the day on which they were found, as what callbacks told is counted.
func gapsSince(account string, since *time.Time) (w database.Where) {
	w.Text("account = ?", account)
	if since != nil {
		w.Add("found_at >= ?", since.UTC().Truncate(24*time.Hour))
	}
	return w
}
