package sqlitefile

import (
	"fmt"
	"time"
)

// AtRest is t as it rests in SQLite: milliseconds since 1970.
func AtRest(t time.Time) int64 { return t.UnixMilli() }

// ReadAtRest reads what AtRest wrote, and text as the views show it.
func ReadAtRest(v any) (time.Time, error) {
	switch x := v.(type) {
	case int64:
		return time.UnixMilli(x).UTC(), nil
	case string:
		return ReadStamp(x)
	case []byte:
		return ReadStamp(string(x))
	}
	return time.Time{}, fmt.Errorf("a time rests as %T", v)
}

// stampLayout is how the views show times.
const stampLayout = "2006-01-02T15:04:05.000Z"

// Stamp is t as the views show it: text in UTC that sorts as time does.
func Stamp(t time.Time) string {
	var b [24]byte
	t = t.UTC()
	y, m, d := t.Date()
	if y < 0 || y > 9999 {
		return t.Format(stampLayout)
	}
	h, mi, s := t.Clock()
	digits(b[0:4], y)
	digits(b[5:7], int(m))
	digits(b[8:10], d)
	digits(b[11:13], h)
	digits(b[14:16], mi)
	digits(b[17:19], s)
	digits(b[20:23], t.Nanosecond()/1e6)
	b[4], b[7], b[10], b[13], b[16], b[19], b[23] = '-', '-', 'T', ':', ':', '.', 'Z'
	return string(b[:])
}

func digits(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// ReadStamp reads what Stamp wrote, many times faster than time.Parse; other forms go to it.
func ReadStamp(s string) (time.Time, error) {
	if len(s) != len(stampLayout) || s[10] != 'T' || s[23] != 'Z' {
		return time.Parse(time.RFC3339Nano, s)
	}
	n := func(from, to int) int {
		v := 0
		for _, c := range []byte(s[from:to]) {
			v = v*10 + int(c-'0')
		}
		return v
	}
	return time.Date(n(0, 4), time.Month(n(5, 7)), n(8, 10), n(11, 13), n(14, 16), n(17, 19), n(20, 23)*1e6, time.UTC), nil
}
