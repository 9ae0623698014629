package sqlitefile

import (
	"testing"
	"time"
)

func TestStampsAreReadBack(t *testing.T) {
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, x := range []time.Time{
		noon, time.Unix(0, 0), noon.Add(987 * time.Millisecond), noon.In(time.FixedZone("x", 3600)),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		if got := Stamp(x); got != x.UTC().Format(stampLayout) {
			t.Errorf("%v rests as %s", x, got)
		}
		got, err := ReadStamp(Stamp(x))
		if err != nil || got != x.UTC() {
			t.Errorf("%v is read as %v, %v", x, got, err)
		}
	}
	for _, text := range []string{"", "x", "2026-01-31 12:00:00"} {
		if _, err := ReadStamp(text); err == nil {
			t.Errorf("%q was read as a time", text)
		}
	}
}
