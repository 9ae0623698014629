package paint

import "countersign/worker/pdf/object"

// font is how wide a font's characters are.
type font struct {
	step      int // bytes of a character
	otherwise float64
	first     int
	widths    []float64
	wide      map[int]float64
}

func (f *font) width(code int) float64 {
	if f.wide != nil {
		if w, ok := f.wide[code]; ok {
			return w
		}
		return f.otherwise
	}
	if i := code - f.first; i >= 0 && i < len(f.widths) {
		return f.widths[i]
	}
	return f.otherwise
}

// fontOf reads a font's widths, once.
func (p *painter) fontOf(o any) *font {
	r, ok := o.(object.Ref)
	if ok {
		if f := p.fonts[r.Num]; f != nil {
			return f
		}
	}
	d := p.r.Dict(o)
	f := &font{step: 1, otherwise: 0.55}
	if p.r.Name(d.Get("Subtype")) == "Type0" {
		p.composite(f, d)
	} else {
		p.simple(f, d)
	}
	if ok {
		p.fonts[r.Num] = f
	}
	return f
}

func (p *painter) simple(f *font, d object.Dict) {
	scale := 0.001
	if p.r.Name(d.Get("Subtype")) == "Type3" {
		scale = matrix(p.r, d.Get("FontMatrix"))[0]
	}
	first, _ := p.r.Number(d.Get("FirstChar"))
	f.first = int(first)
	for _, o := range p.r.Array(d.Get("Widths")) {
		w, _ := p.r.Number(o)
		f.widths = append(f.widths, w*scale)
	}
}

// composite reads the widths of a font whose characters have two bytes.
func (p *painter) composite(f *font, d object.Dict) {
	f.step, f.otherwise, f.wide = 2, 1, map[int]float64{}
	kids := p.r.Array(d.Get("DescendantFonts"))
	if len(kids) == 0 {
		return
	}
	under := p.r.Dict(kids[0])
	if w, ok := p.r.Number(under.Get("DW")); ok {
		f.otherwise = w / 1000
	}
	list := p.r.Array(under.Get("W"))
	for i := 0; i+1 < len(list); {
		from, ok := p.r.Number(list[i])
		if !ok {
			return
		}
		if each, ok := p.r.Resolve(list[i+1]).(object.Array); ok {
			for k, o := range each {
				w, _ := p.r.Number(o)
				f.wide[int(from)+k] = w / 1000
			}
			i += 2
			continue
		}
		if i+2 >= len(list) {
			return
		}
		to, _ := p.r.Number(list[i+1])
		w, _ := p.r.Number(list[i+2])
		for c := int(from); c <= int(min(to, from+65535)); c++ {
			f.wide[c] = w / 1000
		}
		i += 3
	}
}
