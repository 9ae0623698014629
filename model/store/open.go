package store

import (
	"context"
	"strings"
	"time"

	"countersign/model"
)

// OpenFilter chooses the rows that a poll tier asks about.
type OpenFilter struct {
	Account string
	// Tier is active (open, with news or an end in sight), idle (the other open ones), open (both)
	// or audit (final ones that changed lately).
	Tier           string
	NewsSince      *time.Time
	ExpiresBefore  *time.Time
	FinalSince     *time.Time
	AnsweredBefore *time.Time // leaves out those that were answered since
	After          string     // where the last page ended
	Limit          int        // 200 if zero
}

// lastAnswer orders rows that were never answered first.
const (
	lastAnswer  = "COALESCE(confirmed_at, not_found_at, '1970-01-01T00:00:00.000Z')"
	lastAnswerP = "COALESCE(confirmed_at, not_found_at, 'epoch')"
	openWords   = "('unknown', 'draft', 'in_progress')"
)

func (s *Store) openWhere(f OpenFilter) (where, error) {
	w := where{}
	w.add("NOT hidden")
	w.add("NOT deleted")
	w.text("account = ?", f.Account)
	news := where{}
	if f.NewsSince != nil {
		news.add("changed_at >= ?", *f.NewsSince)
	}
	if f.ExpiresBefore != nil {
		news.add("(expires_at IS NOT NULL AND expires_at <= ?)", *f.ExpiresBefore)
	}
	either := strings.Join(news.parts, " OR ")
	switch f.Tier {
	case "active":
		w.add("status IN " + openWords)
		if either != "" {
			w.add("("+either+")", news.args...)
		}
	case "idle":
		w.add("status IN " + openWords)
		if either != "" {
			w.add("NOT ("+either+")", news.args...)
		}
	case "audit":
		w.add("status NOT IN " + openWords)
		if f.FinalSince != nil {
			w.add("changed_at >= ?", *f.FinalSince)
		}
	default:
		w.add("status IN " + openWords)
	}
	answer := s.lastAnswer()
	if f.AnsweredBefore != nil {
		w.add(answer+" < ?", *f.AnsweredBefore)
	}
	if f.After != "" {
		c, err := readCursor(f.After)
		if err != nil {
			return w, err
		}
		at, err := readStamp(c.at)
		if err != nil {
			return w, ErrCursor
		}
		w.add("("+answer+", account, ref) > (?, ?, ?)", at, c.account, c.ref)
	}
	return w, nil
}

func (s *Store) lastAnswer() string {
	if s.pg {
		return lastAnswerP
	}
	return lastAnswer
}

// OpenRows lists a tier's rows with their signers, those with the oldest answer first. next is ""
// at the end.
func (s *Store) OpenRows(ctx context.Context, f OpenFilter) (rows []model.Transaction, next string, err error) {
	w, err := s.openWhere(f)
	if err != nil {
		return nil, "", err
	}
	limit := positive(f.Limit, 200)
	err = s.view(ctx, func(q *sqlConn) error {
		numbers, err := numbersOf(q, "SELECT n FROM transactions"+w.sql()+" ORDER BY "+s.lastAnswer()+", account, ref LIMIT ?", append(w.args, limit+1)...)
		if err != nil {
			return err
		}
		rows, err = s.inOrder(q, numbers[:min(limit, len(numbers))], true)
		if len(numbers) > limit && len(rows) > 0 {
			last := rows[len(rows)-1]
			at := time.Unix(0, 0)
			switch {
			case last.ConfirmedAt != nil:
				at = *last.ConfirmedAt
			case last.NotFoundAt != nil:
				at = *last.NotFoundAt
			}
			next = cursor{stamp(at), last.Account, last.Ref}.String()
		}
		return err
	})
	return rows, next, err
}

// CountOpenRows counts a tier's rows from After on.
func (s *Store) CountOpenRows(ctx context.Context, f OpenFilter) (n int, err error) {
	w, err := s.openWhere(f)
	if err != nil {
		return 0, err
	}
	err = s.view(ctx, func(q *sqlConn) error {
		return q.queryRow("SELECT COUNT(*) FROM transactions"+w.sql(), w.args...).Scan(&n)
	})
	return n, err
}

// Span is what a list by creation time would have to walk through to see a tier's rows.
type Span struct {
	Rows    int        // of the tier
	Oldest  *time.Time // the oldest creation among them
	Created int        // rows of the account created since then
}

// OpenSpan returns the span of a tier's rows.
func (s *Store) OpenSpan(ctx context.Context, f OpenFilter) (out Span, err error) {
	w, err := s.openWhere(f)
	if err != nil {
		return out, err
	}
	err = s.view(ctx, func(q *sqlConn) error {
		err := q.queryRow("SELECT COUNT(*), MIN(created_at) FROM transactions"+w.sql(), w.args...).Scan(&out.Rows, when{&out.Oldest})
		if err != nil || out.Oldest == nil {
			return err
		}
		all := where{}
		all.text("account = ?", f.Account)
		all.add("created_at >= ?", *out.Oldest)
		return q.queryRow("SELECT COUNT(*) FROM transactions"+all.sql(), all.args...).Scan(&out.Created)
	})
	return out, err
}
