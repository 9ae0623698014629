package difference

import (
	"slices"

	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
)

// kinds of signatures by the form of their message.
const stampForm = "ETSI.RFC3161"

// newField judges a field that was not there: only a signature may bring one.
func (c forms) newField(f *field) {
	c.mark(f)
	widgets := c.widgetsOf(f)
	switch {
	case f.kind != "Sig":
		c.change("the field %s was added", c.called(f))
	case !c.only(f.dict) || len(widgets) > 1 || slices.ContainsFunc(f.kids, func(k *field) bool { return !k.widget }):
		c.change("the signature field %s was added, which is more than one", c.called(f))
	case len(widgets) == 1 && !c.only(widgets[0].dict):
		c.change("the signature field %s was added, which does more than show a signature", c.called(f))
	case c.B.Resolve(f.dict.Get("V")) == nil:
		if c.permit.Level == 1 || len(widgets) > 0 && c.visible(widgets[0].dict) {
			c.change("the empty signature field %s was added", c.called(f))
			return
		}
		c.add(model.AddedNothing)
	default:
		c.signed(f, false)
	}
}

// mark notes that the widgets of a field are judged with it.
func (c forms) mark(f *field) {
	if f.num > 0 {
		c.widgets[f.num] = true
	}
	for _, k := range f.kids {
		c.mark(k)
	}
}

// widgetsOf are what a field shows: itself, its kids, or both.
func (c forms) widgetsOf(f *field) (out []*field) {
	if f.dict.Get("Rect") != nil || f.dict.Get("AP") != nil {
		out = append(out, f)
	}
	for _, k := range f.kids {
		if k.widget {
			out = append(out, k)
		}
	}
	return out
}

// only says whether a new signature field has nothing but what one needs.
func (c forms) only(d object.Dict) bool {
	for _, e := range d {
		switch e.Key {
		case "Type", "Subtype", "FT", "T", "TU", "TM", "V", "F", "Ff", "Rect", "P", "AP", "AS", "MK", "DA", "DR", "Q", "DS",
			"Lock", "SV", "Kids", "Parent", "M", "NM", "Border", "BS", "C", "H", "StructParent", "Contents", "Lang":
		default:
			if !equal.Flat(c.B, e.Value, 2) || e.Key == "A" || e.Key == "AA" || e.Key == "OC" {
				return false
			}
		}
	}
	if s := c.B.Name(d.Get("Subtype")); s != "Widget" && s != "" {
		return false
	}
	return !d.Twice()
}

// signed judges a signature that was made in this revision. prepared: its field was there before.
func (c forms) signed(f *field, prepared bool) {
	v, ok := c.B.Resolve(f.value()).(object.Dict)
	_, also := c.B.Resolve(v.Get("ByteRange")).(object.Array)
	stamp := c.B.Name(v.Get("SubFilter")) == stampForm
	switch {
	case !ok || !also || v.Twice():
		c.change("the field %s says that it is signed, and is not", c.called(f))
		return
	case c.permit.Level == 1 && !stamp:
		c.change("the signature of the field %s, which the certification forbids", c.called(f))
		return
	case c.certifies(v):
		c.change("the signature of the field %s certifies what somebody had signed before", c.called(f))
		return
	}
	for _, w := range c.widgetsOf(f) {
		i, on := c.pageOf(w)
		if !on || !c.visible(w.dict) {
			continue
		}
		what := c.covers(i, w.dict, w.before())
		switch {
		case stamp && !prepared:
			c.change("page %d: a time stamp that is shown", i+1)
			return
		case stamp: // whose look may say anything, and no person signed
			c.doubt("a time stamp stands where a signer's signature is shown, so look at page %d", i+1)
		case !prepared && c.stands(w.dict):
			c.doubt("the look of a later signature does not turn or grow with page %d, so look at the page", i+1)
		case what != "" && c.permit.Level > 0 && !prepared:
			c.change("page %d: the look of the signature field %s lies over %s", i+1, c.called(f), what)
			return
		case what == text || what != "" && !prepared:
			c.doubt("the look of a later signature lies over %s of page %d, so look at the page", what, i+1)
		}
	}
	if stamp {
		c.add(model.AddedTimestamp)
	} else {
		c.add(model.AddedSignature)
	}
}

// certifies says whether a signature claims to be the author's.
func (c forms) certifies(v object.Dict) bool {
	for _, o := range c.B.Array(v.Get("Reference")) {
		if c.B.Name(c.B.Dict(o).Get("TransformMethod")) == "DocMDP" &&
			!c.Same(c.A.Root().Get("Perms"), c.B.Root().Get("Perms")) {
			return true
		}
	}
	return false
}

// pageOf finds the page that lists a widget.
func (c forms) pageOf(f *field) (int, bool) {
	if c.lists == nil {
		c.lists = map[int]int{}
		for i, p := range c.pagesB {
			for _, o := range p.annots {
				if n := equal.Number(o); n > 0 {
					c.lists[n] = i
				}
			}
		}
	}
	i, ok := c.lists[f.num]
	return i, ok && f.num > 0
}

// stands says whether a widget keeps its size or its direction when the page does not (NoZoom, NoRotate), so that its
// rectangle does not say what it covers.
func (c forms) stands(d object.Dict) bool {
	flags, _ := c.B.Number(d.Get("F"))
	return int(flags)&(8|16) != 0
}
