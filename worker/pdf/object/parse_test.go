package object

import (
	"reflect"
	"strings"
	"testing"
)

// What is written in many ways is read as one thing.
func TestObjectsAreReadAsTheFormatSays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"null": nil, "true": true, "false": false,
		"0": Number(0), "+17": Number(17), "-.002": Number(-0.002), "612.000000000000": Number(612), "4.": Number(4),
		"--5": Number(-5), "12-34": Number(12), "123456789012345678901234567890": Number(1.2345678901234568e29),
		"/A;Name_With-Various***Characters?": Name("A;Name_With-Various***Characters?"), "/Helv#65tica": Name("Helvetica"),
		"/": Name(""), "/A#2": Name("A#2"),
		"(a (nested) one)": String("a (nested) one"), `(\101\53\n\(\)\\)`: String("A+\n()\\"), "(a\\\nb\r\nc)": String("ab\nc"),
		"<48 65 6C6c6>": String("Hell`"), "<>": String(""),
		"[1 0 R 2 3]": Array{Ref{1, 0}, Number(2), Number(3)}, "[1 0 R]": Array{Ref{1, 0}},
		"[1 0 Rx]": nil,
		"% a comment\n<</B 1/A/C/D<</E(x)>>>>": Dict{{"A", Name("C")}, {"B", Number(1)},
			{"D", Dict{{"E", String("x")}}}},
		"<</A 1/A 2>>": Dict{{"A", Number(1)}, {"A", Number(2)}},
		"<</A>>":       Dict{{"A", nil}},
		"Tj":           Keyword("Tj"),
	} {
		p := &Parser{Raw: []byte(text), Refs: true}
		got, err := p.Next()
		if err != nil {
			got = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %#v (%v)\nwant %#v", text, got, err, want)
		}
	}
}

func TestAnObjectThatDoesNotEndIsNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "a string": "(a", "a hexadecimal string": "<41", "no hexadecimal string": "<4x>", "an array": "[1 2",
		"a dictionary": "<</A 1", "a key that is no name": "<<1 2>>", "arrays too deep": strings.Repeat("[", 1_000_000),
		"dictionaries too deep": strings.Repeat("<</A", 1_000_000), "parentheses": strings.Repeat("(", 1_000_000),
	} {
		if o, err := (&Parser{Raw: []byte(text), Refs: true}).Next(); err == nil {
			t.Errorf("%s is read as %v", name, o)
		}
	}
}

func TestADictionaryTellsWhatStandsInItTwice(t *testing.T) {
	t.Parallel()
	d := Dict{{"A", Number(1)}, {"A", Number(2)}, {"B", Number(3)}}
	if !d.Twice() || d[2:].Twice() || d.Get("A") != Number(2) || d.Get("B") != Number(3) || d.Get("C") != nil {
		t.Errorf("%v: twice %v, A %v, B %v", d, d.Twice(), d.Get("A"), d.Get("B"))
	}
}

func TestTextIsWhatPeopleRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[String]string{
		"Ana": "Ana", "\xfe\xff\x00R\x00e\x00n\x00t": "Rent", "\xef\xbb\xbfñ": "ñ", "\xf1": "ñ", "\xfe\xff\x00": "",
	} {
		if got := in.Text(); got != want {
			t.Errorf("%q: %q, want %q", string(in), got, want)
		}
	}
}
