// Package object has the objects of a PDF file and reads them from bytes. How deep they nest is limited.
package object

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf16"
)

// The kinds of objects. A null is nil, a truth value is a bool.
type (
	// Name is a name without its slash, its escapes resolved.
	Name string
	// Number is a number, whole or not.
	Number float64
	// String is a string's bytes.
	String string
	// Array is a list of objects.
	Array []any
	// Ref names an object by its number and generation.
	Ref struct{ Num, Gen int }
	// Dict is a dictionary, its entries sorted by key. A key that stands in it twice is there twice.
	Dict []Entry
	// Entry is one entry of a dictionary.
	Entry struct {
		Key   Name
		Value any
	}
	// Keyword is any other word: an operator of a content stream, or what does not belong where it stands.
	Keyword string
	// Broken stands for an object that a table names and that is not where the table says.
	Broken struct{ At int64 }
)

// Stream is a dictionary with data.
type Stream struct {
	Dict Dict
	Raw  []byte // as it lies in the file, with its filters and its encryption

	Num, Gen int  // of the object that it is
	Plain    bool // it is not encrypted by itself
}

// Get returns a dictionary's entry, the last one where a key stands in it twice; nil where it has none.
func (d Dict) Get(key Name) any {
	i, found := slices.BinarySearchFunc(d, key, func(e Entry, k Name) int { return cmp.Compare(e.Key, k) })
	if !found {
		return nil
	}
	for i+1 < len(d) && d[i+1].Key == key {
		i++
	}
	return d[i].Value
}

// Twice says whether a key stands in the dictionary twice: programs then differ in which one they take.
func (d Dict) Twice() bool {
	for i := 1; i < len(d); i++ {
		if d[i].Key == d[i-1].Key {
			return true
		}
	}
	return false
}

// Int returns a number as a whole one; false where it is none.
func (n Number) Int() (int, bool) {
	i := int(n)
	return i, Number(i) == n && n > -1<<53 && n < 1<<53
}

// Text is a text string as people read it: UTF-16 or UTF-8 where it says so, or else as PDFs write Latin letters, of
// which those that differ from Latin 1 are rare and left as they are.
func (s String) Text() string {
	switch {
	case strings.HasPrefix(string(s), "\xfe\xff"):
		units := make([]uint16, 0, len(s)/2)
		for i := 2; i+1 < len(s); i += 2 {
			units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(units))
	case strings.HasPrefix(string(s), "\xef\xbb\xbf"):
		return strings.ToValidUTF8(string(s[3:]), "\ufffd")
	}
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// PlainDict returns the dictionary of a dictionary or a stream.
func PlainDict(o any) (Dict, bool) {
	switch v := o.(type) {
	case Dict:
		return v, true
	case *Stream:
		return v.Dict, true
	}
	return nil, false
}

func sorted(d Dict) Dict {
	if !slices.IsSortedFunc(d, byKey) {
		slices.SortStableFunc(d, byKey)
	}
	return d
}

func byKey(a, b Entry) int { return cmp.Compare(a.Key, b.Key) }
