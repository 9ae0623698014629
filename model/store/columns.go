package store

import (
	"encoding/json"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// row is one transaction as stored: the model's fields, and those that only the store uses.
type row struct {
	model.Transaction
	n          int64 // its number
	signerRows int
	leased     bool // lease_until is set
}

// column is one column of table transactions: how it is written, compared and scanned.
type column struct {
	name   string
	time   bool
	of     func(*row) any           // the value to write
	to     func(*row) any           // the scan destination
	differ func(was, now *row) bool // in the database's precision; it makes no values
}

// plain is a column that is a field.
func plain[T string | int | int64 | bool](name string, field func(*row) *T) column {
	return column{
		name: name, of: func(r *row) any { return *field(r) }, to: func(r *row) any { return field(r) },
		differ: func(was, now *row) bool { return *field(was) != *field(now) },
	}
}

// word is a column of one of the model's kinds of text.
func word[T ~string](name string, field func(*row) *T) column {
	return column{
		name: name, of: func(r *row) any { return string(*field(r)) }, to: func(r *row) any { return field(r) },
		differ: func(was, now *row) bool { return *field(was) != *field(now) },
	}
}

// moment is a time that may be missing.
func moment(name string, field func(*row) **time.Time) column {
	return column{
		name: name, time: true, of: func(r *row) any { return *field(r) },
		to:     func(r *row) any { return database.When(field(r)) },
		differ: func(was, now *row) bool { return !sameTime(*field(was), *field(now)) },
	}
}

// always is a time that is always there.
func always(name string, field func(*row) *time.Time) column {
	return column{
		name: name, time: true, of: func(r *row) any { return *field(r) },
		to:     func(r *row) any { return database.Moment(field(r)) },
		differ: func(was, now *row) bool { return !sameTime(field(was), field(now)) },
	}
}

// derived is a column that is known from others.
func derived(name string, of func(*row) any) column {
	return column{
		name: name, of: of, to: func(*row) any { return passed{} },
		differ: func(was, now *row) bool { return of(was) != of(now) },
	}
}

// lease is ended by whoever writes the row: see shapes.changed.
func lease() column {
	return column{
		name: "lease_until", time: true, of: func(*row) any { return nil },
		to: func(r *row) any { return isSet{&r.leased} }, differ: func(*row, *row) bool { return false },
	}
}

func attention() column {
	return column{
		name: "attention", of: func(r *row) any { return attentionText(r.Attention) },
		to: func(r *row) any { return attentionList{&r.Attention} },
		differ: func(was, now *row) bool {
			return len(was.Attention)+len(now.Attention) > 0 && attentionText(was.Attention) != attentionText(now.Attention)
		},
	}
}

// The columns come in three groups, by what changes them: an answer that merely confirms writes
// touched, a claim or an answer that moves the row writes moved too, new facts write all.
var (
	keyColumns = []column{
		plain("n", func(r *row) *int64 { return &r.n }),
		plain("account", func(r *row) *string { return &r.Account }),
		plain("ref", func(r *row) *string { return &r.Ref }),
	}
	touched = []column{
		moment("confirmed_at", func(r *row) **time.Time { return &r.ConfirmedAt }),
		moment("asked_at", func(r *row) **time.Time { return &r.AskedAt }),
		moment("next_check_at", func(r *row) **time.Time { return &r.NextCheckAt }),
		derived("due_rank", func(r *row) any { return dueRank(&r.Transaction) }),
		word("due_reason", func(r *row) *model.DueReason { return &r.DueReason }),
		moment("due_since", func(r *row) **time.Time { return &r.DueSince }),
		plain("recheck", func(r *row) *int { return &r.Recheck }),
		plain("lost_answers", func(r *row) *int { return &r.LostAnswers }),
		lease(),
		derived("rest", func(r *row) any { return int64(r.Rest()) }),
	}
	moved = []column{
		word("status", func(r *row) *model.Status { return &r.Status }),
		plain("provider_status", func(r *row) *string { return &r.ProviderStatus }),
		plain("confirmed", func(r *row) *bool { return &r.Confirmed }),
		word("reported_status", func(r *row) *model.Status { return &r.ReportedStatus }),
		plain("reason", func(r *row) *string { return &r.Reason }),
		plain("archived", func(r *row) *bool { return &r.Archived }),
		plain("trashed", func(r *row) *bool { return &r.Trashed }),
		plain("deleted", func(r *row) *bool { return &r.Deleted }),
		plain("not_found", func(r *row) *bool { return &r.NotFound }),
		attention(),
		plain("signers_done", func(r *row) *int { return &r.SignersDone }),
		plain("signers_total", func(r *row) *int { return &r.SignersAll }),
		moment("provider_time", func(r *row) **time.Time { return &r.ProviderTime }),
		always("changed_at", func(r *row) *time.Time { return &r.ChangedAt }),
		plain("hidden", func(r *row) *bool { return &r.Hidden }),
		plain("version", func(r *row) *int64 { return &r.Version }),
		plain("seq", func(r *row) *int64 { return &r.Seq }),
		moment("hinted_at", func(r *row) **time.Time { return &r.HintedAt }),
		plain("not_found_count", func(r *row) *int { return &r.NotFoundCount }),
		moment("not_found_at", func(r *row) **time.Time { return &r.NotFoundAt }),
		moment("delete_at", func(r *row) **time.Time { return &r.DeleteAt }),
		word("refuted_as", func(r *row) *model.Status { return &r.RefutedAs }),
		moment("refuted_at", func(r *row) **time.Time { return &r.RefutedAt }),
		plain("fingerprint", func(r *row) *string { return &r.Fingerprint }),
		plain("open_gaps", func(r *row) *int { return &r.OpenGaps }),
		plain("documents_total", func(r *row) *int { return &r.DocsTotal }),
		plain("documents_stored", func(r *row) *int { return &r.DocsStored }),
		plain("signer_rows", func(r *row) *int { return &r.signerRows }),
	}
	facts = []column{
		plain("provider", func(r *row) *string { return &r.Provider }),
		plain("external_id", func(r *row) *string { return &r.ExternalID }),
		plain("name", func(r *row) *string { return &r.Name }),
		plain("test", func(r *row) *bool { return &r.Test }),
		plain("metadata", func(r *row) *string { return &r.Metadata }),
		moment("sent_at", func(r *row) **time.Time { return &r.SentAt }),
		moment("created_at", func(r *row) **time.Time { return &r.CreatedAt }),
		moment("expires_at", func(r *row) **time.Time { return &r.ExpiresAt }),
		always("first_seen_at", func(r *row) *time.Time { return &r.FirstSeenAt }),
		word("origin", func(r *row) *model.Origin { return &r.Origin }),
		plain("tracked_by", func(r *row) *string { return &r.TrackedBy }),
		moment("tracked_at", func(r *row) **time.Time { return &r.TrackedAt }),
		plain("provider_mark", func(r *row) *string { return &r.ProviderMark }),
	}
)

// isSet scans whether a column is not NULL.
type isSet struct{ to *bool }

// Scan is called by database/sql.
func (s isSet) Scan(v any) error {
	*s.to = v != nil
	return nil
}

// passed scans what is known from other columns.
type passed struct{}

// Scan is called by database/sql.
func (passed) Scan(any) error { return nil }

// attentionList scans the JSON of Transaction.Attention.
type attentionList struct{ to *[]model.Attention }

// Scan is called by database/sql.
func (a attentionList) Scan(v any) error {
	*a.to = nil
	var text string
	switch x := v.(type) {
	case string:
		text = x
	case []byte:
		text = string(x)
	}
	if text == "" || text == noAttention || text == "null" {
		return nil
	}
	return json.Unmarshal([]byte(text), a.to)
}

const noAttention = "[]"

func attentionText(list []model.Attention) string {
	if len(list) == 0 {
		return noAttention
	}
	text, err := json.Marshal(list)
	if err != nil {
		return noAttention // strings and times always marshal
	}
	return string(text)
}

// shape is a set of columns that are written in one statement.
type shape struct {
	columns []column
	upsert  *database.Multi
}

// shapes are the sets of columns: for a new row, and for changes of an existing one, from all columns to the fewest.
type shapes struct{ add, whole, move, touch shape }

func newShapes() *shapes {
	number := keyColumns[:1]
	return &shapes{
		add:   newShape(keyColumns, touched, moved, facts),
		whole: newShape(number, touched, moved, facts),
		move:  newShape(number, touched, moved),
		touch: newShape(number, touched),
	}
}

// newShape makes the statement for a new row, if the keys are whole, or else for old ones, which
// are found by their number.
func newShape(keys []column, groups ...[]column) shape {
	s := shape{columns: append([]column(nil), keys...)}
	for _, g := range groups {
		s.columns = append(s.columns, g...)
	}
	var names, sets []string
	for i, c := range s.columns {
		names = append(names, c.name)
		if i > 0 {
			sets = append(sets, c.name+" = excluded."+c.name)
		}
	}
	after := ""
	if len(keys) == 1 {
		after = " ON CONFLICT (n) DO UPDATE SET " + strings.Join(sets, ", ")
	}
	s.upsert = database.NewMulti("INSERT INTO transactions ("+strings.Join(names, ", ")+") VALUES ", len(names), after)
	return s
}

func (s *shape) values(args []any, r *row) []any {
	for _, c := range s.columns {
		args = append(args, c.of(r))
	}
	return args
}

// selection is the column list to read rows t with, beside their confirmations. SQLite's times are read as plain text, past the
// driver's slow guessing of their form.
func (s *shapes) selection(pg bool) string {
	var b strings.Builder
	for i, c := range s.add.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case c.name == "confirmed_at":
			b.WriteString(confirmedTime(pg))
		case c.name == "asked_at":
			b.WriteString(askedTime(pg))
		case c.time && !pg:
			b.WriteString("+t." + c.name)
		default:
			b.WriteString("t." + c.name)
		}
	}
	return b.String()
}

// destinations are where a row of selection is scanned to.
func (s *shapes) destinations(r *row) []any {
	out := make([]any, len(s.add.columns))
	for i, c := range s.add.columns {
		out[i] = c.to(r)
	}
	return out
}

// changed returns the smallest shape that covers every column that differs, or nil if none does.
func (s *shapes) changed(was, now *row) *shape {
	switch {
	case differ(facts, was, now):
		return &s.whole
	case differ(moved, was, now):
		return &s.move
	case was.leased || differ(touched, was, now):
		return &s.touch
	}
	return nil
}

func differ(columns []column, was, now *row) bool {
	for i := range columns {
		if columns[i].differ(was, now) {
			return true
		}
	}
	return false
}

// sameTime compares times with the database's precision, to the millisecond.
func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.UnixMilli() == b.UnixMilli()
}
