package paper

import (
	"fmt"
	"sync"
)

// Want is what has to be found in a file.
type Want string

// The wants. Altered: nothing else. NotIntact: altered or unknown, since nothing in the file proves the attack. Kept:
// intact, over the whole file or extended by what is harmless. NotAltered: intact, or unknown with a note.
const (
	Altered    Want = "altered"
	NotIntact  Want = "not intact"
	Kept       Want = "kept"
	NotAltered Want = "not altered"
)

// File is one file of a corpus.
type File struct {
	Name string // what was done, and to what form of file
	Says string // what a reader of it sees
	Want Want
	Make func() ([]byte, error)
}

// Step is something done to a signed document.
type Step struct {
	Name string
	Says string
	Want Want
	On   Base
	Do   func(d *Doc)
}

// Files plays steps on both forms of file.
func Files(steps []Step) []File {
	var out []File
	for _, s := range steps {
		for _, packed := range []bool{false, true} {
			form := "classic table"
			if packed {
				form = "object streams"
			}
			out = append(out, File{Name: s.Name + ", " + form, Says: s.Says, Want: s.Want, Make: func() ([]byte, error) {
				d := s.On.Doc(packed)
				if s.Do != nil {
					s.Do(d)
				}
				return d.Bytes()
			}})
		}
	}
	return out
}

// Base is a signed document that something is done to.
type Base struct {
	Lease Lease
	Signs []Signing
}

// The bases. Each has two pages and a form.
var (
	Approved   = base(Signing{})
	Seen       = base(Signing{Field: Empty, Look: Seal("Ana Lima")})
	Certified1 = base(Signing{Certify: 1})
	Certified2 = base(Signing{Certify: 2})
	Certified3 = base(Signing{Certify: 3})
	LocksRent  = base(Signing{Certify: 2, Lock: "/Action/Include/Fields[(Rent)]"})
	LocksAll   = base(Signing{Certify: 2, Lock: "/Action/All"})
	LeavesName = base(Signing{Certify: 2, Lock: "/Action/Exclude/Fields[(Name)(Tenant)]"})
	Twice      = base(Signing{}, Signing{By: "Bruno Diaz"})
	Stamped    = base(Signing{}, Signing{Stamp: true})
)

func base(signs ...Signing) Base { return Base{Lease: Lease{Two: true, Form: true}, Signs: signs} }

// Prepared is the approved lease with something in it that its author put there before it was signed.
func Prepared(before func(d *Doc)) Base {
	b := base(Signing{})
	b.Lease.Before = before
	return b
}

// Seal is the content of a visible signature's appearance.
func Seal(name string) string {
	return "BT /F1 10 Tf 4 20 Td (Signed by " + name + ") Tj ET"
}

// made keeps the bases that nothing of a caller's own went into: signing takes long.
var made sync.Map

// Doc makes the base's document.
func (b Base) Doc(packed bool) *Doc {
	key := ""
	if b.Lease.Before == nil {
		key = fmt.Sprintf("%v %v %v %d", packed, b.Lease.Two, b.Lease.Form, b.Lease.Noise)
		for _, s := range b.Signs {
			if s.Between != nil {
				key = ""
				break
			}
			key += fmt.Sprintf("%+v", s)
		}
	}
	if d, ok := made.Load(key); ok && key != "" {
		return d.(*Doc).Clone()
	}
	l := b.Lease
	l.Packed = packed
	d := Draw(l)
	for _, s := range b.Signs {
		d.Sign(s)
	}
	if key != "" {
		made.Store(key, d.Clone())
	}
	return d
}
