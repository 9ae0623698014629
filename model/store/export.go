package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// exportOf is what one export reads, the condition that a time puts on it, and its order, which an index gives:
// nothing is sorted in memory.
type exportOf struct {
	from, account, since, order string
	where                       database.Where
}

// Exports returns the names that Export takes.
func Exports() []string { return []string{"changes", "documents", "gaps", "signers", "transactions"} }

// ExportFilter chooses rows; the zero value is all.
type ExportFilter struct {
	Accounts []string
	Since    *time.Time // by the time that the transaction changed last, the change was made or the gap was found
	Newest   bool       // transactions are in the order of their list; else the oldest change comes first

	// What the list of the same would show. Their Limit and Cursor do not matter.
	Rows Filter       // of transactions, and of those whose signers are exported
	Page PageFilter   // of documents and gaps
	Feed ChangeFilter // of changes
}

func exportNamed(what string, f ExportFilter, pg bool) (e exportOf, err error) {
	switch what { // what the views show, from where it lies in order
	case "transactions":
		e = exportOf{`SELECT account, provider, ref, external_id, name, status, provider_status, confirmed, reported_status, reason,
archived, trashed, deleted, not_found, test, attention, signers_done, signers_total, documents_stored, documents_total, sent_at,
provider_time, created_at, changed_at, ` + confirmedTime(pg) + ` AS confirmed_at, next_check_at, expires_at, seq FROM transactions t` +
			confirmationsOf, "account", "changed_at >= ?", "changed_at, n", f.Rows.where()}
		if f.Newest && !f.Rows.Oldest {
			e.order = "changed_at DESC, n DESC"
		}
	case "changes":
		e = exportOf{`SELECT seq, account, ref, kind, from_word AS "from", to_word AS "to", status, confirmed, source, at, signer, document
FROM history`, "account", "at >= ?", "seq", f.Feed.where()}
	case "gaps":
		e = exportOf{`SELECT account, ref, kind, change, from_status AS "from", to_status AS "to", after_at AS "after",
before_at AS "before", found_by, found_at, latency_ns / 1e9 AS latency, signer FROM gaps`, "account", "found_at >= ?", "found_at", f.Page.gaps()}
		f.Page.between(&e.where, "found_at")
	case "documents":
		e = exportOf{`SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path,
stored_at, signature_note, signatures, facts FROM documents v`, "account",
			"EXISTS (SELECT 1 FROM transactions t WHERE t.account = v.account AND t.ref = v.ref AND NOT t.hidden AND t.changed_at >= ?)",
			"id", f.Page.documents()}
	case "signers":
		e = exportOf{`SELECT t.account, t.ref, s.signer, s.name, s.email, s.role, s."order", s.status, s.viewed_at, s.signed_at,
s.reason FROM signers s JOIN transactions t ON t.n = s.txn`, "t.account", "NOT t.hidden AND t.changed_at >= ?", "", database.Where{}}
		if w := f.Rows.where(); len(w.Parts) > 1 { // more than that it is not hidden
			e.where.Add("t.n IN (SELECT n FROM transactions t"+w.SQL()+")", w.Args...)
		}
	default:
		return e, fmt.Errorf("export %q: want one of %s", what, strings.Join(Exports(), ", "))
	}
	return e, nil
}

// Export calls row for each row of a v1_ view, as of one moment, whatever is written meanwhile, and holds one of
// them at a time. Values are nil, string, int64, float64, bool, time.Time or json.RawMessage; columns are the view's.
// With a search the rows are chosen before that moment, in the order in which they are found.
func (s *Store) Export(ctx context.Context, what string, f ExportFilter, row func(
	columns []string, values []any,
) error) error {
	found, err := s.foundFor(ctx, what, f)
	if err != nil {
		return err
	}
	f.Rows.Search = ""
	e, err := exportNamed(what, f, s.Postgres())
	if err != nil {
		return err
	}
	e.where.In(e.account, f.Accounts)
	if f.Since != nil {
		e.where.Add(e.since, *f.Since)
	}
	return s.View(ctx, func(q *database.Tx) error {
		if found == nil {
			return e.rows(q, what, row)
		}
		for _, k := range *found {
			one := e
			one.where.Parts = append(slices.Clone(e.where.Parts), "t.account = ? AND t.ref = ?")
			one.where.Args = append(slices.Clone(e.where.Args), k.Account, k.Ref)
			if err := one.rows(q, what, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// foundFor are the transactions that a search finds; nil where none is asked for.
func (s *Store) foundFor(ctx context.Context, what string, f ExportFilter) (*[]model.Key, error) {
	if f.Rows.Search == "" || what != "transactions" && what != "signers" {
		return nil, nil
	}
	f.Rows.Oldest = !f.Newest || f.Rows.Oldest
	keys, err := s.Keys(ctx, f.Rows, math.MaxInt)
	return &keys, err
}

// rows calls row for each row of the export.
func (e exportOf) rows(q *database.Tx, what string, row func([]string, []any) error) error {
	query := e.from + e.where.SQL()
	if e.order != "" {
		query += " ORDER BY " + e.order
	}
	rows, err := q.Query(query, e.where.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		to[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		for i, c := range columns {
			if values[i], err = exported(c, values[i]); err != nil {
				return fmt.Errorf("%s.%s: %w", what, c, err)
			}
		}
		if err := row(columns, values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// exported makes one value of what the two drivers return for a column.
func exported(column string, v any) (any, error) {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	text, isText := v.(string)
	switch column {
	case "confirmed", "archived", "trashed", "deleted", "not_found", "test":
		if n, ok := v.(int64); ok {
			return n != 0, nil
		}
	case "attention", "signatures", "facts":
		if isText && json.Valid([]byte(text)) {
			return json.RawMessage(text), nil
		}
	case "at", "after", "before":
		if isText {
			return database.ReadStamp(text)
		}
	case "latency":
		if isText { // PostgreSQL's numeric
			return json.Number(text), nil
		}
	default:
		if isText && strings.HasSuffix(column, "_at") {
			return database.ReadStamp(text)
		}
		if n, ok := v.(int64); ok && strings.HasSuffix(column, "_at") { // computed, so that it has lost its type
			return time.UnixMilli(n).UTC(), nil
		}
	}
	switch x := v.(type) {
	case time.Time:
		return x.UTC(), nil
	case int32:
		return int64(x), nil
	}
	return v, nil
}

// Columns names the columns of what Export writes.
func (s *Store) Columns(ctx context.Context, what string) (columns []string, err error) {
	e, err := exportNamed(what, ExportFilter{}, s.Postgres())
	if err != nil {
		return nil, err
	}
	err = s.View(ctx, func(q *database.Tx) error {
		rows, err := q.Query(e.from + " LIMIT 0")
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err = rows.Columns()
		return errors.Join(err, rows.Err())
	})
	return columns, err
}
