package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"countersign/model/announced"
	"countersign/model/store/database"
)

// Sent is what became of one attempt.
type Sent struct {
	Seq     int64
	State   DeliveryState // waiting: it is sent again at NextTry
	NextTry time.Time
	Note    string
	Latency time.Duration
	At      time.Time
}

// NoteDeliveries writes what became of attempts, and how the hook has come on: learn is given the hook as any process has
// left it, and makes of it what the attempts say. It may run several times, and says whether everything that waits for its
// time is due now. Where one is done, the next of its transaction is due. Of a hook that was taken out meanwhile what was
// taken is written. What is returned is the hook as it is then.
func (s *Store) NoteDeliveries(ctx context.Context, hook string, sent []Sent, learn func(*Hook) (hasten bool)) (h Hook, err error) {
	err = s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		known := true
		if _, err := lockHook(b.q, hook); errors.Is(err, ErrNoRow) {
			known = false
		} else if err != nil {
			return err
		}
		taken := 0
		for i := range sent {
			if sent[i].State == DeliverySent {
				taken++
			}
			if err := noteDelivery(b, hook, &sent[i]); err != nil {
				return err
			}
		}
		if h = (Hook{ID: hook}); !known {
			return nil
		}
		if err := b.q.Take(&h, `SELECT * FROM hooks WHERE hook = ?`, hook); err != nil {
			return err
		}
		h.Sent += int64(taken)
		return putHook(b, &h, learn(&h))
	}})
	return h, err
}

// putHook writes how a hook has come on.
func putHook(b *Batch, h *Hook, hasten bool) error {
	if hasten {
		if err := b.q.Exec(`UPDATE deliveries SET next_try_at = ? WHERE hook = ? AND state = 'waiting' AND next_try_at > ?`,
			b.now, h.ID, b.now); err != nil {
			return err
		}
	}
	return b.q.Exec(`UPDATE hooks SET gone_at = ?, failures = ?, failed_at = ?, rests_to = ?, asked_to = ?, sent = ?, sent_at = ?,
note = ? WHERE hook = ?`, h.GoneAt, h.Failures, h.FailedAt, h.RestsTo, h.AskedTo, h.Sent, h.SentAt, plainText(h.Note), h.ID)
}

const (
	firstWaiting = `SELECT MIN(e.seq) FROM deliveries e WHERE e.hook = deliveries.hook AND e.account = deliveries.account AND
e.ref = deliveries.ref AND e.state = 'waiting'`
	follows = `UPDATE deliveries SET next_try_at = ? WHERE hook = ? AND state = 'waiting' AND next_try_at IS NULL AND
(account, ref) IN (SELECT account, ref FROM deliveries d WHERE d.hook = ? AND d.seq = ?) AND seq = (` + firstWaiting + `)`
)

func noteDelivery(b *Batch, hook string, r *Sent) error {
	note, latency := plainText(r.Note), r.Latency.Milliseconds()
	if r.State == DeliveryWaiting {
		return b.q.Exec(`UPDATE deliveries SET attempts = attempts + 1, note = ?, latency_ms = ?, lease_until = NULL,
lease_owner = '', next_try_at = CASE WHEN seq = (`+firstWaiting+`) THEN CAST(? AS `+stampType(b.q)+`) END
WHERE hook = ? AND seq = ? AND state = 'waiting'`, note, latency, r.NextTry, hook, r.Seq)
	}
	err := b.q.Exec(`UPDATE deliveries SET attempts = attempts + 1, state = ?, note = ?, latency_ms = ?, done_at = ?,
next_try_at = NULL, lease_until = NULL, lease_owner = '' WHERE hook = ? AND seq = ? AND (state = 'waiting' OR ? = 'sent')`,
		string(r.State), note, latency, r.At, hook, r.Seq, string(r.State))
	if err != nil {
		return err
	}
	return b.q.Exec(follows, b.now, hook, hook, r.Seq)
}

func stampType(q *database.Tx) string {
	if q.Postgres {
		return "timestamptz"
	}
	return "INTEGER"
}

// plainText is a text that any database takes.
func plainText(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}

// ReleaseDeliveries ends leases of announcements that were not sent.
func (s *Store) ReleaseDeliveries(ctx context.Context, hook string, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	return s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		return b.q.Exec(`UPDATE deliveries SET lease_until = NULL, lease_owner = '' WHERE hook = ? AND seq IN `+
			seqList(seqs), hook)
	}})
}

// ExpireDeliveries gives up what has waited since before a moment and is in nobody's work. It returns how many.
func (s *Store) ExpireDeliveries(ctx context.Context, hook string, before time.Time, note string) (n int64, err error) {
	const old = `hook = ? AND state = 'waiting' AND created_at <= ? AND (lease_until IS NULL OR lease_until <= ?)`
	now := s.now()
	var found bool
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow(`SELECT EXISTS (SELECT 1 FROM deliveries WHERE `+old+`)`, hook, before, now).Scan(&found)
	})
	if err != nil || !found {
		return 0, err
	}
	err = s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		if _, err := lockHook(b.q, hook); err != nil {
			return err
		}
		gone, err := numbersOf(b.q, `UPDATE deliveries SET state = 'dead', done_at = ?, next_try_at = NULL, note = CASE WHEN note = ''
THEN CAST(? AS TEXT) ELSE note END WHERE `+old+` RETURNING seq`, now, note, hook, before, now)
		if n = int64(len(gone)); err != nil || n == 0 {
			return err
		}
		return b.q.Exec(`UPDATE deliveries SET next_try_at = ? WHERE hook = ? AND state = 'waiting' AND next_try_at IS NULL AND
seq = (`+firstWaiting+`)`, now, hook)
	}})
	return n, err
}

// Requeue has announcements of a hook sent again, with the ids they had. Those that wait stay as they are.
func (s *Store) Requeue(ctx context.Context, hook string, chosen []*announced.Change) (n int, err error) {
	err = s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		if _, err := lockHook(b.q, hook); err != nil {
			return err
		}
		n = 0
		for _, c := range chosen {
			again, err := numbersOf(b.q, `INSERT INTO deliveries (hook, seq, account, ref, state, created_at) VALUES (?, ?, ?, ?, 'waiting', ?)
ON CONFLICT (hook, seq) DO UPDATE SET state = 'waiting', attempts = 0, note = '', created_at = excluded.created_at,
done_at = NULL WHERE deliveries.state <> 'waiting' RETURNING seq`, hook, c.Seq, c.Account, c.Ref, b.now)
			if err != nil {
				return b.fail(err)
			}
			n += len(again)
		}
		for _, c := range chosen {
			for _, query := range []string{`next_try_at = NULL WHERE next_try_at IS NOT NULL AND seq <> (` + firstWaiting + `)`,
				`next_try_at = created_at WHERE next_try_at IS NULL AND seq = (` + firstWaiting + `)`} {
				err := b.q.Exec(`UPDATE deliveries SET `+query+` AND hook = ? AND account = ? AND ref = ? AND state = 'waiting'`,
					hook, c.Account, c.Ref)
				if err != nil {
					return b.fail(err)
				}
			}
		}
		return nil
	}})
	return n, err
}

// WakeHook lets a hook that stopped or rests go on at once.
func (s *Store) WakeHook(ctx context.Context, hook string) error {
	return s.DoPatiently(ctx, Unit{Apply: func(b *Batch) error {
		err := b.q.Exec(`UPDATE hooks SET gone_at = NULL, failures = 0, failed_at = NULL, rests_to = NULL, asked_to = NULL, note = '' WHERE hook = ?`,
			hook)
		if err != nil {
			return err
		}
		return b.q.Exec(`UPDATE deliveries SET next_try_at = ? WHERE hook = ? AND state = 'waiting' AND next_try_at > ?`,
			b.now, hook, b.now)
	}})
}

// seqList is a list of numbers in SQL.
func seqList(seqs []int64) string {
	text := make([]string, len(seqs))
	for i, n := range seqs {
		text[i] = strconv.FormatInt(n, 10)
	}
	return "(" + strings.Join(text, ", ") + ")"
}
