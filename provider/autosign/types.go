package autosign

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"countersign/provider"
)

// longest is how many bytes of an id or a type are one: ids have 25 today.
const longest = provider.MaxRef

// text is a JSON string or number; anything else is none. It never refuses.
type text string

// UnmarshalJSON reads a string or a number.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case json.Unmarshal(raw, &n) == nil:
		*t = text(n)
	default:
		*t = ""
	}
	return nil
}

// plain is the text without NUL, which PostgreSQL cannot hold.
func (t text) plain() string { return strings.ReplaceAll(string(t), "\x00", "") }

// time reads a date; nil where there is none or none that we can read. Every sample has
// milliseconds and Z.
func (t text) time() *time.Time {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, strings.TrimSpace(string(t))); err == nil {
			at = at.UTC()
			return &at
		}
	}
	return nil
}

// truth is a JSON truth value; anything else is no.
type truth bool

// UnmarshalJSON reads a truth value.
func (f *truth) UnmarshalJSON(raw []byte) error {
	*f = string(raw) == "true"
	return nil
}

// place is a JSON number that orders things; anything else is 0.
type place int

// UnmarshalJSON reads a whole number.
func (p *place) UnmarshalJSON(raw []byte) error {
	var n int
	if json.Unmarshal(raw, &n) == nil {
		*p = place(n)
	}
	return nil
}

// plausible says whether s may be an id or a type.
func plausible(s string) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}

// event is a callback's body (dossier: 2c). What data holds depends on the type, and is read by path.
type event struct {
	ID      text `json:"id"`
	Type    text `json:"type"`
	Created text `json:"created"`
	Data    any  `json:"data"`
}

// detail is a transaction as the service shows it (dossier: 3). Recipients and documents stand
// inside template, and so does its name. A recipient's token is not read.
type detail struct {
	ID             text  `json:"id"`
	Status         text  `json:"status"`
	Archived       truth `json:"is_archived"`
	Sealed         truth `json:"is_sealed"`
	ProviderType   text  `json:"provider_type"`
	ProviderID     text  `json:"provider_id"`
	CreatedAt      text  `json:"created_at"`
	UpdatedAt      text  `json:"updated_at"`
	SentAt         text  `json:"sent_at"`
	CompletedAt    text  `json:"completed_at"`
	ExpiresAt      text  `json:"expires_at"`
	ExpiredAt      text  `json:"expired_at"`
	RejectedAt     text  `json:"rejected_at"`
	RejectedReason text  `json:"rejected_reason"`
	RejectedByID   text  `json:"rejected_by_id"`
	Template       struct {
		Name       text        `json:"name"`
		UpdatedAt  text        `json:"updated_at"`
		Recipients []recipient `json:"recipients"`
		Documents  []document  `json:"documents"`
	} `json:"template"`
}

type recipient struct {
	ID          text  `json:"id"`
	Name        text  `json:"name"`
	Email       text  `json:"email"`
	Role        text  `json:"role"`
	Index       place `json:"index"`
	SubmittedAt text  `json:"submitted_at"`
	UpdatedAt   text  `json:"updated_at"`
}

type document struct {
	ID    text  `json:"id"`
	Index place `json:"index"`
	File  struct {
		OriginalName text `json:"original_name"`
	} `json:"file"`
}

// paging is the `meta` of a list.
type paging struct {
	Last *bool `json:"is_last_page"`
	Next *int  `json:"next_page"`
}

// after is the page behind this one; 0 where there is none, or where the list does not tell.
func (p *paging) after(page int) int {
	if p == nil || p.Last != nil && *p.Last || p.Next == nil || *p.Next <= page {
		return 0
	}
	return *p.Next
}

// decoded reads JSON whose shape is not known. Numbers stay as they were written.
func decoded(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// in is what stands at a path such as template.sealed_documents; nil where nothing does.
func in(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[key]
	}
	return v
}

// list is what stands at a path, where that is a list.
func list(v any, path string) []any {
	items, _ := in(v, path).([]any) //nolint:errcheck // what is no list has no items
	return items
}
