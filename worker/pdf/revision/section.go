package revision

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision/filter"
)

var errTable = errors.New("its cross-reference table cannot be read")

// run is a part of a table: places of objects with consecutive numbers.
type run struct {
	first  int
	places []place
}

// section is one cross-reference table or stream.
type section struct {
	from, to int64 // its bytes
	runs     []run
	trailer  object.Dict
	prev     int64    // -1: none
	hidden   *section // the stream of a hybrid file
	stream   int      // the number of the object that it is; 0 where it is a classic table
	twice    bool     // it says of an object that it lies at two places
}

func (s *section) get(num int) place {
	for i := len(s.runs) - 1; i >= 0; i-- {
		if r := s.runs[i]; num >= r.first && num-r.first < len(r.places) {
			return r.places[num-r.first]
		}
	}
	return place{}
}

// section reads the table that lies at an offset, once.
func (f *File) section(at int64) (*section, error) {
	if s, ok := f.sections[at]; ok {
		if s == nil {
			return nil, errTable
		}
		return s, nil
	}
	f.sections[at] = nil // one that names itself is not read again
	s, err := f.readSection(at)
	if err != nil {
		return nil, err
	}
	f.sections[at] = s
	return s, nil
}

func (f *File) readSection(at int64) (*section, error) {
	for _, from := range []int64{at, at + f.base} {
		if from < 0 || from >= int64(len(f.raw)) {
			continue
		}
		p := &object.Parser{Raw: f.raw, At: int(from), Refs: true}
		p.Blank()
		var s *section
		var err error
		if p.Has("xref") {
			s, err = f.classic(p)
		} else {
			s, err = f.streamed(p.At)
		}
		if err != nil {
			if f.base == 0 || from != at {
				return nil, err
			}
			continue
		}
		s.from, s.twice = from, s.contradicts()
		return s, f.links(s)
	}
	return nil, errTable
}

// contradicts says whether two runs of a table name different places for one object.
func (s *section) contradicts() bool {
	byFirst := slices.Clone(s.runs)
	slices.SortStableFunc(byFirst, func(a, b run) int { return cmp.Compare(a.first, b.first) })
	end, in := 0, run{}
	for _, r := range byFirst {
		for n := r.first; n < min(end, r.first+len(r.places)); n++ {
			if in.places[n-in.first] != r.places[n-r.first] {
				return true
			}
		}
		if to := r.first + len(r.places); to > end {
			end, in = to, r
		}
	}
	return false
}

// links reads what a section's trailer says of other sections.
func (f *File) links(s *section) error {
	s.prev = -1
	if n, ok := s.trailer.Get("Prev").(object.Number); ok {
		i, whole := n.Int()
		if !whole || i < 0 {
			return errTable
		}
		s.prev = int64(i)
	}
	if n, ok := s.trailer.Get("XRefStm").(object.Number); ok && s.stream == 0 {
		i, _ := n.Int()
		hidden, err := f.section(int64(i))
		if err != nil {
			return err
		}
		if hidden.stream == 0 || hidden.hidden != nil {
			return errTable
		}
		s.hidden = hidden
	}
	return nil
}

// classic reads a table as it was written before streams.
func (f *File) classic(p *object.Parser) (*section, error) {
	s := &section{}
	for {
		p.Blank()
		if p.Has("trailer") {
			break
		}
		first, ok := p.Whole()
		count, also := p.Whole()
		if !ok || !also || first > mostNumber || count > mostNumber-first+1 || count > len(p.Raw[p.At:])/18 {
			return nil, errTable
		}
		r := run{first, make([]place, count)}
		for i := range count {
			at, ok := p.Whole()
			gen, also := p.Whole()
			p.Blank()
			if !ok || !also || p.At >= len(p.Raw) {
				return nil, errTable
			}
			switch p.Raw[p.At] {
			case 'n':
				r.places[i] = place{kind: direct, at: int64(at)}
			case 'f':
				r.places[i] = place{kind: free}
				if i == 0 && first == 1 && gen == 65535 { // programs that count from 1
					r.first = 0
				}
			default:
				return nil, errTable
			}
			p.At++
		}
		s.runs = append(s.runs, r)
	}
	o, err := p.Next()
	if err != nil {
		return nil, err
	}
	var ok bool
	if s.trailer, ok = o.(object.Dict); !ok {
		return nil, errTable
	}
	s.to = int64(p.At)
	return s, nil
}

// streamed reads a cross-reference stream.
func (f *File) streamed(at int) (*section, error) {
	o := f.objectAt(at, nil)
	stream, ok := o.value.(*object.Stream)
	if !ok || stream.Dict.Get("Type") != object.Name("XRef") {
		return nil, errTable
	}
	stream.Plain = true
	s := &section{trailer: stream.Dict, stream: o.num, to: int64(o.to)}
	widths, ok := ints(stream.Dict.Get("W"), 3)
	size, also := stream.Dict.Get("Size").(object.Number)
	if !ok || !also || widths[0] > 8 || widths[1] > 8 || widths[2] > 8 {
		return nil, errTable
	}
	index, ok := ints(stream.Dict.Get("Index"), 0)
	if !ok {
		n, _ := size.Int()
		index = []int{0, n}
	}
	data, err := f.decode(stream, func(o any) any { return o })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errTable, err)
	}
	return s, s.unpack(data, widths, index)
}

func (s *section) unpack(data []byte, widths, index []int) error {
	width := widths[0] + widths[1] + widths[2]
	if width == 0 || len(index)%2 == 1 {
		return errTable
	}
	for i := 0; i+1 < len(index); i += 2 {
		first, count := index[i], min(index[i+1], len(data)/width)
		if first > mostNumber || count > mostNumber-first+1 {
			return errTable
		}
		r := run{first, make([]place, count)}
		for k := range count {
			r.places[k] = unpackOne(data[:width], widths)
			data = data[width:]
		}
		s.runs = append(s.runs, r)
	}
	return nil
}

func unpackOne(data []byte, widths []int) place {
	field := func(w int) (n int64) {
		for _, b := range data[:w] {
			n = n<<8 | int64(b)
		}
		data = data[w:]
		return n
	}
	kind := int64(1)
	if k := field(widths[0]); widths[0] > 0 {
		kind = k
	}
	second, third := field(widths[1]), field(widths[2])
	switch kind {
	case 0:
		return place{kind: free}
	case 1:
		return place{kind: direct, at: second}
	case 2:
		return place{kind: packed, at: second, index: int32(third)} //nolint:gosec // a wrong one finds nothing
	}
	return place{kind: free}
}

// ints returns whole numbers from zero up; want says how many there must be, if above zero.
func ints(o any, want int) ([]int, bool) {
	a, ok := o.(object.Array)
	if !ok || want > 0 && len(a) != want {
		return nil, false
	}
	out := make([]int, len(a))
	for i, x := range a {
		n, ok := x.(object.Number)
		whole, also := n.Int()
		if !ok || !also || whole < 0 {
			return nil, false
		}
		out[i] = whole
	}
	return out, true
}

// params are a filter's parameters.
func params(o any) filter.Params {
	d, _ := o.(object.Dict)
	number := func(key object.Name, otherwise int) int {
		if n, ok := d.Get(key).(object.Number); ok {
			i, _ := n.Int()
			return i
		}
		return otherwise
	}
	return filter.Params{Predictor: number("Predictor", 1), Colors: number("Colors", 1),
		Bits: number("BitsPerComponent", 8), Columns: number("Columns", 1), EarlyChange: number("EarlyChange", 1) != 0}
}
