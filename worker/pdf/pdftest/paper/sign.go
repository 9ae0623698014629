package paper

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Signing is how a document is signed. The zero value is an approval by Ana Lima in a new field that nobody sees.
type Signing struct {
	By       string // the signer's name
	Field    int    // an empty field that is there already
	Name     string // of the new field
	Rect     string // where it is shown, "[0 0 0 0]": nowhere
	Look     string // the content of its appearance
	Certify  int    // DocMDP's level, 1 to 3
	Lock     string // a FieldMDP's parameters: what is locked
	Filter   string // the SubFilter, adbe.pkcs7.detached
	Stamp    bool   // a document time stamp
	Unsorted bool   // signed attributes not in DER's order
	Room     int    // bytes for the message
	More     []string
	Between  func(d *Doc, sig int) // what else its revision says
}

const room = 4096

// Sign appends a signature over everything that there is.
func (d *Doc) Sign(s Signing) {
	if s.By == "" {
		s.By = "Ana Lima"
	}
	switch {
	case s.Stamp:
		s.Filter, s.By = "ETSI.RFC3161", stamper
	case s.Filter == "":
		s.Filter = "adbe.pkcs7.detached"
	}
	if s.Room == 0 {
		s.Room = room
	}
	sig := d.dictionary(s)
	d.field(s, sig)
	if s.Between != nil {
		s.Between(d, sig)
	}
	start := len(d.raw)
	d.Save()
	d.seal(s, start)
}

// dictionary gives the signature dictionary, its message left blank.
func (d *Doc) dictionary(s Signing) int {
	o := D("Type", "/Sig", "Filter", "/Adobe.PPKLite", "SubFilter", "/"+s.Filter, "Name", "("+s.By+")",
		"Reason", "(I agree)", "M", "(D:20260131120000Z)",
		"ByteRange", "[0 0000000000 0000000000 0000000000]", "Contents", "<"+strings.Repeat("0", 2*s.Room)+">")
	o.Alone = true
	if s.Stamp {
		o = o.With("Type", "/DocTimeStamp", "Name", "", "Reason", "", "M", "")
	}
	var references []string
	if s.Certify > 0 {
		references = append(references, fmt.Sprintf(
			"<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2/P %d>>>>", s.Certify))
	}
	if s.Lock != "" {
		references = append(references,
			"<</Type/SigRef/TransformMethod/FieldMDP/TransformParams<</Type/TransformParams/V/1.2"+s.Lock+">>>>")
	}
	if references != nil {
		o = o.With("Reference", "["+strings.Join(references, "")+"]")
	}
	return d.Add(o.With(s.More...))
}

// field gives the field that holds a signature, and names it where it is new.
func (d *Doc) field(s Signing, sig int) {
	look := func(n int) {
		if s.Look == "" {
			return
		}
		ap := d.Add(S(s.Look, "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 200 50]", "Resources",
			"<</Font<</F1 "+R(Font)+">>>>"))
		d.Alter(n, "AP", "<</N "+R(ap)+">>")
	}
	if s.Certify > 0 {
		d.Alter(d.Root, "Perms", "<</DocMDP "+R(sig)+">>")
	}
	if s.Field > 0 {
		d.Alter(s.Field, "V", R(sig))
		look(s.Field)
		return
	}
	d.stamped++
	if s.Name == "" {
		s.Name = fmt.Sprintf("Signature%d", d.stamped)
	}
	if s.Rect == "" {
		s.Rect = "[0 0 0 0]"
	}
	n := d.Add(D("Type", "/Annot", "Subtype", "/Widget", "FT", "/Sig", "T", "("+s.Name+")", "F", "132", "Rect", s.Rect,
		"P", R(Page), "V", R(sig)))
	if s.Lock != "" {
		d.Alter(n, "Lock", "<</Type/SigFieldLock"+s.Lock+">>")
	}
	look(n)
	d.Field(n, true)
	d.Place()
}

// Place writes the form's fields and the first page's annotations as they are now.
func (d *Doc) Place() {
	d.Alter(Page, "Annots", Rs(d.annots...))
	switch form := d.Get(Form); {
	case form.Keys == nil:
		d.Alter(d.Root, "AcroForm", R(Form))
		d.Set(Form, D("SigFlags", "3", "Fields", Rs(d.fields...)))
	default:
		d.Alter(Form, "SigFlags", "3", "Fields", Rs(d.fields...))
	}
}

var errNoRoom = errors.New("the message is larger than the room for it")

// seal writes byte range and message of the signature in the revision that begins at start.
func (d *Doc) seal(s Signing, start int) {
	mark := []byte("/Contents<" + strings.Repeat("0", 2*s.Room) + ">")
	i := bytes.Index(d.raw[start:], mark)
	if i < 0 {
		d.err = errors.Join(d.err, errors.New("the signature's dictionary is not there"))
		return
	}
	from := start + i + len("/Contents")
	to := from + 2*s.Room + 2
	at := start + bytes.LastIndex(d.raw[start:from], []byte("/ByteRange[")) + len("/ByteRange[")
	copy(d.raw[at:], fmt.Sprintf("0 %010d %010d %010d", from, to, len(d.raw)-to))
	d.covered = len(d.raw)
	sum := sha256.Sum256(slices.Concat(d.raw[:from], d.raw[to:]))
	var text []byte
	var err error
	if s.Stamp {
		text, err = By(s.By).stamp(sum[:])
	} else {
		text, err = By(s.By).sign(message{kind: oidData, digest: sum[:], cades: s.Filter == "ETSI.CAdES.detached",
			unsorted: s.Unsorted})
	}
	if len(text) > s.Room {
		err = errNoRoom
	}
	d.err = errors.Join(d.err, err)
	if err == nil {
		hex.Encode(d.raw[from+1:], text)
	}
}
