package ber

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"
)

func first(t testing.TB, b ...byte) Element {
	t.Helper()
	e, _, err := Read(b)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return e
}

func TestOneValueInItsFormsIsReadTheSame(t *testing.T) {
	t.Parallel()
	want := []byte{0x30, 7, 4, 2, 'a', 'b', 2, 1, 5}
	for _, b := range [][]byte{
		want,
		{0x30, 0x81, 7, 4, 2, 'a', 'b', 2, 1, 5},
		{0x30, 0x84, 0, 0, 0, 8, 4, 0x81, 2, 'a', 'b', 2, 1, 5},
		{0x30, 0x80, 4, 2, 'a', 'b', 2, 1, 5, 0, 0},
		{0x30, 0x80, 0x24, 0x80, 4, 1, 'a', 4, 1, 'b', 0, 0, 2, 1, 5, 0, 0},
		{0x30, 13, 0x24, 8, 4, 0, 0x24, 4, 4, 2, 'a', 'b', 2, 1, 5},
	} {
		e, rest, err := Read(append(bytes.Clone(b), 0xde, 0xad))
		if err != nil || !bytes.Equal(rest, []byte{0xde, 0xad}) || !bytes.Equal(e.Raw, b) {
			t.Errorf("%x: %x, then %x, %v", b, e.Raw, rest, err)
			continue
		}
		der, err := e.DER()
		if err != nil || !bytes.Equal(der, want) {
			t.Errorf("%x in DER: %x, %v", b, der, err)
		}
	}
	set := first(t, 0x31, 6, 2, 1, 9, 2, 1, 5)
	if der, err := set.DER(); err != nil || !bytes.Equal(der, []byte{0x31, 6, 2, 1, 5, 2, 1, 9}) {
		t.Errorf("a set in DER: %x, %v", der, err)
	}
}

func TestWhatIsNoASN1IsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{
		nil, {0x30}, {0x30, 1}, {0x30, 0x80}, {0x30, 0x80, 0}, {4, 0x80, 0, 0}, {0x30, 0x81}, {0x1f, 0x81, 0x81, 0x81, 0x81, 1},
		{0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		bytes.Repeat([]byte{0x30, 0x80}, 1000),
	} {
		if e, _, err := Read(b); err == nil {
			t.Errorf("%x is read as %+v", b, e)
		}
	}
	inner := []byte{}
	for range 100 {
		inner = Wrap(0x30, inner)
	}
	e, _, err := Read(inner)
	for depth := 0; err == nil; depth++ {
		if e, err = e.Only(); depth > 100 {
			t.Fatal("100 levels are read")
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 127, 128, 255, 256, -1, -128, -129, 1 << 40} {
		der, err := asn1.Marshal(big.NewInt(n))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := first(t, der...).Int(); !ok || got.Int64() != n {
			t.Errorf("%d is read as %v", n, got)
		}
	}
	if n, ok := first(t, 2, 3, 0, 0, 7).Int(); !ok || n.Int64() != 7 {
		t.Errorf("a long 7 is read as %v", n)
	}
	if id := first(t, 6, 0x81, 3, 0x2a, 0x86, 0x48).OID(); id != "1.2.840" {
		t.Errorf("%q", id)
	}
	if id := first(t, 6, 1, 0x86).OID(); id != "" {
		t.Errorf("half an identifier is read as %q", id)
	}
	for text, b := range map[string][]byte{
		"Año": {12, 4, 'A', 0xc3, 0xb1, 'o'}, "Ano": {19, 3, 'A', 'n', 'o'}, "Añ": {20, 2, 'A', 0xf1},
		"Añ1": {30, 6, 0, 'A', 0, 0xf1, 0, '1'}, "Añ2": {28, 12, 0, 0, 0, 'A', 0, 0, 0, 0xf1, 0, 0, 0, '2'},
		"Año3": {20, 5, 'A', 0xc3, 0xb1, 'o', '3'}, "A�": {12, 2, 'A', 0xf1}, "é": {0x2c, 6, 12, 1, 0xc3, 12, 1, 0xa9},
	} {
		if got := first(t, b...).Text(); got != text {
			t.Errorf("%x is read as %q, not %q", b, got, text)
		}
	}
	at := time.Date(2026, 1, 31, 12, 30, 0, 0, time.UTC)
	for _, e := range []Element{
		{Tag: UTCTime, Body: []byte("260131123000Z")}, {Tag: UTCTime, Body: []byte("2601311230Z")},
		{Tag: UTCTime, Body: []byte("260131143000+0200")}, {Tag: GeneralizedTime, Body: []byte("20260131123000Z")},
		{Tag: GeneralizedTime, Body: []byte("202601311230Z")}, {Tag: GeneralizedTime, Body: []byte("20260131123000.0Z")},
		{Tag: GeneralizedTime, Body: []byte("20260131123000,000")}, {Tag: GeneralizedTime, Body: []byte("20260131103000-0200")},
	} {
		if got, ok := e.Time(); !ok || !got.Equal(at) {
			t.Errorf("%s is read as %v", e.Body, got)
		}
	}
	if got, ok := (Element{Tag: UTCTime, Body: []byte("500131123000Z")}).Time(); !ok || got.Year() != 1950 {
		t.Errorf("the year 50 is read as %v", got)
	}
	if got, ok := (Element{Tag: UTCTime, Body: []byte("yesterday")}).Time(); ok {
		t.Errorf("yesterday is read as %v", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 4, 1, 'a', 4, 1, 'b', 0, 0, 2, 1, 5, 0, 0})
	f.Add([]byte{0x31, 6, 2, 1, 9, 2, 1, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, rest, err := Read(b)
		if err != nil {
			return
		}
		if !bytes.Equal(append(bytes.Clone(e.Raw), rest...), b) {
			t.Fatal("bytes are lost")
		}
		e.Text()
		e.OID()
		e.Time()
		e.Int()
		e.Bits()
		der, err := e.DER()
		if err != nil {
			return
		}
		again, rest, err := Read(der)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%x cannot be read: %v", der, err)
		}
		if twice, err := again.DER(); err != nil || !bytes.Equal(twice, der) {
			t.Fatalf("%x becomes %x, %v", der, twice, err)
		}
	})
}
