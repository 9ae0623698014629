package paint

import (
	"bytes"
	"slices"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// state is what q keeps and Q brings back.
type state struct {
	ctm                          Matrix
	font                         *font
	size, chars, words, lead, up float64
	wide                         float64 // horizontal scaling
	fill, stroke                 Kind    // what the pattern shows that is painted with; Line for a colour
}

// plain is the state in which a page begins.
func plain() state { return state{ctm: Identity(), wide: 1, fill: Line, stroke: Line} }

// place is where a content stream is.
type place struct {
	line, text Matrix
	path       Area
	drawn      bool // the path has a point
	slanted    bool // and a line that is neither level nor upright, as letters and drawings have
	last       [2]float64
}

// painter follows content streams.
type painter struct {
	r     *revision.Revision
	areas []Area
	ok    bool
	steps int
	fonts map[int]*font
	tiles map[int]Kind // what each pattern shows

	state
	place
	saved []state
	args  []any
}

func (p *painter) add(a Area, kind Kind) {
	if a.Kind = kind; len(p.areas) < mostAreas {
		p.areas = append(p.areas, a)
		return
	}
	p.ok = false
}

// run follows a content stream, which begins in the state that the one around it has.
func (p *painter) run(data []byte, resources object.Dict, ctm Matrix, deep int) {
	outer, at, saved := p.state, p.place, p.saved
	p.ctm, p.place, p.saved = ctm, place{}, nil
	defer func() { p.state, p.place, p.saved = outer, at, saved }()
	in := &object.Parser{Raw: data}
	p.args = p.args[:0]
	for p.steps < mostSteps {
		p.steps++
		if in.Blank(); in.At >= len(data) {
			return
		}
		o, err := in.Next()
		if err != nil {
			p.ok = false
			return
		}
		op, ok := o.(object.Keyword)
		if !ok {
			if len(p.args) < 64 {
				p.args = append(p.args, o)
			}
			continue
		}
		if op == "BI" {
			p.inline(in)
		} else {
			p.do(string(op), resources, deep)
		}
		p.args = p.args[:0]
	}
	p.ok = false
}

// inline skips a picture that stands in the content.
func (p *painter) inline(in *object.Parser) {
	p.add(p.ctm.Box(0, 0, 1, 1), Picture)
	i := bytes.Index(in.Raw[in.At:], []byte("ID"))
	if i < 0 {
		return
	}
	in.At += i + 2
	for {
		i := bytes.Index(in.Raw[in.At:], []byte("EI"))
		if i < 0 {
			in.At = len(in.Raw)
			return
		}
		at := in.At + i
		in.At = at + 2
		if object.White(in.Raw[at-1]) && (in.At >= len(in.Raw) || object.White(in.Raw[in.At])) {
			return
		}
	}
}

func (p *painter) number(i int) float64 {
	if i >= len(p.args) {
		return 0
	}
	n, _ := p.args[i].(object.Number)
	return float64(n)
}

func (p *painter) matrix() Matrix {
	return Matrix{p.number(0), p.number(1), p.number(2), p.number(3), p.number(4), p.number(5)}
}

// do follows one operator.
func (p *painter) do(op string, resources object.Dict, deep int) {
	switch op {
	case "q":
		if len(p.saved) < 1000 {
			p.saved = append(p.saved, p.state)
		}
	case "Q":
		if n := len(p.saved); n > 0 {
			p.state, p.saved = p.saved[n-1], p.saved[:n-1]
		}
	case "cm":
		p.ctm = p.matrix().Then(p.ctm)
	case "Do":
		p.object(resources, deep)
	case "sh":
		p.add(everywhere, Line)
	case "m":
		p.point(p.number(0), p.number(1))
	case "l":
		p.slanted = p.slanted || p.number(0) != p.last[0] && p.number(1) != p.last[1]
		p.point(p.number(0), p.number(1))
	case "c":
		p.slanted = true
		p.point(p.number(0), p.number(1))
		p.point(p.number(2), p.number(3))
		p.point(p.number(4), p.number(5))
	case "v", "y":
		p.slanted = true
		p.point(p.number(0), p.number(1))
		p.point(p.number(2), p.number(3))
	case "re":
		p.point(p.number(0), p.number(1))
		p.point(p.number(0)+p.number(2), p.number(1)+p.number(3))
	case "f", "F", "f*", "B", "B*", "b", "b*", "S", "s":
		p.paint(op)
	case "n":
		p.drawn, p.slanted = false, false
	case "gs":
		p.graphics(resources, deep)
	case "cs", "sc", "scn", "g", "rg", "k":
		p.fill = p.colour(resources, deep)
	case "CS", "SC", "SCN", "G", "RG", "K":
		p.stroke = p.colour(resources, deep)
	default:
		p.textual(op, resources)
	}
}

func (p *painter) point(x, y float64) {
	a := p.ctm.Box(x, y, x, y)
	if p.drawn {
		a = Area{X0: min(a.X0, p.path.X0), Y0: min(a.Y0, p.path.Y0), X1: max(a.X1, p.path.X1), Y1: max(a.Y1, p.path.Y1)}
	}
	p.path, p.drawn, p.last = a, true, [2]float64{x, y}
}

// graphics takes the font of a state that has a name, and text that its mask cuts out of what is painted.
func (p *painter) graphics(resources object.Dict, deep int) {
	if len(p.args) == 0 {
		return
	}
	name, _ := p.args[0].(object.Name)
	named := p.r.Dict(p.r.Dict(resources.Get("ExtGState")).Get(name))
	if mask, ok := p.r.Resolve(p.r.Dict(named.Get("SMask")).Get("G")).(*object.Stream); ok {
		from := len(p.areas)
		p.form(mask, resources, p.ctm, deep+1)
		text := slices.DeleteFunc(p.areas[from:], func(a Area) bool { return a.Kind != Text && a.Kind != Anywhere })
		p.areas = p.areas[:from+len(text)]
	}
	list := p.r.Array(named.Get("Font"))
	if len(list) == 2 {
		p.font = p.fontOf(list[0])
		p.size, _ = p.r.Number(list[1])
	}
}

// object follows a form or picture.
func (p *painter) object(resources object.Dict, deep int) {
	if len(p.args) == 0 {
		return
	}
	name, _ := p.args[0].(object.Name)
	o := p.r.Resolve(p.r.Dict(resources.Get("XObject")).Get(name))
	s, ok := o.(*object.Stream)
	if !ok {
		return
	}
	if p.r.Name(s.Dict.Get("Subtype")) == "Image" {
		p.add(p.ctm.Box(0, 0, 1, 1), Picture)
		return
	}
	p.form(s, resources, p.ctm, deep+1)
}

func (p *painter) form(o any, resources object.Dict, at Matrix, deep int) {
	s, ok := o.(*object.Stream)
	if !ok {
		return
	}
	data, err := p.r.Decode(s)
	if err != nil || deep > mostForms {
		p.ok = false
		return
	}
	if own := p.r.Dict(s.Dict.Get("Resources")); len(own) > 0 {
		resources = own
	}
	p.run(data, resources, matrix(p.r, s.Dict.Get("Matrix")).Then(at), deep)
}

// textual follows the operators of text.
func (p *painter) textual(op string, resources object.Dict) {
	switch op {
	case "BT":
		p.line, p.text = Identity(), Identity()
	case "Tf":
		if len(p.args) > 0 {
			name, _ := p.args[0].(object.Name)
			p.font = p.fontOf(p.r.Dict(resources.Get("Font")).Get(name))
		}
		p.size = p.number(1)
	case "Tc":
		p.chars = p.number(0)
	case "Tw":
		p.words = p.number(0)
	case "Tz":
		p.wide = p.number(0) / 100
	case "TL":
		p.lead = p.number(0)
	case "Ts":
		p.up = p.number(0)
	case "Tm":
		p.line = p.matrix()
		p.text = p.line
	case "Td":
		p.move(p.number(0), p.number(1))
	case "TD":
		p.lead = -p.number(1)
		p.move(p.number(0), p.number(1))
	case "T*":
		p.move(0, -p.lead)
	case "Tj":
		p.show(0)
	case "'":
		p.move(0, -p.lead)
		p.show(0)
	case "\"":
		p.words, p.chars = p.number(0), p.number(1)
		p.move(0, -p.lead)
		p.show(2)
	case "TJ":
		p.shows()
	}
}

func (p *painter) move(x, y float64) {
	p.line = Matrix{1, 0, 0, 1, x, y}.Then(p.line)
	p.text = p.line
}

func (p *painter) show(i int) {
	if i < len(p.args) {
		if s, ok := p.args[i].(object.String); ok {
			p.string(s)
		}
	}
}

func (p *painter) shows() {
	if len(p.args) == 0 {
		return
	}
	list, _ := p.args[0].(object.Array)
	for _, o := range list {
		switch v := o.(type) {
		case object.String:
			p.string(v)
		case object.Number:
			p.forward(-float64(v) / 1000 * p.size * p.wide)
		}
	}
}

func (p *painter) forward(x float64) { p.text = Matrix{1, 0, 0, 1, x, 0}.Then(p.text) }

// string shows a string: an area for each run of characters that say something.
func (p *painter) string(s object.String) {
	f := p.font
	if f == nil {
		f = &font{step: 1, otherwise: 0.55}
	}
	from, at := -1.0, 0.0
	end := func() {
		if from >= 0 && at > from {
			p.add(p.text.Then(p.ctm).Box(from, p.up-0.2*p.size, at, p.up+0.75*p.size), Text)
		}
		from = -1
	}
	for i := 0; i+f.step <= len(s); i += f.step {
		code := int(s[i])
		if f.step == 2 {
			code = code<<8 | int(s[i+1])
		}
		if f.step == 1 && blank(s[i]) {
			end()
		} else if from < 0 {
			from = at
		}
		w := f.width(code)*p.size + p.chars
		if f.step == 1 && code == ' ' {
			w += p.words
		}
		at += w * p.wide
	}
	end()
	p.forward(at)
}

// blank are characters that a signature may stand on.
func blank(c byte) bool {
	switch c {
	case ' ', '_', '.', '-', 0xa0:
		return true
	}
	return false
}
