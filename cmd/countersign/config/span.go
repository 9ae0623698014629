package config

import (
	"fmt"
	"time"

	"countersign/cmd/countersign/config/tree"
)

// Span is a moment given as a SPAN: 30d, 2w or 720h before now, a date (UTC), or an RFC 3339 time.
// It is a pflag.Value.
type Span struct {
	Now    func() time.Time
	Future bool // what is still to come is a moment too
	At     *time.Time
	Raw    string
}

// Set parses s.
func (v *Span) Set(s string) error {
	at, err := ParseSpan(s, v.Now())
	if err != nil {
		return err
	}
	if now := v.Now().UTC(); at.After(now) && !v.Future {
		return fmt.Errorf("%q is still to come: it is %s UTC", s, now.Format(time.DateTime))
	}
	v.At, v.Raw = &at, s
	return nil
}

// String is the span as it was given.
func (v *Span) String() string { return v.Raw }

// Type is what the help calls it.
func (v *Span) Type() string { return "SPAN" }

// ParseSpan says which moment s means, seen from now.
func ParseSpan(s string, now time.Time) (time.Time, error) {
	if d, err := tree.ParseDuration(s); err == nil {
		if d == 0 {
			return time.Time{}, fmt.Errorf("%q is no time at all", s)
		}
		return now.Add(-d).UTC(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a span such as 30d, 2w, 720h, 2026-01-31 or 2026-01-31T12:00:00Z", s)
}
