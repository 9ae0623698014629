package lenient

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestMarksBeforeJSON(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"none": `{"a":1}`, "one": mark + `{"a":1}`, "two": mark + mark + `{"a":1}`, "between spaces": " " + mark + "\r\n" +
			mark + ` {"a":1}`,
	} {
		var got struct{ A Number }
		if err := Unmarshal([]byte(raw), &got); err != nil || got.A != 1 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	for name, raw := range map[string]string{
		"little": "\xff\xfe{\x00}\x00", "big": "\xfe\xff\x00{\x00}", "little without a mark": "{\x00}\x00",
		"big without a mark": "\x00{\x00}",
		"a mark of both":     mark + "\xff\xfe{\x00}\x00",
	} {
		if err := Unmarshal([]byte(raw), new(any)); !errors.Is(err, ErrUTF16) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, raw := range []string{"", mark, "{", "<html>", `{"a":`} {
		if err := Unmarshal([]byte(raw), new(any)); err == nil || errors.Is(err, ErrUTF16) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestMembersOfAnotherKind(t *testing.T) {
	t.Parallel()
	var got struct {
		Text, Number, Null, Object, List, Long Text
		In                                     struct{ A Text }
		After                                  Text
	}
	const raw = `{"Text":"t","Number":1.50,"Null":null,"Object":{"a":1},"List":["x"],"Long":12345678901234567890,"In":"no object","After":"b"}`
	if err := Unmarshal([]byte(raw), &got); err != nil {
		t.Fatal(err)
	}
	if got.Text != "t" || got.Number != "1.50" || got.Null+got.Object+got.List != "" ||
		got.Long != "12345678901234567890" || got.After != "b" {
		t.Errorf("%+v", got)
	}
	for _, raw := range []string{`"x"`, `7`, `[1]`} {
		if err := Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s was taken for an object", raw)
		}
	}
	if s := Text("a\x00b").Plain(); s != "ab" {
		t.Errorf("%q", s)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for text, want := range map[Text]time.Time{
		"2026-03-02T12:00:00Z": noon, " 2026-03-02T13:00:00.000+01:00": noon, "2026-03-02T12:00:00+0000": noon,
		"2026-03-02T12:00:00":  noon,
		"2026-03-02 12:00:00Z": noon, "2026-03-02": noon.Add(-12 * time.Hour), "": {}, "soon": {},
		"0001-01-01T00:00:00Z": {}, "1772452800": {},
		"9999-12-31T23:59:59-14:00": {}, // in UTC it is the year 10000, which is no time in JSON
	} {
		if got := text.Time(); (got == nil) != want.IsZero() || got != nil && !got.Equal(want) {
			t.Errorf("%q: %v", text, got)
		}
	}
	for text, want := range map[Text][2]bool{ // seconds, milliseconds
		"1772452800": {true, true}, "1772452800000": {false,
			true}, "0": {}, "-1": {}, "": {}, "1e9": {}, "9223372036854775807": {}, "99999999999999999999": {},
		"253402300799": {true, true}, "253402300800": {false, true},
	} {
		if s, ms := text.Seconds(), text.Millis(); (s != nil) != want[0] || (ms != nil) != want[1] {
			t.Errorf("%q: %v, %v", text, s, ms)
		}
	}
}

func TestHowLongSomethingLasts(t *testing.T) {
	t.Parallel()
	const years = 10 * 365 * 24 * time.Hour
	for text, want := range map[Text]time.Duration{
		"3600": time.Hour, "0.5": 500 * time.Millisecond, "0": 0, "-1": 0, "": 0, "x": 0, "NaN": 0, "Inf": years,
		"9223372036854775807": years, "1e300": years, "9223372037": years, // its nanoseconds overflow 63 bits
	} {
		if got := text.In(time.Second); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestNumbersAndTruths(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Number{`1`: 1, `"2"`: 2, `3.0`: 3, `-4`: -4, `null`: 0, `"x"`: 0, `1.5`: 0,
		`{}`: 0, `1e99`: 0, `[1]`: 0, `true`: 0} {
		got := Number(7)
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s: %d %v", raw, got, err)
		}
	}
	for raw, want := range map[string]Bool{
		`true`: Yes, `1`: Yes, `"1"`: Yes, `"true"`: Yes, `false`: No, `0`: No, `"0"`: No, `null`: Missing,
		`"maybe"`: Missing, `{}`: Missing, `2`: Missing,
	} {
		var got struct{ B Bool }
		if err := json.Unmarshal([]byte(`{"B":`+raw+`}`), &got); err != nil || got.B != want {
			t.Errorf("%s: %d %v", raw, got.B, err)
		}
	}
}

func TestOneOddRecordHidesNoOther(t *testing.T) {
	t.Parallel()
	var got struct {
		Good, Odd, Null, None List[struct{ ID Text }]
	}
	if err := Unmarshal([]byte(`{"Good":[{"id":"a"},null,"x",7,[1],{"id":null},{"id":"b","in":{}}],"Odd":"no list","Null":null}`), &got); err != nil {
		t.Fatal(err)
	}
	got.Good.Only(func(v struct{ ID Text }) bool { return v.ID != "" })
	if l := got.Good; !l.Present || len(l.Items) != 2 || len(l.Raw) != 2 || l.Items[1].ID != "b" ||
		string(l.Raw[1]) != `{"id":"b","in":{}}` || len(l.Skipped) != 5 {
		t.Errorf("%+v", l)
	}
	if got.Odd.Present || len(got.Odd.Skipped) != 1 || got.Null.Present ||
		len(got.Null.Skipped)+len(got.None.Skipped) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestALongListOfNothingCostsWhatReadingItCosts(t *testing.T) { // not parallel: it counts allocations
	const n = 5_000
	raw := make([]byte, 0, 3*n+1)
	for range n {
		raw = append(raw, ",{}"...)
	}
	raw[0] = '['
	var list List[struct{ ID Text }]
	if err := json.Unmarshal(append(raw, ']'), &list); err != nil {
		t.Fatal(err)
	}
	spent := testing.AllocsPerRun(1, func() {
		l := list
		l.Skipped = make([]json.RawMessage, 0, n)
		l.Only(func(v struct{ ID Text }) bool { return v.ID != "" })
		if len(l.Items) != 0 || len(l.Raw) != 0 || len(l.Skipped) != n {
			t.Errorf("%d items, %d skipped", len(l.Items), len(l.Skipped))
		}
	})
	if spent > 10 { // a copy of what is left for each that is set aside would be thousands
		t.Errorf("%.0f allocations", spent)
	}
}
