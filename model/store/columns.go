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

// column is one column of table transactions: how it is written and where it is scanned to.
type column struct {
	name string
	time bool
	of   func(*row) any // the value to write
	to   func(*row) any // the scan destination
}

// The columns come in three groups, by what changes them: an answer that merely confirms writes
// touched, a claim or an answer that moves the row writes moved too, new facts write all.
var (
	keyColumns = []column{
		{"n", false, func(r *row) any { return r.n }, func(r *row) any { return &r.n }},
		{"account", false, func(r *row) any { return r.Account }, func(r *row) any { return &r.Account }},
		{"ref", false, func(r *row) any { return r.Ref }, func(r *row) any { return &r.Ref }},
	}
	touched = []column{
		{"confirmed_at", true, func(r *row) any { return r.ConfirmedAt },
			func(r *row) any { return database.When(&r.ConfirmedAt) }},
		{"asked_at", true, func(r *row) any { return r.AskedAt }, func(r *row) any { return database.When(&r.AskedAt) }},
		{"next_check_at", true, func(r *row) any { return r.NextCheckAt },
			func(r *row) any { return database.When(&r.NextCheckAt) }},
		{"due_rank", false, func(r *row) any { return dueRank(&r.Transaction) }, func(*row) any { return passed{} }},
		{"due_reason", false, func(r *row) any { return string(r.DueReason) }, func(r *row) any { return &r.DueReason }},
		{"due_since", true, func(r *row) any { return r.DueSince }, func(r *row) any { return database.When(&r.DueSince) }},
		{"recheck", false, func(r *row) any { return r.Recheck }, func(r *row) any { return &r.Recheck }},
		{"lost_answers", false, func(r *row) any { return r.LostAnswers }, func(r *row) any { return &r.LostAnswers }},
		{"lease_until", true, func(*row) any { return nil }, func(r *row) any { return isSet{&r.leased} }},
		{"rest", false, func(r *row) any { return int64(r.Rest()) }, func(*row) any { return passed{} }},
	}
	moved = []column{
		{"status", false, func(r *row) any { return string(r.Status) }, func(r *row) any { return &r.Status }},
		{"provider_status", false, func(r *row) any { return r.ProviderStatus },
			func(r *row) any { return &r.ProviderStatus }},
		{"confirmed", false, func(r *row) any { return r.Confirmed }, func(r *row) any { return &r.Confirmed }},
		{"reported_status", false, func(r *row) any { return string(r.ReportedStatus) },
			func(r *row) any { return &r.ReportedStatus }},
		{"reason", false, func(r *row) any { return r.Reason }, func(r *row) any { return &r.Reason }},
		{"archived", false, func(r *row) any { return r.Archived }, func(r *row) any { return &r.Archived }},
		{"trashed", false, func(r *row) any { return r.Trashed }, func(r *row) any { return &r.Trashed }},
		{"deleted", false, func(r *row) any { return r.Deleted }, func(r *row) any { return &r.Deleted }},
		{"not_found", false, func(r *row) any { return r.NotFound }, func(r *row) any { return &r.NotFound }},
		{"attention", false, func(r *row) any { return attentionText(r.Attention) },
			func(r *row) any { return attentionList{&r.Attention} }},
		{"signers_done", false, func(r *row) any { return r.SignersDone }, func(r *row) any { return &r.SignersDone }},
		{"signers_total", false, func(r *row) any { return r.SignersAll }, func(r *row) any { return &r.SignersAll }},
		{"provider_time", true, func(r *row) any { return r.ProviderTime },
			func(r *row) any { return database.When(&r.ProviderTime) }},
		{"changed_at", true, func(r *row) any { return r.ChangedAt },
			func(r *row) any { return database.Moment(&r.ChangedAt) }},
		{"hidden", false, func(r *row) any { return r.Hidden }, func(r *row) any { return &r.Hidden }},
		{"version", false, func(r *row) any { return r.Version }, func(r *row) any { return &r.Version }},
		{"seq", false, func(r *row) any { return r.Seq }, func(r *row) any { return &r.Seq }},
		{"hinted_at", true, func(r *row) any { return r.HintedAt }, func(r *row) any { return database.When(&r.HintedAt) }},
		{"not_found_count", false, func(r *row) any { return r.NotFoundCount }, func(r *row) any { return &r.NotFoundCount }},
		{"not_found_at", true, func(r *row) any { return r.NotFoundAt },
			func(r *row) any { return database.When(&r.NotFoundAt) }},
		{"delete_at", true, func(r *row) any { return r.DeleteAt }, func(r *row) any { return database.When(&r.DeleteAt) }},
		{"refuted_as", false, func(r *row) any { return string(r.RefutedAs) }, func(r *row) any { return &r.RefutedAs }},
		{"refuted_at", true, func(r *row) any { return r.RefutedAt },
			func(r *row) any { return database.When(&r.RefutedAt) }},
		{"fingerprint", false, func(r *row) any { return r.Fingerprint }, func(r *row) any { return &r.Fingerprint }},
		{"open_gaps", false, func(r *row) any { return r.OpenGaps }, func(r *row) any { return &r.OpenGaps }},
		{"documents_total", false, func(r *row) any { return r.DocsTotal }, func(r *row) any { return &r.DocsTotal }},
		{"documents_stored", false, func(r *row) any { return r.DocsStored }, func(r *row) any { return &r.DocsStored }},
		{"signer_rows", false, func(r *row) any { return r.signerRows }, func(r *row) any { return &r.signerRows }},
	}
	facts = []column{
		{"provider", false, func(r *row) any { return r.Provider }, func(r *row) any { return &r.Provider }},
		{"external_id", false, func(r *row) any { return r.ExternalID }, func(r *row) any { return &r.ExternalID }},
		{"name", false, func(r *row) any { return r.Name }, func(r *row) any { return &r.Name }},
		{"test", false, func(r *row) any { return r.Test }, func(r *row) any { return &r.Test }},
		{"metadata", false, func(r *row) any { return r.Metadata }, func(r *row) any { return &r.Metadata }},
		{"sent_at", true, func(r *row) any { return r.SentAt }, func(r *row) any { return database.When(&r.SentAt) }},
		{"created_at", true, func(r *row) any { return r.CreatedAt },
			func(r *row) any { return database.When(&r.CreatedAt) }},
		{"expires_at", true, func(r *row) any { return r.ExpiresAt },
			func(r *row) any { return database.When(&r.ExpiresAt) }},
		{"first_seen_at", true, func(r *row) any { return r.FirstSeenAt },
			func(r *row) any { return database.Moment(&r.FirstSeenAt) }},
		{"origin", false, func(r *row) any { return string(r.Origin) }, func(r *row) any { return &r.Origin }},
		{"tracked_by", false, func(r *row) any { return r.TrackedBy }, func(r *row) any { return &r.TrackedBy }},
		{"tracked_at", true, func(r *row) any { return r.TrackedAt },
			func(r *row) any { return database.When(&r.TrackedAt) }},
		{"provider_mark", false, func(r *row) any { return r.ProviderMark }, func(r *row) any { return &r.ProviderMark }},
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

func differ(columns []column, a, b *row) bool {
	for _, c := range columns {
		x, y := c.of(a), c.of(b)
		switch t := x.(type) {
		case *time.Time:
			if !sameTime(t, y.(*time.Time)) {
				return true
			}
		case time.Time:
			if t.UnixMilli() != y.(time.Time).UnixMilli() {
				return true
			}
		default:
			if x != y {
				return true
			}
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
