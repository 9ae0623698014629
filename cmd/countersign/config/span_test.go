package config

import (
	"testing"
	"time"
)

// monday is the moment that spans are read at.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestParseSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"30d":                       "2026-01-31T09:00:00Z",
		"2w":                        "2026-02-16T09:00:00Z",
		"1w2d12h":                   "2026-02-20T21:00:00Z",
		"720h":                      "2026-01-31T09:00:00Z",
		"90m":                       "2026-03-02T07:30:00Z",
		"1d30m":                     "2026-03-01T08:30:00Z",
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31T12:00:00Z":      "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00+02:00": "2026-01-31T10:00:00Z",
		"2027-01-31":                "2027-01-31T00:00:00Z",
		"":                          "",
		"0d":                        "",
		"-3d":                       "",
		"3":                         "",
		"d":                         "",
		"1d2w":                      "",
		"1.5d":                      "",
		"2d 3h":                     "",
		"yesterday":                 "",
		"2026-02-30":                "",
		"9999999d":                  "",
		"99999999999999999999d":     "",
		"5300w":                     "",
		"36500d1h":                  "",
		"2000000h":                  "",
	} {
		got, err := ParseSpan(text, monday)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q is read as %s", text, got)
		case want != "" && (err != nil || got.Format(time.RFC3339) != want):
			t.Errorf("%q is read as %s, %v; want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
}
