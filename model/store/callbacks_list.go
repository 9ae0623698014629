package store

import (
	"context"
	"database/sql"
	"fmt"
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
}

// Callbacks lists callbacks without their headers and bodies, the newest first.
func (s *Store) Callbacks(ctx context.Context, f CallbackFilter) (out []model.Callback, next string, err error) {
	w := database.Where{}
	w.Text("verdict = ?", string(f.Verdict))
	w.Text("outcome = ?", string(f.Outcome))
	w.Text("type = ?", f.Type)
	if f.Since != nil {
		from, err := s.firstCallback(ctx, *f.Since)
		if err != nil {
			return nil, "", err
		}
		w.Add("n >= ?", from)
		w.Add("at >= ?", *f.Since)
	}
	if f.Cursor != "" {
		n, err := callbackNumber(f.Cursor)
		if err != nil {
			return nil, "", ErrCursor
		}
		w.Add("n < ?", n)
	}
	limit := positive(f.Limit, 50)
	var query string
	var args []any
	if f.Account != "" && f.Ref != "" {
		query, args = callbacksOf(callbackColumns, model.Key{Account: f.Account, Ref: f.Ref}, w, "n DESC LIMIT ?")
	} else {
		w.Text("account = ?", f.Account)
		w.Text("ref = ?", f.Ref)
		query, args = "SELECT "+callbackColumns+" FROM callbacks"+w.SQL()+" ORDER BY n DESC LIMIT ?", w.Args
	}
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			c, _, err := scanCallback(r, false)
			out = append(out, c)
			return err
		}, query, append(args, limit+1)...)
	})
	if len(out) > limit {
		out = out[:limit]
		next = out[limit-1].ID
	}
	return out, next, err
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
