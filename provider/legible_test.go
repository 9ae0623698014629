package provider

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"countersign/model"
)

func TestClip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		most int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"abcd", 0, ""},
		{"aü", 3, "aü"}, {"aaü", 3, "aa"}, {"a€", 3, "a"}, {"a\U0001F58A", 4, "a"}, {"a\U0001F58A", 5, "a\U0001F58A"},
		{"a\x00b", 9, "a\uFFFDb"}, {"a\x00b", 3, "a"}, {"\xff\xfe", 9, "\uFFFD"}, {"ab\xc3", 9, "ab\uFFFD"},
		{strings.Repeat("ü", 1000), 5, "üü"},
	} {
		if got := Clip(c.in, c.most); got != c.want {
			t.Errorf("Clip(%q, %d) is %q, want %q", c.in, c.most, got, c.want)
		}
	}
}

func FuzzClip(f *testing.F) {
	f.Add("aü\x00\xff€", 4)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 0 || most > 1<<20 {
			return
		}
		got := Clip(s, most)
		if len(got) > most || !utf8.ValidString(got) || strings.Contains(got, "\x00") || Legible(got) != got ||
			Clip(got, most) != got {
			t.Errorf("Clip(%q, %d) is %q", s, most, got)
		}
		if len(s) <= most && len(Legible(s)) <= most && got != Legible(s) {
			t.Errorf("Clip(%q, %d) is %q and could be whole", s, most, got)
		}
	})
}

func TestIsRef(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]bool{
		"a": true, "-x": true, "a b": true, "ü": true, strings.Repeat("r", MaxRef): true,
		"": false, "a\x00": false, "\xff": false, strings.Repeat("r", MaxRef+1): false,
	} {
		if IsRef(ref) != want {
			t.Errorf("IsRef(%.20q) is %v", ref, !want)
		}
	}
}

// Every text of an observation is made legible, also one that is added to the type some day. Only the ref stays: it
// names the row, and is refused as a whole.
func TestLegibleObservation(t *testing.T) {
	t.Parallel()
	o := model.Observation{
		Signers: make([]model.Signer, 1), Attention: make([]model.Attention, 1), Documents: make([]model.DocumentRef, 1),
	}
	texts := fill(reflect.ValueOf(&o).Elem())
	LegibleObservation(&o)
	left := fmt.Sprintf("%+v", o)
	names := o.Ref + o.Alias // an id is taken as it is or refused, never changed
	if n := strings.Count(left, "\x00"); texts < 18 || n != strings.Count(names, "\x00") {
		t.Errorf("%d of %d texts hold NUL: %q", n, texts, left)
	}
}

// fill puts NUL into every text that a service's answer could reach.
func fill(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString("a\x00")
			return 1
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				n += fill(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += fill(v.Index(i))
		}
	}
	return n
}
