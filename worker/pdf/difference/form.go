package difference

import (
	"fmt"
	"slices"

	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/paint"
	"countersign/worker/pdf/revision"
)

const mostFields = 200_000

// forms is the comparison of two forms.
type forms struct{ *comparison }

// field is a node of a form: a field, a group of them or a widget of one.
type field struct {
	num    int
	dict   object.Dict
	name   string // with the names of the groups over it
	widget bool   // it has no name of its own
	kind   object.Name
	over   *field
	kids   []*field
	match  *field // in the other revision
}

// value is a field's value, which a widget takes from its field.
func (f *field) value() any {
	for ; f != nil; f = f.over {
		if v := f.dict.Get("V"); v != nil {
			return v
		}
	}
	return nil
}

// before is the number that the node has in the earlier revision; 0 for a new one.
func (f *field) before() int {
	if f.match == nil {
		return 0
	}
	return f.match.num
}

// fieldsOf reads the form's tree of fields.
func fieldsOf(r *revision.Revision) *field {
	root := &field{dict: r.Dict(r.Root().Get("AcroForm"))}
	seen := map[int]bool{}
	count := 0
	var walk func(list any, over *field, deep int)
	walk = func(list any, over *field, deep int) {
		for _, o := range r.Array(list) {
			n := equal.Number(o)
			d, ok := r.Resolve(o).(object.Dict)
			if count++; !ok || n > 0 && seen[n] || deep > mostTree || count > mostFields {
				continue
			}
			seen[n] = true
			f := &field{num: n, dict: d, over: over, kind: over.kind, name: over.name}
			if k := r.Name(d.Get("FT")); k != "" {
				f.kind = k
			}
			if t, ok := r.Resolve(d.Get("T")).(object.String); ok {
				if f.name != "" {
					f.name += "."
				}
				f.name += t.Text()
			} else {
				f.widget = over != root
			}
			over.kids = append(over.kids, f)
			walk(d.Get("Kids"), f, deep+1)
		}
	}
	walk(root.dict.Get("Fields"), root, 0)
	return root
}

// pairFields finds which field takes which one's place: the one of the same number, else of the same name.
func (c forms) pairFields(was, is *field) {
	byNumber, byName := map[int]*field{}, map[string]*field{}
	for _, f := range is.kids {
		if f.num > 0 {
			byNumber[f.num] = f
		}
		if !f.widget {
			byName[f.name] = f
		}
	}
	for i, f := range was.kids {
		to := byNumber[f.num]
		switch {
		case to != nil && to.match == nil && to.name == f.name:
		case !f.widget:
			to = byName[f.name]
		case i < len(is.kids):
			to = is.kids[i]
		}
		if to == nil || to.match != nil || to.widget != f.widget {
			continue
		}
		f.match, to.match = to, f
		c.Node(f.num, to.num)
		c.pairFields(f, to)
	}
}

// compare compares the forms.
func (c forms) compare() {
	was, is := c.formA.dict, c.formB.dict
	for _, key := range c.Differing(was, is) {
		switch key {
		case "Fields":
		case "SigFlags":
			old, _ := c.A.Number(was.Get(key))
			now, ok := c.B.Number(is.Get(key))
			if !ok || int(old)&^int(now) != 0 || now > 3 {
				c.change("the form: its signature flags")
			}
		case "DR":
			c.fonts(was.Get(key), is.Get(key))
		case "DA", "Q":
			if len(c.formA.kids) > 0 && was.Get(key) != nil || !equal.Scalar(c.B.Resolve(is.Get(key))) {
				c.change("the form: how fields are drawn")
			}
		case "NeedAppearances":
			if c.B.Resolve(is.Get(key)) == true && !c.onlySignatures() {
				c.change("the form: viewers are told to draw the fields anew")
			}
		default:
			c.change("the form: its entry %s", c.quoted(key))
		}
	}
	c.fields(c.formA, c.formB)
}

// onlySignatures says whether the signed form had nothing that a viewer would draw anew.
func (c forms) onlySignatures() bool {
	only := true
	var walk func(f *field)
	walk = func(f *field) {
		for _, k := range f.kids {
			only = only && (k.kind == "Sig" || len(k.kids) > 0)
			walk(k)
		}
	}
	walk(c.formA)
	return only
}

// fonts wants resources that fields are drawn with: what was there has to be the same.
func (c forms) fonts(was, is any) {
	old, now := c.A.Dict(was), c.B.Dict(is)
	for _, e := range old {
		if c.Same(e.Value, now.Get(e.Key)) {
			continue
		}
		x, ok := c.A.Resolve(e.Value).(object.Dict)
		y, also := c.B.Resolve(now.Get(e.Key)).(object.Dict)
		if !ok || !also || y.Twice() {
			c.change("the form: what fields are drawn with")
			return
		}
		for _, f := range x {
			if !c.Same(f.Value, y.Get(f.Key)) {
				c.change("the form: what fields are drawn with")
				return
			}
		}
	}
}

// fields compares the fields below a node.
func (c forms) fields(was, is *field) {
	for _, f := range was.kids {
		if f.match == nil {
			c.change("the field %s is gone", c.called(f))
			continue
		}
		c.widgets[f.match.num] = true
		c.field(f, f.match)
		c.fields(f, f.match)
	}
	for _, f := range is.kids {
		if f.match == nil {
			c.newField(f)
		}
	}
}

func (c forms) called(f *field) string {
	if f.name == "" {
		return "without a name"
	}
	return fmt.Sprintf("%.60q", f.name)
}

// field compares a field, or a widget of one, with itself.
func (c forms) field(was, is *field) {
	keys := c.Differing(was.dict, is.dict)
	keys = slices.DeleteFunc(keys, func(k object.Name) bool { return k == "Kids" || k == "Parent" })
	if was.name != is.name || was.kind != is.kind || is.dict.Twice() {
		c.change("the field %s: what it is", c.called(was))
		return
	}
	if len(keys) == 0 {
		return
	}
	if was.kind == "Sig" {
		c.signatureField(was, is, keys)
		return
	}
	c.valueField(was, is, keys)
}

// signatureField judges what changed of a signature field.
func (c forms) signatureField(was, is *field, keys []object.Name) {
	before, now := c.A.Resolve(was.value()), c.B.Resolve(is.value())
	switch {
	case before != nil && now == nil:
		c.change("the signature of the field %s was taken out", c.called(was))
		return
	case before != nil && !c.Same(was.value(), is.value()):
		c.change("the signature of the field %s is another", c.called(was))
		return
	}
	for _, key := range keys {
		switch {
		case c.harmless(key, was, is):
		case before == nil && now != nil && slices.Contains(
			[]object.Name{"V", "AP", "AS", "MK", "F", "DA", "Ff", "Lock", "Type"}, key):
		case key == "AP" || key == "AS" || key == "F" || key == "MK":
			c.change("the look of the signature field %s", c.called(was))
			return
		default:
			c.change("the signature field %s: its entry %s", c.called(was), c.quoted(key))
			return
		}
	}
	if before != nil || now == nil {
		return
	}
	c.signed(is, was.widget || was.dict.Get("Rect") != nil)
}

// harmless are changes of any field that change neither what it shows nor what it says.
func (c forms) harmless(key object.Name, was, is *field) bool {
	old, _ := c.A.Number(was.dict.Get(key))
	now, ok := c.B.Number(is.dict.Get(key))
	added, gone := int(now)&^int(old), int(old)&^int(now)
	switch key {
	case "Ff": // read only
		return ok && gone == 0 && added == 1
	case "F": // read only, locked, locked contents
		return ok && gone == 0 && added&^(64|128|512) == 0
	case "M", "NM", "Type":
		return equal.Scalar(c.B.Resolve(is.dict.Get(key)))
	case "StructParent":
		return was.dict.Get(key) == nil && ok
	}
	return false
}

// valueField judges what changed of a field that people fill.
func (c forms) valueField(was, is *field, keys []object.Name) {
	filled := !c.Same(was.value(), is.value())
	for _, key := range keys {
		switch {
		case c.harmless(key, was, is):
		case filled && (key == "V" || key == "AS" || key == "I"):
		case filled && key == "AP" && was.kind != "Btn" && c.onlyNormal(was.dict.Get(key), is.dict.Get(key)):
		case key == "AP" || key == "AS" || key == "MK" || key == "F":
			c.change("the look of the field %s", c.called(was))
			return
		default:
			c.change("the field %s: its entry %s", c.called(was), c.quoted(key))
			return
		}
	}
	if !filled {
		return
	}
	before := c.A.Resolve(was.value())
	switch {
	case c.permit.Level == 1:
		c.change("the field %s was filled, which the certification forbids", c.called(was))
	case c.locked(was.name):
		c.change("the field %s, which a signature locks", c.called(was))
	case c.permit.Level < 2 && !c.permit.Signed:
		c.change("the field %s was filled after the last signature", c.called(was))
	case c.permit.Level < 2 && !empty(before):
		c.change("the value of the field %s, which was signed", c.called(was))
	case !equal.Flat(c.B, is.value(), 2) && !equal.PlainStream(c.B, is.value()):
		c.change("the value of the field %s, which is none", c.called(was))
	default:
		if !c.permit.Signed && !empty(before) {
			c.doubt("the field %s had another value when it was signed; the certification lets it be filled, and nobody signed "+
				"the new one", c.called(was))
		}
		c.filled(is)
	}
}

// onlyNormal says whether of a field's looks only the one changed that it has when nobody points at it.
func (c forms) onlyNormal(was, is any) bool {
	keys := c.Differing(c.A.Dict(was), c.B.Dict(is))
	return !slices.ContainsFunc(keys, func(k object.Name) bool { return k != "N" })
}

// filled looks where the look of a filled field lies, and what it is drawn with.
func (c forms) filled(is *field) {
	widgets := c.widgetsOf(is)
	if is.widget {
		widgets = []*field{is}
	}
	for _, w := range widgets {
		i, ok := c.pageOf(w)
		if !ok {
			continue
		}
		if what := c.covers(i, w.dict, w.before()); what != "" {
			c.doubt("what was filled into the field %s lies over %s of page %d, so look at the page", c.called(is), what, i+1)
		}
		if is.kind != "Btn" && !c.plainLook(w.dict) {
			c.doubt("the field %s shows what was filled in with a picture or with letters of its own, so look at the page",
				c.called(is))
		}
	}
	c.add(model.AddedForm)
}

// plainLook says whether a look is drawn with text alone, in fonts that the signed file has or that everybody has.
func (c forms) plainLook(d object.Dict) bool {
	look := shownState(c.B, d)
	if look == nil {
		return true
	}
	areas, ok := paint.Form(c.B, look, paint.Identity())
	drawn := func(a paint.Area) bool { return a.Kind == paint.Picture || a.Kind == paint.Anywhere }
	if !ok || slices.ContainsFunc(areas, drawn) {
		return false
	}
	known := c.A.Dict(c.A.Dict(c.formA.dict.Get("DR")).Get("Font"))
	for _, f := range c.B.Dict(c.B.Dict(look.Dict.Get("Resources")).Get("Font")) {
		d := c.B.Dict(f.Value)
		everybodys := c.B.Name(d.Get("Subtype")) == "Type1" && d.Get("FontDescriptor") == nil && d.Get("ToUnicode") == nil &&
			equal.Scalar(c.B.Resolve(d.Get("Encoding")))
		if !everybodys && !slices.ContainsFunc(known, func(k object.Entry) bool { return c.Same(k.Value, f.Value) }) {
			return false
		}
	}
	return true
}

// empty says whether a value is none: nothing, no text, or a box that is not ticked.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case object.String:
		return v == "" || v == "\xfe\xff"
	case object.Name:
		return v == "Off" || v == ""
	case object.Array:
		return len(v) == 0
	}
	return false
}

// locked says whether a signature locks a field.
func (c forms) locked(name string) bool {
	for _, l := range c.permit.Locks {
		named := slices.ContainsFunc(l.Fields, func(f string) bool {
			return f == name || len(name) > len(f) && name[:len(f)] == f && name[len(f)] == '.'
		})
		switch l.Action {
		case "All":
			return true
		case "Include":
			if named {
				return true
			}
		case "Exclude":
			if !named {
				return true
			}
		}
	}
	return false
}
