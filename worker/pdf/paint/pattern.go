package paint

import "countersign/worker/pdf/object"

// paint fills or strokes the path.
func (p *painter) paint(op string) {
	if p.drawn {
		kind := Line
		if p.slanted {
			kind = Picture
		}
		p.add(p.path, kind)
		if p.fill != Line && op != "S" && op != "s" {
			p.add(p.path, p.fill)
		}
		if p.stroke != Line && op != "f" && op != "F" && op != "f*" { // however thick it is
			p.add(everywhere, p.stroke)
		}
	}
	p.drawn, p.slanted = false, false
}

// colour is what is shown where one paints from now on: what a pattern repeats, or lines and areas for a colour.
func (p *painter) colour(resources object.Dict, deep int) Kind {
	if len(p.args) == 0 {
		return Line
	}
	name, ok := p.args[len(p.args)-1].(object.Name)
	if !ok {
		return Line
	}
	return p.tile(p.r.Dict(resources.Get("Pattern")).Get(name), resources, deep)
}

// tile says what a tiling pattern repeats. Where in the painted area that stands is not looked for.
func (p *painter) tile(o any, resources object.Dict, deep int) Kind {
	s, ok := p.r.Resolve(o).(*object.Stream)
	if !ok {
		return Line
	}
	r, _ := o.(object.Ref)
	if kind, ok := p.tiles[r.Num]; ok {
		return kind
	}
	p.tiles[r.Num] = Line // while it is followed, should it lead to itself
	outer := p.state
	p.state = plain()
	kind := p.within(func() { p.form(s, resources, Identity(), deep+1) })
	p.state = outer
	p.tiles[r.Num] = kind
	return kind
}

// within says what is drawn by a step that draws nothing on the page itself.
func (p *painter) within(draw func()) Kind {
	from, kind := len(p.areas), Line
	draw()
	for _, a := range p.areas[from:] {
		switch {
		case a.Kind == Text || a.Kind == Anywhere:
			kind = Anywhere
		case a.Kind == Picture && kind == Line:
			kind = Picture
		}
	}
	p.areas = p.areas[:from]
	return kind
}
