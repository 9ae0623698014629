package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/durable"
)

// DueFilter chooses rows that are due for a fetch between the slots.
type DueFilter struct {
	Account string
	Now     time.Time
	Exclude []model.DueReason
	// Unverified chooses rows that only callbacks or hints have named, Known the others; neither chooses all.
	Unverified, Known bool
	Limit             int // 50 if zero
}

func (f DueFilter) where() database.Where {
	w := database.Where{}
	w.Text("account = ?", f.Account)
	w.Add("next_check_at <= ?", f.Now)
	for _, r := range f.Exclude {
		w.Add("due_reason <> ?", string(r))
	}
	return w
}

// free is where for rows that nobody has leased; the last argument is the rank.
func (f DueFilter) free() database.Where {
	w := f.where()
	w.Add("(lease_until IS NULL OR lease_until <= ?)", f.Now)
	w.Add("due_rank = ?", rankEnd)
	return w
}

// ranks are those that the filter chooses, ends before others.
func (f DueFilter) ranks() []int {
	switch {
	case f.Unverified && !f.Known:
		return WorkUnverified.ranks()
	case f.Known && !f.Unverified:
		return WorkKnown.ranks()
	}
	return []int{rankEnd, rankLooseEnd, rankOther, rankLooseOther}
}

// ends before others, then the oldest first.
const dueOrder = ` ORDER BY due_rank IN (1, 3), next_check_at, ref`

// Due lists rows whose time has come, leased or not: claims of an end first, then the oldest.
func (s *Store) Due(ctx context.Context, f DueFilter) (out []model.Transaction, err error) {
	w := f.where()
	w.Add(dueRanks(f.ranks()))
	err = s.View(ctx, func(q *database.Tx) error {
		numbers, err := numbersOf(q, `SELECT n FROM transactions`+w.SQL()+dueOrder+` LIMIT ?`,
			append(w.Args, positive(f.Limit, 50))...)
		if err != nil {
			return err
		}
		out, err = s.inOrder(q, numbers, true)
		return err
	})
	return out, err
}

// DueCount counts the rows whose time has come, by account.
func (s *Store) DueCount(ctx context.Context, now time.Time) (map[string]int, error) {
	out := map[string]int{}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var a string
			var n int
			err := r.Scan(&a, &n)
			out[a] = n
			return err
		}, `SELECT account, COUNT(*) FROM transactions WHERE next_check_at <= ? GROUP BY account`, now)
	})
	return out, err
}

// ClaimDue leases rows of an account whose time has come to one owner: claims of an end first, then the oldest. No
// other owner gets them until the lease is over, they are put, or released. Its price does not grow with what is due.
func (s *Store) ClaimDue(ctx context.Context, f DueFilter, owner string, lease time.Duration) (
	out []model.Transaction, err error,
) {
	w := f.free()
	found, err := s.dueAny(ctx, f, w)
	if err != nil || !found {
		return nil, err
	}
	skip := ""
	if s.Postgres() {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	claim := `UPDATE transactions SET lease_until = ?, lease_owner = ? WHERE n IN (` + claimable(w) + skip + `) RETURNING n`
	err = s.Change(ctx, func(q *database.Tx) error {
		var numbers []int64
		room := positive(f.Limit, 50)
		for _, rank := range f.ranks() {
			if room == len(numbers) {
				break
			}
			args := append([]any{f.Now.Add(lease), owner}, ranked(w, rank)...)
			some, err := numbersOf(q, claim, append(args, room-len(numbers))...)
			if err != nil {
				return err
			}
			numbers = append(numbers, some...)
		}
		var err error
		out, err = s.inOrder(q, numbers, true)
		durable.CrashPoint("rows before claim")
		return err
	})
	if len(out) > 0 {
		durable.CrashPoint("rows claimed")
	}
	slices.SortFunc(out, dueBefore) // RETURNING keeps no order
	return out, err
}

// claimable chooses rows in the index's own order, so that it stops at the limit.
func claimable(w database.Where) string {
	return `SELECT n FROM transactions` + w.SQL() + ` ORDER BY next_check_at, n LIMIT ?`
}

// ranked is the arguments of a choice of one rank.
func ranked(w database.Where, rank int) []any {
	args := slices.Clone(w.Args)
	args[len(args)-1] = rank
	return args
}

// dueRanks is a condition on several ranks.
func dueRanks(ranks []int) string {
	var list []string
	for _, r := range ranks {
		list = append(list, strconv.Itoa(r))
	}
	return "due_rank IN (" + strings.Join(list, ", ") + ")"
}

// dueBefore is dueOrder in Go.
func dueBefore(a, b model.Transaction) int {
	if x, y := a.ReportedStatus.Final(), b.ReportedStatus.Final(); x != y {
		if x {
			return -1
		}
		return 1
	}
	if a.NextCheckAt != nil && b.NextCheckAt != nil && !sameTime(a.NextCheckAt, b.NextCheckAt) {
		return a.NextCheckAt.Compare(*b.NextCheckAt)
	}
	return strings.Compare(a.Ref, b.Ref)
}

// dueAny checks for due rows before a claim takes the write lock, since mostly nothing is due.
func (s *Store) dueAny(ctx context.Context, f DueFilter, w database.Where) (found bool, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		for _, rank := range f.ranks() {
			err := q.QueryRow(`SELECT EXISTS (SELECT 1 FROM transactions`+w.SQL()+`)`, ranked(w, rank)...).Scan(&found)
			if err != nil || found {
				return err
			}
		}
		return nil
	})
	return found, err
}

// Release ends the leases of claimed rows, which stay due as before.
func (s *Store) Release(ctx context.Context, keys []model.Key) error {
	return s.Change(ctx, func(q *database.Tx) error {
		for _, k := range keys {
			if err := q.Exec(`UPDATE transactions SET lease_until = NULL, lease_owner = '' WHERE account = ? AND ref = ?`,
				k.Account, k.Ref); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReleaseLeases ends the leases that dead processes left on rows, documents, announcements and runs, which stay due.
// Only a process that has the work lock alone may call it, and before it claims anything itself: that proves that any
// other lease owner is dead.
func (s *Store) ReleaseLeases(ctx context.Context) error {
	for _, table := range []struct{ name, due string }{{"transactions", "next_check_at IS NOT NULL"},
		{"documents", "next_try_at IS NOT NULL"}, {"deliveries", "next_try_at IS NOT NULL"},
		{"runs", "state IN ('queued', 'running')"}} {
		leased := ` WHERE ` + table.due + ` AND lease_until IS NOT NULL` // only what is due is leased
		var found bool
		err := s.View(ctx, func(q *database.Tx) error {
			return q.QueryRow(`SELECT EXISTS (SELECT 1 FROM ` + table.name + leased + `)`).Scan(&found)
		})
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		err = s.Change(ctx, func(q *database.Tx) error {
			return q.Exec(`UPDATE ` + table.name + ` SET lease_until = NULL, lease_owner = ''` + leased)
		})
		if err != nil {
			return err
		}
	}
	return s.endTurns(ctx)
}

// inOrder loads rows in the order of their numbers.
func (s *Store) inOrder(q *database.Tx, numbers []int64, signers bool) ([]model.Transaction, error) {
	by := make(map[int64]*row, len(numbers))
	list := make([]*row, 0, len(numbers))
	scan := s.scanRow(&list)
	var err error
	if s.Postgres() {
		err = q.Each(scan, s.sql.pgNumbers, numbers)
	} else {
		err = s.sql.numbers.Find(q, len(numbers), func(args []any, i int) []any { return append(args, numbers[i]) }, scan)
	}
	if err == nil && signers {
		err = s.loadSigners(q, list)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		r.SignersSet = signers
		by[r.n] = r
	}
	out := make([]model.Transaction, 0, len(list))
	for _, n := range numbers {
		if r := by[n]; r != nil {
			out = append(out, r.Transaction)
		}
	}
	return out, nil
}

func numbersOf(q *database.Tx, query string, args ...any) (out []int64, err error) {
	err = q.Each(func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		out = append(out, n)
		return err
	}, query, args...)
	return out, err
}
