package store

import (
	"context"
	"time"

	"countersign/model/store/database"
)

// ClaimRun leases an unfinished run to its owner, who may claim it again to keep it. False: another has it, or another
// run of its account and kind, or it has ended.
func (s *Store) ClaimRun(ctx context.Context, id, owner string, lease time.Duration) (claimed bool, err error) {
	now := s.now()
	err = s.Change(ctx, func(q *database.Tx) error {
		if q.Postgres { // two runs of a kind may be claimed at a time
			if err := q.Exec(`SELECT pg_advisory_xact_lock(hashtextextended('run ' || account || ' ' || kind, 0)) FROM runs WHERE id = ?`,
				id); err != nil {
				return err
			}
		}
		n, err := q.Affect(`UPDATE runs SET lease_until = ?, lease_owner = ?
WHERE id = ? AND state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until <= ? OR lease_owner = ?)
AND NOT EXISTS (SELECT 1 FROM runs other WHERE other.account = runs.account AND other.kind = runs.kind AND other.id <> runs.id
AND other.state IN ('queued', 'running') AND other.lease_until > ? AND other.lease_owner <> ?)`,
			now.Add(lease), owner, id, now, owner, now, owner)
		claimed = n > 0
		return err
	})
	return claimed, err
}

// LeaveRun ends the lease of a run that goes on in other hands.
func (s *Store) LeaveRun(ctx context.Context, id, owner string) error {
	return s.Change(ctx, func(q *database.Tx) error {
		return q.Exec(`UPDATE runs SET lease_until = NULL, lease_owner = '' WHERE id = ? AND lease_owner = ?`, id, owner)
	})
}

// JobCount is how many jobs of a kind wait, are in work, or failed and come again.
type JobCount struct {
	Kind                       string
	Waiting, Running, Retrying int
}

// JobCounts counts the jobs that processes share; none where no process shares any, as on SQLite.
func (s *Store) JobCounts(ctx context.Context) (out []JobCount, err error) {
	if !s.Postgres() {
		return nil, nil
	}
	err = s.View(ctx, func(q *database.Tx) error {
		there := false
		if err := q.QueryRow(`SELECT to_regclass('river_job') IS NOT NULL`).Scan(&there); err != nil || !there {
			return err
		}
		return q.Find(&out, `SELECT kind, COUNT(*) FILTER (WHERE state IN ('available', 'scheduled', 'pending')) AS waiting,
COUNT(*) FILTER (WHERE state = 'running') AS running, COUNT(*) FILTER (WHERE state = 'retryable') AS retrying
FROM river_job WHERE state IN ('available', 'scheduled', 'pending', 'running', 'retryable') GROUP BY kind ORDER BY kind`)
	})
	return out, err
}

// FreeRuns lists the accounts that have unfinished runs which nobody has leased.
func (s *Store) FreeRuns(ctx context.Context) (accounts []string, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		accounts, err = q.Words(`SELECT DISTINCT account FROM runs WHERE state IN ('queued', 'running')
AND (lease_until IS NULL OR lease_until <= ?)`, s.now())
		return err
	})
	return accounts, err
}
