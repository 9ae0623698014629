package difference

import (
	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

const (
	mostPages = 200_000
	mostTree  = 64 // levels of a page tree
)

// page is a page with what it inherits.
type page struct {
	num    int
	dict   object.Dict
	above  []object.Dict // the nodes over it, the nearest first
	annots object.Array
}

// inherited are the keys that a page takes from the nodes over it.
var inherited = []object.Name{"Resources", "MediaBox", "CropBox", "Rotate"}

func (p page) get(key object.Name) any {
	if v := p.dict.Get(key); v != nil {
		return v
	}
	for _, d := range p.above {
		if v := d.Get(key); v != nil {
			return v
		}
	}
	return nil
}

// pagesOf lists a revision's pages in their order. A node that comes again below itself is left out.
func pagesOf(r *revision.Revision) []page {
	var all []page
	path := map[int]bool{}
	steps := 0
	var walk func(o any, above []object.Dict, deep int)
	walk = func(o any, above []object.Dict, deep int) {
		steps++
		num := equal.Number(o)
		d, ok := r.Resolve(o).(object.Dict)
		if !ok || deep > mostTree || num > 0 && path[num] || steps > 2*mostPages {
			return
		}
		kids, ok := r.Resolve(d.Get("Kids")).(object.Array)
		if !ok {
			all = append(all, page{num, d, above, r.Array(d.Get("Annots"))})
			return
		}
		if num > 0 {
			path[num] = true
			defer delete(path, num)
		}
		over := append([]object.Dict{d}, above...)
		for _, k := range kids {
			walk(k, over, deep+1)
		}
	}
	walk(r.Root().Get("Pages"), nil, 0)
	return all
}

// pages compares the pages one by one.
func (c *comparison) pages() {
	if len(c.pagesA) != len(c.pagesB) {
		c.change("the number of pages: %d were signed and there are %d now", len(c.pagesA), len(c.pagesB))
	}
	c.tree()
	for i := range min(len(c.pagesA), len(c.pagesB)) {
		c.page(i)
	}
	for i, p := range c.pagesB[min(len(c.pagesA), len(c.pagesB)):] {
		_ = p
		c.change("page %d, which was added", len(c.pagesA)+i+1)
	}
}

// tree compares what the root of the page tree says beside the pages and what they inherit.
func (c *comparison) tree() {
	was, is := c.A.Dict(c.A.Root().Get("Pages")), c.B.Dict(c.B.Root().Get("Pages"))
	for _, e := range is {
		switch e.Key {
		case "Kids", "Resources", "MediaBox", "CropBox", "Rotate", "Parent":
		case "Type", "Count":
			if !c.Same(was.Get(e.Key), e.Value) {
				c.change("the page tree: its %s", string(e.Key))
			}
		default: // what a program notes about itself
			if !equal.Flat(c.B, e.Value, 2) && !c.Same(was.Get(e.Key), e.Value) {
				c.change("the page tree: %s", c.quoted(e.Key))
			}
		}
	}
}

// shown names a page's keys as people call them.
func shown(key object.Name) string {
	switch key {
	case "Contents":
		return "its content"
	case "Resources":
		return "what its content is drawn with"
	case "MediaBox", "CropBox", "TrimBox", "BleedBox", "ArtBox", "UserUnit":
		return "its size"
	case "Rotate":
		return "how it is turned"
	}
	return "its entry " + string(key[:min(len(key), 40)])
}

// page compares one page, each key by its rule.
func (c *comparison) page(i int) {
	was, is := c.pagesA[i], c.pagesB[i]
	if is.dict.Twice() && !was.dict.Twice() {
		c.change("page %d, which says something twice", i+1)
	}
	for _, key := range inherited {
		if !c.Same(was.get(key), is.get(key)) {
			c.change("page %d: %s", i+1, shown(key))
		}
	}
	for _, key := range c.Differing(was.dict, is.dict) {
		switch key {
		case "Resources", "MediaBox", "CropBox", "Rotate": // above, with what is inherited
		case "Parent", "Annots":
		case "LastModified":
			c.values("a page's date", is.dict.Get(key))
		case "Metadata":
			c.metadata(is.dict.Get(key))
		case "PieceInfo":
			c.private("a page", is.dict.Get(key))
		case "StructParents": // a tag's number; the tags have a rule of their own
			if was.dict.Get(key) != nil || !equal.Scalar(c.B.Resolve(is.dict.Get(key))) {
				c.change("page %d: %s", i+1, shown(key))
			}
		case "Tabs": // in which order a keyboard walks through the fields
			if !equal.Scalar(c.B.Resolve(is.dict.Get(key))) {
				c.change("page %d: %s", i+1, shown(key))
			}
		default:
			c.change("page %d: %s", i+1, shown(key))
		}
	}
	if was.dict.Get("Contents") == nil && c.B.Resolve(is.dict.Get("Contents")) == nil &&
		is.dict.Get("Contents") != nil {
		c.change("page %d: %s", i+1, shown("Contents"))
	}
	c.annotations(i)
}

// pairAnnotations makes each annotation that the signed page has the place of the same one now.
func (c *comparison) pairAnnotations(i int) {
	now := map[int]bool{}
	for _, o := range c.pagesB[i].annots {
		now[equal.Number(o)] = true
	}
	for _, o := range c.pagesA[i].annots {
		if n := equal.Number(o); now[n] {
			c.Node(n, n)
		}
	}
}

// annotations compares a page's annotations: those that were signed have to be there, in their order, and the same.
func (c *comparison) annotations(i int) {
	var was, is object.Array
	for _, o := range c.pagesA[i].annots {
		if c.A.Resolve(o) != nil {
			was = append(was, o)
		}
	}
	for _, o := range c.pagesB[i].annots {
		if c.B.Resolve(o) != nil {
			is = append(is, o)
		}
	}
	k := 0
	for _, o := range is {
		if k < len(was) && c.Takes(was[k], o) {
			c.annotation(i, was[k], o)
			k++
			continue
		}
		c.newAnnotation(i, o)
	}
	if k < len(was) {
		c.change("page %d: an annotation that was signed is gone", i+1)
	}
}

// annotation compares an annotation with itself.
func (c *comparison) annotation(i int, was, is any) {
	if c.widgets[equal.Number(is)] { // its field was judged
		return
	}
	x, ok := c.A.Resolve(was).(object.Dict)
	y, also := c.B.Resolve(is).(object.Dict)
	if !ok || !also || len(c.Differing(x, y)) > 0 {
		kind := c.A.Name(x.Get("Subtype"))
		c.change("page %d: an annotation (%s)", i+1, c.quoted(kind))
	}
}

// newAnnotation judges an annotation that was not there.
func (c *comparison) newAnnotation(i int, o any) {
	if c.widgets[equal.Number(o)] {
		return
	}
	d, ok := c.B.Resolve(o).(object.Dict)
	kind := c.B.Name(d.Get("Subtype"))
	if !ok || c.permit.Level != 3 || !comment(kind) || d.Get("A") != nil || d.Get("AA") != nil || d.Twice() {
		c.change("page %d: an annotation was added (%s)", i+1, c.quoted(kind))
		return
	}
	if kind == "Highlight" && d.Get("AP") == nil || kind == "Popup" && d.Get("AP") == nil {
		c.add(model.AddedComment)
		return
	}
	if what := c.covers(i, d, 0); what != "" {
		c.change("page %d: a comment was added that lies over %s (%s)", i+1, what, c.quoted(kind))
		return
	}
	c.add(model.AddedComment)
}

// comment says whether a kind of annotation is one that people comment with.
func comment(kind object.Name) bool {
	switch kind {
	case "Text", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly",
		"StrikeOut", "Caret", "Ink", "Stamp", "Popup":
		return true
	}
	return false
}
