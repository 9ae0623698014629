package pdf

import (
	"strconv"
	"strings"
	"time"
)

// date reads a date as PDFs write it, D:YYYYMMDDHHmmSSOHH'mm', of which all after the year may be missing; nil where it
// is none.
func date(s string) *time.Time {
	s = strings.TrimPrefix(strings.TrimSpace(s), "D:")
	digits := 0
	for digits < len(s) && digits < 14 && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	const full = "00000101000000"
	if digits < 4 || digits%2 == 1 {
		return nil
	}
	at, err := time.Parse("20060102150405", s[:digits]+full[digits:])
	if err != nil {
		return nil
	}
	zone := s[digits:]
	if zone == "" || zone[0] == 'Z' || zone[0] != '+' && zone[0] != '-' {
		return &at
	}
	parts := strings.FieldsFunc(zone[1:], func(r rune) bool { return r == '\'' || r == ':' })
	var away time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute} {
		if i < len(parts) {
			if n, err := strconv.Atoi(parts[i]); err == nil && n >= 0 && n < 60 {
				away += time.Duration(n) * unit
			}
		}
	}
	if zone[0] == '+' {
		away = -away
	}
	at = at.Add(away)
	return &at
}
