package objects

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// StampLayout is how times stand in JSON: RFC 3339, UTC, milliseconds.
const StampLayout = "2006-01-02T15:04:05.000Z"

// Stamp is a time in JSON; null where there is none.
type Stamp struct{ at *time.Time }

// At is a time as it stands in JSON.
func At(t time.Time) Stamp { return Stamp{&t} }

// Maybe is a time that need not be there, as it stands in JSON.
func Maybe(t *time.Time) Stamp { return Stamp{t} }

// Time is the time itself; nil where there is none.
func (s Stamp) Time() *time.Time {
	if s.at == nil || s.at.IsZero() {
		return nil
	}
	return s.at
}

// MarshalJSON writes the time.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if s.Time() == nil {
		return []byte("null"), nil
	}
	return []byte(s.at.UTC().Format(`"` + StampLayout + `"`)), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Stamp) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &s.at) }

// Schema is for huma: how a time is described.
func (s Stamp) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}
