// Package lenient reads JSON that bears what services write: null, a number or an object where a text is due, a byte
// order mark in front, one odd record among good ones. What cannot be read is left empty or set aside; nothing else is
// lost because of it.
package lenient

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrUTF16 is the error about text in UTF-16, which is no JSON.
var ErrUTF16 = errors.New("the text is in UTF-16, JSON is in UTF-8")

const mark = "\xef\xbb\xbf"

// Bare returns JSON without the byte order marks and the white space in front of it. Text in UTF-16 is ErrUTF16.
func Bare(raw []byte) ([]byte, error) {
	for {
		rest := bytes.TrimPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte(mark))
		if len(rest) == len(raw) {
			break
		}
		raw = rest
	}
	if len(raw) >= 2 && (raw[0] == 0xfe && raw[1] == 0xff || raw[0] == 0xff && raw[1] == 0xfe || raw[0] == 0 ||
		raw[1] == 0) {
		return nil, ErrUTF16
	}
	return raw, nil
}

// Unmarshal is json.Unmarshal of what Bare returns. A member of an object that has another kind than v expects is left
// out; anything but an object where v expects one is an error.
func Unmarshal(raw []byte, v any) error {
	raw, err := Bare(raw)
	if err != nil {
		return err
	}
	err = json.Unmarshal(raw, v)
	if other := (*json.UnmarshalTypeError)(nil); errors.As(err, &other) && other.Field != "" && raw[0] == '{' {
		return nil
	}
	return err
}

// Text is a JSON string that bears a number, as it was written. Anything else is "".
type Text string

// UnmarshalJSON never refuses.
func (t *Text) UnmarshalJSON(raw []byte) error {
	if plain(raw) {
		*t = Text(raw[1 : len(raw)-1])
		return nil
	}
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
	case json.Unmarshal(raw, &n) == nil:
		s = n.String()
	}
	*t = Text(s)
	return nil
}

// plain says whether raw is a text that is written as it is: in ASCII, without an escape.
func plain(raw []byte) bool {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return false
	}
	for _, c := range raw[1 : len(raw)-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Plain is the text without NUL, which PostgreSQL cannot store.
func (t Text) Plain() string { return strings.ReplaceAll(string(t), "\x00", "") }

// Time reads a date of ISO 8601: fractions are optional, a zone that is missing is UTC. Nil where the text is none.
func (t Text) Time() *time.Time {
	s := strings.TrimSpace(string(t))
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02",
	} {
		if at, err := time.Parse(layout, s); err == nil {
			return storable(at)
		}
	}
	return nil
}

// Seconds reads Unix seconds; nil where there are none, as 0 and null say too.
func (t Text) Seconds() *time.Time { return t.unix(func(n int64) time.Time { return time.Unix(n, 0) }) }

// Millis reads Unix milliseconds; nil where there are none, as 0 and null say too.
func (t Text) Millis() *time.Time { return t.unix(time.UnixMilli) }

// In reads how many units a time lasts, bounded by ten years; 0 where that is nothing, or none that we can read.
func (t Text) In(unit time.Duration) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	n, err := strconv.ParseFloat(strings.TrimSpace(string(t)), 64)
	if err != nil || !(n > 0) {
		return 0
	}
	return time.Duration(min(n*float64(unit), float64(most)))
}

func (t Text) unix(of func(int64) time.Time) *time.Time {
	n, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	if err != nil || n <= 0 {
		return nil
	}
	return storable(of(n))
}

// storable returns a time in UTC that JSON and the databases take; nil for any other. No service is older than 1970.
func storable(at time.Time) *time.Time {
	at = at.UTC()
	if y := at.Year(); y < 1970 || y > 9999 {
		return nil
	}
	return &at
}

// Number is a JSON integer that bears a text and a fraction of nothing (2.0). Anything else is 0.
type Number int

// UnmarshalJSON never refuses.
func (n *Number) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(raw), `"`)), 64)
	*n = 0
	if err == nil && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		*n = Number(f)
	}
	return nil
}

// Bool is a JSON truth value that may be missing. It bears 1, 0 and both as texts; anything else is Missing.
type Bool int8

// The values of a Bool.
const (
	Missing Bool = iota
	Yes
	No
)

// UnmarshalJSON never refuses.
func (b *Bool) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true", "1":
		*b = Yes
	case "false", "0":
		*b = No
	default:
		*b = Missing
	}
	return nil
}

// List is a JSON array whose elements are read one by one: one that cannot be read is set aside and hides no other.
type List[T any] struct {
	Present bool // an array was there
	Items   []T
	Raw     []json.RawMessage // each of Items as it came
	Skipped []json.RawMessage // what could not be read; what came in place of an array, too
}

// UnmarshalJSON never refuses.
func (l *List[T]) UnmarshalJSON(raw []byte) error {
	*l = List[T]{}
	if string(raw) == "null" {
		return nil
	}
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		l.Skipped = append(l.Skipped, bytes.Clone(raw))
		return nil
	}
	l.Present = true
	for _, one := range all {
		var v T
		if string(one) == "null" || Unmarshal(one, &v) != nil {
			l.Skipped = append(l.Skipped, one)
			continue
		}
		l.Items, l.Raw = append(l.Items, v), append(l.Raw, one)
	}
	return nil
}

// Add appends another page of the list.
func (l *List[T]) Add(more List[T]) {
	l.Present = l.Present || more.Present
	l.Items, l.Raw, l.Skipped = append(l.Items, more.Items...), append(l.Raw, more.Raw...), append(l.Skipped,
		more.Skipped...)
}

// Only sets the items aside that could be read and that good refuses, such as an object without an id.
func (l *List[T]) Only(good func(T) bool) {
	items, raw := l.Items[:0], l.Raw[:0] // in place: a long list of nothing costs no more than reading it
	for i, one := range l.Items {
		if !good(one) {
			l.Skipped = append(l.Skipped, l.Raw[i])
			continue
		}
		items, raw = append(items, one), append(raw, l.Raw[i])
	}
	clear(l.Items[len(items):])
	clear(l.Raw[len(raw):])
	l.Items, l.Raw = items, raw
}
