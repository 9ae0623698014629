package ber

import (
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

// Int is an integer of any size, also where it is written longer than it needs to be.
func (e Element) Int() (*big.Int, bool) {
	if (!e.Is(Integer) && !e.Is(Enumerated) && e.Class != Context) || e.Constructed || len(e.Body) == 0 {
		return nil, false
	}
	n := new(big.Int).SetBytes(e.Body)
	if e.Body[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(e.Body))*8))
	}
	return n, true
}

// OID is an object identifier in dots; "" where the element is none.
func (e Element) OID() string {
	if !e.Is(OID) || len(e.Body) > 64 {
		return ""
	}
	var id asn1.ObjectIdentifier
	s := cryptobyte.String(Wrap(OID, e.Body)) // the length may be written longer than it needs to be
	if !s.ReadASN1ObjectIdentifier(&id) {
		return ""
	}
	return id.String()
}

// Bits is the content of a bit string, its pieces joined.
func (e Element) Bits() ([]byte, bool) {
	if e.Constructed {
		all, err := e.Children()
		if err != nil {
			return nil, false
		}
		var out []byte
		for _, c := range all {
			piece, ok := c.Bits()
			if !ok {
				return nil, false
			}
			out = append(out, piece...)
		}
		return out, true
	}
	if len(e.Body) == 0 || e.Body[0] > 7 {
		return nil, false
	}
	return e.Body[1:], true
}

// Time is a UTCTime or a GeneralizedTime, with or without seconds, fractions and a zone; without a zone it is UTC.
func (e Element) Time() (time.Time, bool) {
	text := string(e.Body)
	if len(text) > 40 {
		return time.Time{}, false
	}
	var layouts []string
	switch {
	case e.Is(UTCTime):
		layouts = []string{"060102150405Z0700", "0601021504Z0700", "060102150405", "0601021504"}
	case e.Is(GeneralizedTime):
		text = strings.Replace(text, ",", ".", 1)
		layouts = []string{"20060102150405Z0700", "200601021504Z0700", "20060102150405", "200601021504", "2006010215Z0700"}
	}
	for _, layout := range layouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if e.Is(UTCTime) && at.Year() >= 2050 {
			at = at.AddDate(-100, 0, 0)
		}
		return at.UTC(), true
	}
	return time.Time{}, false
}

// Text is a string of any of the string types, as UTF-8.
func (e Element) Text() string {
	body, err := e.Octets()
	if err != nil {
		return ""
	}
	switch {
	case e.Is(30): // BMPString
		return wide(body, 2)
	case e.Is(28): // UniversalString
		return wide(body, 4)
	case e.Is(20): // TeletexString, which is written as Latin-1
		if !utf8.Valid(body) {
			return wide(body, 1)
		}
	}
	return strings.ToValidUTF8(string(body), "�")
}

// wide reads characters of so many bytes each.
func wide(b []byte, width int) string {
	var out []rune
	for c := range slices.Chunk(b, width) {
		if len(c) < width {
			break
		}
		var r rune
		for _, x := range c {
			r = r<<8 | rune(x)
		}
		out = append(out, r)
	}
	return string(out)
}

// DER writes an element in the one form that DER allows: definite lengths as short as they can be, octet strings in one
// piece, sets sorted.
func (e Element) DER() ([]byte, error) {
	tag := []byte{byte(e.Class<<6) | byte(e.Tag)}
	if e.Tag > 30 {
		return nil, ErrUnreadable // no part of a signature has such a tag
	}
	if !e.Constructed || e.Is(OctetString) {
		body, err := e.Octets()
		if err != nil {
			return nil, err
		}
		return slices.Concat(tag, length(len(body)), body), nil
	}
	tag[0] |= 0x20
	all, err := e.Children()
	if err != nil {
		return nil, err
	}
	parts := make([][]byte, 0, len(all))
	for _, c := range all {
		part, err := c.DER()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if e.Is(Set) {
		slices.SortFunc(parts, slices.Compare)
	}
	body := slices.Concat(parts...)
	return slices.Concat(tag, length(len(body)), body), nil
}

// Wrap puts a tag's byte and a length before a body.
func Wrap(tag byte, body ...[]byte) []byte {
	all := slices.Concat(body...)
	return slices.Concat([]byte{tag}, length(len(all)), all)
}

func length(n int) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	b := big.NewInt(int64(n)).Bytes()
	return append([]byte{0x80 | byte(len(b))}, b...)
}
