// Package ber reads ASN.1 as signers write it (BER: indefinite lengths, strings in pieces, lengths longer than they need
// to be) and leaves every byte where it is: what was signed can be taken as it was written.
package ber

import "errors"

// The universal tags that a signature is made of.
const (
	Boolean         = 1
	Integer         = 2
	BitString       = 3
	OctetString     = 4
	Null            = 5
	OID             = 6
	Enumerated      = 10
	Sequence        = 16
	Set             = 17
	UTCTime         = 23
	GeneralizedTime = 24
)

// The classes of tags.
const (
	Universal = 0
	Context   = 2
)

// ErrUnreadable is of bytes that are no ASN.1, or nest too deep.
var ErrUnreadable = errors.New("bytes that are no ASN.1")

// Limits of what is read. A message with time stamps and revocation data nests about 30 deep; its longest list is that
// of the pieces of a string.
const (
	mostDepth    = 64
	mostChildren = 100_000
	mostScanned  = 500_000 // elements within an indefinite length
)

// Element is one value with its tag. Its slices are parts of what was read.
type Element struct {
	Class       int
	Tag         int
	Constructed bool
	Raw         []byte // all of it
	Body        []byte // without the head, and without the end mark of an indefinite length
	depth       int
}

// Is reports whether the element has a universal tag.
func (e Element) Is(tag int) bool { return e.Class == Universal && e.Tag == tag }

// IsContext reports whether the element has a context's tag.
func (e Element) IsContext(tag int) bool { return e.Class == Context && e.Tag == tag }

// Read reads the first element of b; rest is what follows it.
func Read(b []byte) (e Element, rest []byte, err error) {
	left := mostScanned
	return read(b, 0, &left)
}

func read(b []byte, depth int, left *int) (e Element, rest []byte, err error) {
	e, head, length, err := readHead(b)
	if *left--; err != nil || depth > mostDepth || *left < 0 {
		return Element{}, nil, ErrUnreadable
	}
	e.depth = depth
	body := b[head:]
	if length >= 0 {
		if length > len(body) {
			return Element{}, nil, ErrUnreadable
		}
		e.Body, e.Raw = body[:length], b[:head+length]
		return e, body[length:], nil
	}
	if !e.Constructed {
		return Element{}, nil, ErrUnreadable
	}
	for at := body; ; {
		if len(at) >= 2 && at[0] == 0 && at[1] == 0 {
			e.Body = body[:len(body)-len(at)]
			e.Raw = b[:head+len(e.Body)+2]
			return e, at[2:], nil
		}
		if _, at, err = read(at, depth+1, left); err != nil {
			return Element{}, nil, err
		}
	}
}

// readHead reads a tag and a length; -1 is an indefinite one.
func readHead(b []byte) (e Element, head, length int, err error) {
	if len(b) < 2 {
		return e, 0, 0, ErrUnreadable
	}
	e.Class, e.Constructed, e.Tag = int(b[0]>>6), b[0]&0x20 != 0, int(b[0]&0x1f)
	head = 1
	if e.Tag == 0x1f {
		e.Tag = 0
		for more := true; more; head++ {
			if head >= len(b)-1 || head > 4 {
				return e, 0, 0, ErrUnreadable
			}
			e.Tag = e.Tag<<7 | int(b[head]&0x7f)
			more = b[head]&0x80 != 0
		}
	}
	first := b[head]
	head++
	switch {
	case first < 0x80:
		return e, head, int(first), nil
	case first == 0x80:
		return e, head, -1, nil
	}
	n := int(first & 0x7f)
	if n > 8 || n > len(b)-head {
		return e, 0, 0, ErrUnreadable
	}
	for _, c := range b[head : head+n] {
		if length > len(b) {
			return e, 0, 0, ErrUnreadable // beyond what there is, and before it overflows
		}
		length = length<<8 | int(c)
	}
	return e, head + n, length, nil
}

// Children reads the elements that a constructed element consists of.
func (e Element) Children() ([]Element, error) {
	if !e.Constructed {
		return nil, ErrUnreadable
	}
	var all []Element
	left := mostScanned
	for rest := e.Body; len(rest) > 0; {
		var c Element
		var err error
		if c, rest, err = read(rest, e.depth+1, &left); err != nil || len(all) == mostChildren {
			return nil, ErrUnreadable
		}
		all = append(all, c)
	}
	return all, nil
}

// Only is the one child of an element, as an explicit tag has it.
func (e Element) Only() (Element, error) {
	all, err := e.Children()
	if err != nil || len(all) == 0 {
		return Element{}, ErrUnreadable
	}
	return all[0], nil
}

// Octets is the content of an octet string, its pieces joined. The tag is not looked at: it may be implicit.
func (e Element) Octets() ([]byte, error) {
	if !e.Constructed {
		return e.Body, nil
	}
	all, err := e.Children()
	if err != nil {
		return nil, err
	}
	if len(all) == 1 {
		return all[0].Octets()
	}
	var out []byte
	for _, c := range all {
		piece, err := c.Octets()
		if err != nil {
			return nil, err
		}
		out = append(out, piece...)
	}
	return out, nil
}
