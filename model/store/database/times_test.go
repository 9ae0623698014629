package database

import (
	"testing"
	"time"
)

func TestStampsAreReadBack(t *testing.T) {
	for _, x := range []time.Time{noon, time.Unix(0, 0), noon.Add(987 * time.Millisecond), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		same(t, "stamp", Stamp(x), x.UTC().Format(stampLayout))
		got, err := ReadStamp(Stamp(x))
		check(t, err)
		same(t, "read", got, x.UTC())
	}
	for _, text := range []string{"", "x", "2026-01-31 12:00:00"} {
		if _, err := ReadStamp(text); err == nil {
			t.Errorf("%q was read as a time", text)
		}
	}
}
