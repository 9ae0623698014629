// Package paint says where a page shows text and pictures, roughly: enough to tell whether something was laid over
// them. It follows the content streams and draws nothing.
package paint

import (
	"math"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// Kind is what an area shows.
type Kind int

// The kinds.
const (
	Text Kind = iota
	Picture
	Line     // lines and filled areas
	Anywhere // text that may stand in any part of the area
)

// everywhere is as large as any page.
var everywhere = Area{X0: -1e9, Y0: -1e9, X1: 1e9, Y1: 1e9}

// Area is a rectangle of a page that shows something, in the page's units.
type Area struct {
	X0, Y0, X1, Y1 float64
	Kind           Kind
}

// Limits of what is followed.
const (
	mostSteps = 2_000_000
	mostForms = 12 // forms in forms
	mostAreas = 200_000
)

// Matrix maps points to points as PDF writes it: a b c d e f.
type Matrix [6]float64

// Identity leaves points where they are.
func Identity() Matrix { return Matrix{1, 0, 0, 1, 0, 0} }

// Then maps by m first and by n after it.
func (m Matrix) Then(n Matrix) Matrix {
	return Matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// Box is the rectangle around a mapped rectangle.
func (m Matrix) Box(x0, y0, x1, y1 float64) Area {
	a := Area{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
	for _, p := range [][2]float64{{x0, y0}, {x1, y0}, {x0, y1}, {x1, y1}} {
		x, y := m[0]*p[0]+m[2]*p[1]+m[4], m[1]*p[0]+m[3]*p[1]+m[5]
		a.X0, a.Y0, a.X1, a.Y1 = min(a.X0, x), min(a.Y0, y), max(a.X1, x), max(a.Y1, y)
	}
	return a
}

// Over says whether the area hides a part of another that can be seen: of a text, a piece of its height.
func (a Area) Over(b Area) bool {
	w, h := min(a.X1, b.X1)-max(a.X0, b.X0), min(a.Y1, b.Y1)-max(a.Y0, b.Y0)
	least := 1.5
	if b.Kind == Text {
		least = 0.25 * (b.Y1 - b.Y0)
	}
	return w > 1.5 && h > least
}

// Unknown is the area of what cannot be read: it may say anything anywhere.
func Unknown() Area { a := everywhere; a.Kind = Anywhere; return a }

func newPainter(r *revision.Revision) *painter {
	return &painter{r: r, ok: true, fonts: map[int]*font{}, tiles: map[int]Kind{}, state: plain()}
}

// Page follows a page's content. false: a part of it cannot be read.
func Page(r *revision.Revision, contents, resources any) ([]Area, bool) {
	p := newPainter(r)
	var all []byte
	add := func(o any) {
		s, ok := r.Resolve(o).(*object.Stream)
		if !ok {
			return
		}
		data, err := r.Decode(s)
		if err != nil {
			p.ok = false
		}
		all = append(append(all, data...), '\n')
	}
	if list, ok := r.Resolve(contents).(object.Array); ok {
		for _, o := range list {
			add(o)
		}
	} else {
		add(contents)
	}
	p.run(all, r.Dict(resources), Identity(), 0)
	return p.areas, p.ok
}

// Form follows a form XObject, such as an appearance, placed by a matrix.
func Form(r *revision.Revision, o any, at Matrix) ([]Area, bool) {
	p := newPainter(r)
	p.form(r.Resolve(o), nil, at, 0)
	return p.areas, p.ok
}

// Rect reads a rectangle, its corners in any order.
func Rect(r *revision.Revision, o any) (Area, bool) {
	var n [4]float64
	list := r.Array(o)
	if len(list) != 4 {
		return Area{}, false
	}
	for i := range n {
		var ok bool
		if n[i], ok = r.Number(list[i]); !ok {
			return Area{}, false
		}
	}
	return Area{X0: min(n[0], n[2]), Y0: min(n[1], n[3]), X1: max(n[0], n[2]), Y1: max(n[1], n[3])}, true
}

// Fit maps an appearance onto an annotation's rectangle (ISO 32000-2, 12.5.5).
func Fit(r *revision.Revision, form object.Dict, rect Area) Matrix {
	box, ok := Rect(r, form.Get("BBox"))
	if !ok {
		return Identity()
	}
	b := matrix(r, form.Get("Matrix")).Box(box.X0, box.Y0, box.X1, box.Y1)
	w, h := b.X1-b.X0, b.Y1-b.Y0
	if w == 0 || h == 0 {
		return Identity()
	}
	sx, sy := (rect.X1-rect.X0)/w, (rect.Y1-rect.Y0)/h
	return Matrix{sx, 0, 0, sy, rect.X0 - b.X0*sx, rect.Y0 - b.Y0*sy}
}

func matrix(r *revision.Revision, o any) Matrix {
	list := r.Array(o)
	if len(list) != 6 {
		return Identity()
	}
	var m Matrix
	for i := range m {
		m[i], _ = r.Number(list[i])
	}
	return m
}
