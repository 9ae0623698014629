package difference

import (
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/paint"
	"countersign/worker/pdf/revision"
)

// What something may lie over.
const (
	text    = "text"
	picture = "a picture"
)

// Flags of an annotation.
const flagHidden = 2

// visible says whether an annotation can be seen: it has a size, is not hidden, and draws something. One without an
// appearance of its own is drawn by the viewer, but for signatures.
func (c *comparison) visible(d object.Dict) bool {
	rect, ok := paint.Rect(c.B, d.Get("Rect"))
	flags, _ := c.B.Number(d.Get("F"))
	if !ok || rect.X0 == rect.X1 || rect.Y0 == rect.Y1 || int(flags)&flagHidden != 0 {
		return false
	}
	ap, ok := c.B.Resolve(d.Get("AP")).(object.Dict)
	if !ok {
		return len(c.B.Dict(d.Get("MK"))) > 0 || c.B.Name(d.Get("FT")) != "Sig" && d.Get("Parent") == nil
	}
	for _, e := range ap { // what is shown when it is pointed at is shown too
		if draws(c.B, e.Value) {
			return true
		}
	}
	return false
}

// draws says whether an appearance, or one of its states, draws anything.
func draws(r *revision.Revision, o any) bool {
	switch v := r.Resolve(o).(type) {
	case *object.Stream:
		areas, ok := paint.Form(r, v, paint.Identity())
		return len(areas) > 0 || !ok
	case object.Dict:
		for _, e := range v {
			if s, ok := r.Resolve(e.Value).(*object.Stream); ok && draws(r, s) {
				return true
			}
		}
	}
	return false
}

// covers says what of a page's content an annotation of the new revision lies over; "" where it lies over nothing. own is
// the number that it has in the earlier revision, 0 for a new one: what it showed itself does not count.
func (c *comparison) covers(i int, d object.Dict, own int) string {
	if !c.visible(d) || i >= len(c.pagesA) {
		return ""
	}
	rect, _ := paint.Rect(c.B, d.Get("Rect"))
	over := ""
	for _, a := range c.content(i) {
		if own > 0 && a.of == own || !rect.Over(a.Area) {
			continue
		}
		switch a.Kind {
		case paint.Text, paint.Anywhere:
			return text
		case paint.Picture:
			over = picture
		}
	}
	return over
}

// shownArea is an area of a page and the number of the annotation that shows it; 0 for the page itself.
type shownArea struct {
	paint.Area
	of int
}

// content is what a page of the earlier revision shows, with its annotations.
func (c *comparison) content(i int) []shownArea {
	if all, ok := c.areas[i]; ok {
		return all
	}
	p := c.pagesA[i]
	var all []shownArea
	add := func(areas []paint.Area, of int) {
		for _, a := range areas {
			all = append(all, shownArea{a, of})
		}
	}
	areas, ok := paint.Page(c.A, p.get("Contents"), p.get("Resources"))
	if !ok { // what cannot be read may be anywhere
		areas = append(areas, paint.Unknown())
	}
	add(areas, 0)
	for _, o := range p.annots {
		d, ok := c.A.Resolve(o).(object.Dict)
		rect, also := paint.Rect(c.A, d.Get("Rect"))
		flags, _ := c.A.Number(d.Get("F"))
		look := shownState(c.A, d)
		if !ok || !also || look == nil || int(flags)&flagHidden != 0 || c.A.Name(d.Get("Subtype")) == "Popup" {
			continue
		}
		areas, ok := paint.Form(c.A, look, paint.Fit(c.A, look.Dict, rect))
		if !ok {
			rect.Kind = paint.Anywhere
			areas = append(areas, rect)
		}
		add(areas, equal.Number(o))
	}
	if c.areas == nil {
		c.areas = map[int][]shownArea{}
	}
	c.areas[i] = all
	return all
}

// shownState is the appearance that an annotation shows; nil for none.
func shownState(r *revision.Revision, d object.Dict) *object.Stream {
	switch v := r.Resolve(r.Dict(d.Get("AP")).Get("N")).(type) {
	case *object.Stream:
		return v
	case object.Dict:
		s, _ := r.Resolve(v.Get(r.Name(d.Get("AS")))).(*object.Stream)
		return s
	}
	return nil
}
