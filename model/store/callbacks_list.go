package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// callbacksOf is a query for the callbacks of one row: those that came while it was there, and those
// that named it when it was not.
func callbacksOf(columns string, k model.Key, w database.Where, order string) (query string, args []any) {
	mine, loose := w, w
	mine.Parts = append([]string{"txn = (SELECT t.n FROM transactions t WHERE t.account = ? AND t.ref = ?)"}, w.Parts...)
	loose.Parts = append([]string{"txn IS NULL AND account = ? AND ref = ?"}, w.Parts...)
	args = append([]any{k.Account, k.Ref}, w.Args...)
	return "SELECT " + columns + " FROM callbacks" + mine.SQL() + " UNION ALL SELECT " + columns + " FROM callbacks" +
			loose.SQL() + " ORDER BY " + order,
		append(args, args...)
}

// CallbackFilter chooses callbacks. The zero value is all, the newest first.
type CallbackFilter struct {
	Account, Ref string
	Verdict      model.Verdict
	Outcome      model.Outcome
	Type         string
	Since        *time.Time
	Limit        int // 50 if zero
	Cursor       string
	Soon         bool // as in PageFilter
}

// Callbacks lists callbacks without their headers and bodies, the newest first.
func (s *Store) Callbacks(ctx context.Context, f CallbackFilter) (out []model.Callback, next string, err error) {
	w := f.where()
	var from, below int64 = 0, math.MaxInt64
	if f.Since != nil {
		if from, err = s.firstCallback(ctx, *f.Since); err != nil {
			return nil, "", err
		}
		w.Add("at >= ?", *f.Since)
	}
	if f.Cursor != "" {
		if below, err = callbackNumber(f.Cursor); err != nil {
			return nil, "", ErrCursor
		}
	}
	limit := positive(f.Limit, 50)
	err = s.View(ctx, func(q *database.Tx) error {
		read := func(from, below int64) error {
			query, args := f.query(w, from, below)
			return q.Each(func(r *sql.Rows) error {
				c, _, err := scanCallback(r, false)
				out = append(out, c)
				return err
			}, query, append(args, limit+1-len(out))...)
		}
		if !f.Soon || f.indexed() {
			return read(from, below)
		}
		var top int64
		if err := q.QueryRow(`SELECT COALESCE(MAX(n), 0) + 1 FROM callbacks`).Scan(&top); err != nil {
			return err
		}
		next, err = s.lookThrough(from, min(below, top), func(from, below int64) (full bool, err error) {
			err = read(from, below)
			return len(out) > limit, err
		})
		return err
	})
	if len(out) > limit {
		out = out[:limit]
		next = out[limit-1].ID
	}
	return out, next, err
}

// lookThrough reads callbacks from number below down to from, a part at a time, until a page is full or has taken as long
// as it may; next is where it goes on then.
func (s *Store) lookThrough(from, below int64, read func(from, below int64) (full bool, err error)) (next string, err error) {
	ends := s.clock().Add(looksFor)
	for step := int64(looksAtFirst); below > from; step = min(2*step, looksAtMost) {
		low := max(from, below-step)
		full, err := read(low, below)
		if err != nil || full {
			return "", err
		}
		if below = low; below > from && !s.clock().Before(ends) {
			return callbackID(below), nil
		}
	}
	return "", nil
}

// where is the filter without its time, its cursor, and whose callbacks they are.
func (f CallbackFilter) where() database.Where {
	w := database.Where{}
	if w.Text("verdict = ?", string(f.Verdict)); f.Verdict == model.Refused || f.Verdict == model.NotUnderstood {
		w.Add(oddVerdict)
	}
	w.Text("outcome = ?", string(f.Outcome))
	w.Text("type = ?", f.Type)
	return w
}

// oddVerdict names the index of callbacks that were not taken.
const oddVerdict = "verdict IN ('refused', 'not_understood')"

// indexed says whether an index gives what the filter chooses, in order, or the table does.
func (f CallbackFilter) indexed() bool {
	if f.Ref != "" && f.Account != "" {
		return true
	}
	odd := f.Verdict == "" || f.Verdict == model.Refused || f.Verdict == model.NotUnderstood
	return odd && f.Account == "" && f.Ref == "" && f.Outcome == "" && f.Type == ""
}

// query is the one for those with numbers from from on and below another.
func (f CallbackFilter) query(w database.Where, from, below int64) (query string, args []any) {
	w = database.Where{Parts: slices.Clone(w.Parts), Args: slices.Clone(w.Args)}
	w.Add("n >= ?", from)
	w.Add("n < ?", below)
	if f.Account != "" && f.Ref != "" {
		return callbacksOf(callbackColumns, model.Key{Account: f.Account, Ref: f.Ref}, w, "n DESC LIMIT ?")
	}
	w.Text("account = ?", f.Account)
	w.Text("ref = ?", f.Ref)
	return "SELECT " + callbackColumns + " FROM callbacks" + w.SQL() + " ORDER BY n DESC LIMIT ?", w.Args
}

// DedupeOwner returns the callback that has a dedupe key, and its verdict; ErrNoRow where none has.
func (s *Store) DedupeOwner(ctx context.Context, k DedupeKey) (id string, verdict model.Verdict, err error) {
	w := database.Where{}
	w.Add("dedupe_key = ?", HexAtRest(s.Postgres(), k.Key))
	query, args := callbacksOf("n, verdict", model.Key{Account: k.Account, Ref: k.Ref}, w, "n")
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var n int64
			err := r.Scan(&n, &verdict)
			id = callbackID(n)
			return err
		}, query, args...)
	})
	if err == nil && id == "" {
		err = fmt.Errorf("dedupe key: %w", ErrNoRow)
	}
	return id, verdict, err
}

const callbackColumns = "n, account, ref, dedupe_key, type, event_id, verdict, outcome, note, at, remote_addr, body_hash, sealed, unproved"

// Callback returns one callback with its body; ErrNoRow if there is none.
func (s *Store) Callback(ctx context.Context, id string) (c model.Callback, err error) {
	n, err := callbackNumber(id)
	if err != nil {
		return c, err
	}
	found := false
	var packed []byte
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) (err error) {
			found = true
			c, packed, err = scanCallback(r, true)
			return err
		}, "SELECT "+callbackColumns+", body FROM callbacks WHERE n = ?", n)
	})
	if err == nil && !found {
		err = fmt.Errorf("callback %s: %w", id, ErrNoRow)
	}
	if err == nil {
		c.Headers, c.Body, err = s.unpack(packed, c.Account)
	}
	return c, err
}

// unpack is the reverse of Pack.
func (s *Store) unpack(packed []byte, account string) (headers map[string]string, body []byte, err error) {
	all, err := s.unpacked(packed, "callback "+account)
	if err != nil {
		return nil, nil, err
	}
	return contentOf(all)
}

func scanCallback(r *sql.Rows, body bool) (c model.Callback, packed []byte, err error) {
	var n int64
	to := []any{&n, &c.Account, &c.Ref, RestedHex{&c.DedupeKey}, &c.Type, &c.EventID, &c.Verdict, &c.Outcome, &c.Note, database.Moment(&c.At), &c.RemoteAddr, RestedHex{&c.BodyHash}, &c.Sealed, &c.Unproved}
	if body {
		to = append(to, &packed)
	}
	if err = r.Scan(to...); err != nil {
		return c, nil, err
	}
	c.ID = callbackID(n)
	return c, packed, nil
}
