package pdf

import (
	"bytes"

	pdf "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// change is what a later revision did to the one before it, ordered by severity.
type change int

const (
	changedNothing    change = iota // the document reads as before
	changedValidation               // material to check signatures with was added, or what programs note about the file
	changedForms                    // fields were filled, annotations or signatures added
	changedOther                    // something that is none of these
	changedContent                  // what a page shows
)

// changed compares the revision that ends at one place with the one that ends at another.
func (j judgement) changed(from, to int64) change {
	before, err := readPDF(j.raw[:from])
	if err != nil {
		return changedOther
	}
	after := j.ctx
	if to < int64(len(j.raw)) {
		if after, err = readPDF(j.raw[:to]); err != nil {
			return changedOther
		}
	}
	return compare(before, after)
}

// compare compares each object of a revision with the same object in the later one. A new object needs no look of its
// own: it is reached from an object that changed, or from nowhere.
func compare(before, after *pdf.Context) change {
	if before.Root == nil || after.Root == nil || before.Root.ObjectNumber != after.Root.ObjectNumber {
		return changedContent
	}
	root := before.Root.ObjectNumber.Value()
	c := comparison{before: before, root: root, shown: map[int]bool{}, proof: map[int]bool{}}
	if d, err := before.Catalog(); err == nil {
		c.reach(d["Pages"], c.shown, 0)
		c.reach(d["DSS"], c.proof, 0)
	}
	worst := changedNothing
	for n, e := range before.Table {
		if n == 0 || e == nil || e.Free || e.Object == nil || structure(e.Object) {
			continue
		}
		var is types.Object
		if a := after.Table[n]; a != nil && !a.Free {
			is = a.Object
		}
		if !sameObject(e.Object, is) {
			worst = max(worst, c.object(n, e.Object, is))
		}
	}
	return worst
}

// comparison records what the objects of a revision are used for.
type comparison struct {
	before *pdf.Context
	root   int
	shown  map[int]bool // by object number: pages show it
	proof  map[int]bool // signatures are checked with it
}

// object returns the severity of a change of one object.
func (c comparison) object(n int, was, is types.Object) change {
	if c.proof[n] || c.before.Info != nil && n == c.before.Info.ObjectNumber.Value() {
		return changedValidation
	}
	d, ok := was.(types.Dict)
	now, also := is.(types.Dict)
	switch {
	case n == c.root && ok && also:
		return c.keys(d, now, map[string]change{
			"DSS": changedValidation, "Extensions": changedValidation, "Version": changedValidation,
			"Metadata": changedValidation,
			"AcroForm": changedForms, "Perms": changedForms, "Pages": changedContent,
		})
	case ok && also && name(d, "Type") == "Page":
		return c.keys(d, now, map[string]change{
			"Annots": changedForms, "Tabs": changedForms, "Contents": changedContent, "Resources": changedContent,
			"MediaBox": changedContent, "CropBox": changedContent, "Rotate": changedContent, "Parent": changedContent,
		})
	case c.shown[n]:
		return changedContent
	case ok && also && (d["FT"] != nil || name(d, "Subtype") == "Widget" || name(d, "Type") == "Annot" ||
		d["Fields"] != nil):
		return changedForms
	}
	if s, ok := was.(types.StreamDict); ok && name(s.Dict, "Type") == "Metadata" {
		return changedValidation
	}
	if list, ok := was.(types.Array); ok {
		if longer, ok := is.(types.Array); ok && begins(longer, list) { // a list of fields or annotations that grew
			return changedForms
		}
	}
	return changedOther
}

// keys returns the worst change among a dictionary's entries; an entry that is not listed counts as other.
func (c comparison) keys(was, is types.Dict, means map[string]change) change {
	worst := changedNothing
	look := func(key string) {
		if !sameObject(was[key], is[key]) {
			m, ok := means[key]
			if !ok {
				m = changedOther
			}
			worst = max(worst, m)
		}
	}
	for key := range was {
		look(key)
	}
	for key := range is {
		look(key)
	}
	return worst
}

// reach marks every object below one, except what a page refers to without it being part of the page.
func (c comparison) reach(o types.Object, marked map[int]bool, depth int) {
	if depth > 4*mostDepth {
		return
	}
	switch v := o.(type) {
	case types.IndirectRef:
		n := v.ObjectNumber.Value()
		e := c.before.Table[n]
		if marked[n] || e == nil || e.Free {
			return
		}
		marked[n] = true
		c.reach(e.Object, marked, depth+1)
	case types.Array:
		for _, x := range v {
			c.reach(x, marked, depth+1)
		}
	case types.StreamDict:
		c.reach(v.Dict, marked, depth+1)
	case types.Dict:
		for key, x := range v {
			switch key {
			case "Annots", "Parent", "P", "B", "AA", "StructParents", "PieceInfo", "Metadata":
			default:
				c.reach(x, marked, depth+1)
			}
		}
	}
}

// structure reports whether an object only holds other objects together; a later revision has one of its own.
func structure(o types.Object) bool {
	switch d := o.(type) {
	case types.ObjectStreamDict, types.XRefStreamDict:
		return true
	case types.StreamDict:
		return name(d.Dict, "Type") == "XRef" || name(d.Dict, "Type") == "ObjStm"
	}
	return false
}

func begins(longer, list types.Array) bool {
	if len(longer) < len(list) {
		return false
	}
	for i := range list {
		if !sameObject(list[i], longer[i]) {
			return false
		}
	}
	return true
}

// sameObject compares two objects as they are written.
func sameObject(a, b types.Object) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	s, isA := a.(types.StreamDict)
	t, isB := b.(types.StreamDict)
	if isA || isB {
		return isA && isB && bytes.Equal(s.Raw, t.Raw) && s.Dict.PDFString() == t.Dict.PDFString()
	}
	return a.PDFString() == b.PDFString()
}
