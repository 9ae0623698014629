package store

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
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

const openWords = "('unknown', 'draft', 'in_progress')"

// cursor is where a page of a tier ends.
type cursor struct {
	at string // stamp
	n  int64
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.at + "\x00" + strconv.FormatInt(c.n, 10)))
}

func readCursor(text string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	at, number, ok := strings.Cut(string(raw), "\x00")
	if err != nil || !ok {
		return c, ErrCursor
	}
	if _, err := database.ReadStamp(at); err != nil {
		return c, ErrCursor
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return c, ErrCursor
	}
	return cursor{at, n}, nil
}

func (s *Store) openWhere(f OpenFilter) (database.Where, error) {
	w := database.Where{}
	w.Add("NOT hidden")
	w.Add("NOT deleted")
	w.Text("account = ?", f.Account)
	news := database.Where{}
	if f.NewsSince != nil {
		news.Add("changed_at >= ?", *f.NewsSince)
	}
	if f.ExpiresBefore != nil {
		news.Add("(expires_at IS NOT NULL AND expires_at <= ?)", *f.ExpiresBefore)
	}
	either := strings.Join(news.Parts, " OR ")
	switch f.Tier {
	case "active":
		w.Add("status IN " + openWords)
		if either != "" {
			w.Add("("+either+")", news.Args...)
		}
	case "idle":
		w.Add("status IN " + openWords)
		if either != "" {
			w.Add("NOT ("+either+")", news.Args...)
		}
	case "audit":
		w.Add("status NOT IN " + openWords)
		if f.FinalSince != nil {
			w.Add("changed_at >= ?", *f.FinalSince)
		}
	default:
		w.Add("status IN " + openWords)
	}
	answer := s.lastAnswer()
	if f.AnsweredBefore != nil {
		w.Add(answer+" < ?", *f.AnsweredBefore)
	}
	if f.After != "" {
		c, err := readCursor(f.After)
		if err != nil {
			return w, err
		}
		at, err := database.ReadStamp(c.at)
		if err != nil {
			return w, ErrCursor
		}
		w.Add("("+answer+", t.n) > (?, ?)", at, c.n)
	}
	return w, nil
}

// lastAnswer orders rows that were never answered first.
func (s *Store) lastAnswer() string {
	if s.Postgres() {
		return "COALESCE(" + confirmedTime(true) + ", not_found_at, 'epoch')"
	}
	return "COALESCE(" + confirmedTime(false) + ", not_found_at, 0)"
}

// openFrom is what openWhere chooses from.
const openFrom = " FROM transactions t" + confirmationsOf

// OpenRows lists a tier's rows with their signers, those with the oldest answer first, and of those the ones that came
// first. next is "" at the end.
func (s *Store) OpenRows(ctx context.Context, f OpenFilter) (rows []model.Transaction, next string, err error) {
	w, err := s.openWhere(f)
	if err != nil {
		return nil, "", err
	}
	limit := positive(f.Limit, 200)
	err = s.View(ctx, func(q *database.Tx) error {
		numbers, err := numbersOf(q, "SELECT t.n"+openFrom+w.SQL()+" ORDER BY "+s.lastAnswer()+", t.n LIMIT ?",
			append(w.Args, limit+1)...)
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
			next = cursor{database.Stamp(at), numbers[limit-1]}.String()
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
	err = s.View(ctx, func(q *database.Tx) error {
		return q.QueryRow("SELECT COUNT(*)"+openFrom+w.SQL(), w.Args...).Scan(&n)
	})
	return n, err
}

// Span says how much of a list by creation time must be walked to see a tier's rows.
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
	err = s.View(ctx, func(q *database.Tx) error {
		err := q.QueryRow("SELECT COUNT(*), MIN(created_at)"+openFrom+w.SQL(), w.Args...).Scan(&out.Rows,
			database.When(&out.Oldest))
		if err != nil || out.Oldest == nil {
			return err
		}
		all := database.Where{}
		all.Text("account = ?", f.Account)
		all.Add("created_at >= ?", *out.Oldest)
		return q.QueryRow("SELECT COUNT(*) FROM transactions"+all.SQL(), all.Args...).Scan(&out.Created)
	})
	return out, err
}
