// Package revision reads each revision of a PDF file from its own bytes alone: tables and object streams, lazily, each
// object as a viewer of that revision finds it.
package revision

import (
	"bytes"
	"errors"
	"slices"

	"countersign/worker/pdf/object"
)

const (
	mostSections = 20_000 // tables that name each other
	mostHops     = 32     // references that name references
	mostLevels   = 64     // of a page tree
)

// ErrUnreadable says that neither a file's tables nor its bytes lead to a page tree.
var ErrUnreadable = errors.New("its page tree cannot be read")

// Revision is a file as it stood at an end.
type Revision struct {
	Trailer object.Dict
	// Rebuilt: no table leads to the page tree, and the objects were found by looking for them
	Rebuilt bool

	file     *File
	end      int64
	sections []*section // the newest first
	table    *table
	lengths  map[int]*parsed // objects whose extent another object says
	deep     int
}

// Open reads the revision that ends at an offset.
func (f *File) Open(end int64) (*Revision, error) {
	r := &Revision{file: f, end: end, lengths: map[int]*parsed{}}
	at, ok := r.start()
	if ok && r.chain(at) == nil {
		r.build()
		if err := r.unlock(); err != nil {
			return nil, err
		}
		if r.readable() {
			f.last = r
			return r, nil
		}
	}
	*r = Revision{file: f, end: end, lengths: map[int]*parsed{}, Rebuilt: true}
	if err := r.rebuild(); err != nil {
		return nil, err
	}
	if !r.readable() {
		return nil, ErrUnreadable
	}
	return r, nil
}

// start finds the last startxref.
func (r *Revision) start() (int64, bool) {
	mark := []byte("startxref")
	i := bytes.LastIndex(r.file.raw[:r.end], mark)
	if i < 0 {
		return 0, false
	}
	p := object.Parser{Raw: r.file.raw[:r.end], At: i + len(mark)}
	n, ok := p.Whole()
	return int64(n), ok
}

// chain reads the tables, the newest first.
func (r *Revision) chain(at int64) error {
	seen := map[int64]bool{}
	for at >= 0 && len(r.sections) < mostSections {
		if seen[at] {
			return errTable
		}
		seen[at] = true
		s, err := r.file.section(at)
		if err != nil {
			return err
		}
		if s.to > r.end || s.hidden != nil && s.hidden.to > r.end {
			return errTable
		}
		r.sections = append(r.sections, s)
		if at = s.prev; at == 0 {
			break // some programs write 0 where they mean none
		}
	}
	if len(r.sections) > 0 {
		r.Trailer = r.sections[0].trailer
	}
	return nil
}

// build joins the tables to one. It begins with that of the revision that was opened last, where this one goes on
// from it.
func (r *Revision) build() {
	r.table = &table{}
	newer := r.sections
	if l := r.file.last; l != nil && !l.Rebuilt && len(l.sections) <= len(r.sections) {
		rest := len(r.sections) - len(l.sections)
		if slices.Equal(r.sections[rest:], l.sections) {
			r.table, newer = l.table.clone(), r.sections[:rest]
		}
	}
	for _, s := range slices.Backward(newer) {
		r.table.apply(s)
	}
}

// readable says whether the trailer leads to a page tree.
func (r *Revision) readable() bool {
	root := r.Dict(r.Trailer.Get("Root"))
	return len(r.Dict(root.Get("Pages"))) > 0
}

// Pages says whether the page tree has a page that can be read.
func (r *Revision) Pages() bool {
	seen := map[int]bool{}
	var walk func(o any, deep int) bool
	walk = func(o any, deep int) bool {
		if ref, ok := o.(object.Ref); ok {
			if seen[ref.Num] {
				return false
			}
			seen[ref.Num] = true
		}
		d, ok := r.Resolve(o).(object.Dict)
		if !ok || deep > mostLevels {
			return false
		}
		kids, ok := r.Resolve(d.Get("Kids")).(object.Array)
		if !ok {
			t := r.Name(d.Get("Type"))
			return len(d) > 0 && t != "Pages" && t != "Catalog"
		}
		for _, k := range kids {
			if walk(k, deep+1) {
				return true
			}
		}
		return false
	}
	return walk(r.Root().Get("Pages"), 0)
}

// Follows says whether this revision was appended to an earlier one: its newest table lies behind that one's end.
func (r *Revision) Follows(earlier *Revision) bool {
	return len(r.sections) > 0 && r.sections[0].from >= earlier.end
}

// Doubtful says why programs may differ in what they read after an earlier revision; "" where they do not.
func (r *Revision) Doubtful(earlier *Revision) string {
	for _, s := range r.sections {
		if s.from < earlier.end {
			break
		}
		if s.twice || s.hidden != nil && s.hidden.twice {
			return "its table says of an object that it lies at two places"
		}
		if s.trailer.Twice() {
			return "its trailer says something twice"
		}
	}
	if r.short() && !earlier.short() {
		return "its trailer counts fewer objects than there are"
	}
	return ""
}

// short says whether an object in use has a number beyond the size that the trailer tells.
func (r *Revision) short() bool {
	n, _ := r.Number(r.Trailer.Get("Size"))
	return r.table.highest() >= int(n)
}

// End is where the revision ends.
func (r *Revision) End() int64 { return r.end }

// Encrypted says whether the file is encrypted.
func (r *Revision) Encrypted() bool { return r.file.key != nil }

// Root is the catalog.
func (r *Revision) Root() object.Dict { return r.Dict(r.Trailer.Get("Root")) }

// Resolve follows references to an object. A reference to nothing is null.
func (r *Revision) Resolve(o any) any {
	for range mostHops {
		ref, ok := o.(object.Ref)
		if !ok {
			return o
		}
		o = r.Load(ref.Num)
	}
	return nil
}

// Dict resolves a dictionary, or a stream's; it is empty where there is none.
func (r *Revision) Dict(o any) object.Dict {
	d, _ := object.PlainDict(r.Resolve(o))
	return d
}

// Array resolves an array; it is empty where there is none.
func (r *Revision) Array(o any) object.Array {
	a, _ := r.Resolve(o).(object.Array)
	return a
}

// Name resolves a name; "" where there is none.
func (r *Revision) Name(o any) object.Name {
	n, _ := r.Resolve(o).(object.Name)
	return n
}

// Number resolves a number; false where there is none.
func (r *Revision) Number(o any) (float64, bool) {
	n, ok := r.Resolve(o).(object.Number)
	return float64(n), ok
}

// Decode returns a stream's data with its filters undone.
func (r *Revision) Decode(s *object.Stream) ([]byte, error) { return r.file.decode(s, r.Resolve) }

// Place says where an object lies; the same place holds the same bytes in each revision.
type Place struct{ At, Index int64 }

// Place returns where an object lies; false where there is none.
func (r *Revision) Place(num int) (Place, bool) {
	switch p := r.table.get(num); p.kind {
	case direct:
		return Place{p.at, -1}, true
	case packed:
		if in := r.table.get(int(p.at)); in.kind == direct {
			return Place{in.at, int64(p.index)}, true
		}
	}
	return Place{}, false
}

// Load returns the object of a number: null where there is none, object.Broken where the table is wrong.
func (r *Revision) Load(num int) any {
	if r.deep > mostHops {
		return nil
	}
	r.deep++
	defer func() { r.deep-- }()
	switch p := r.table.get(num); p.kind {
	case direct:
		o := r.at(p.at)
		if o.to == 0 || o.num != num && !r.Rebuilt {
			return object.Broken{At: p.at}
		}
		return o.value
	case packed:
		return r.unpacked(p, num)
	}
	return nil
}

// at reads the object at an offset, as this revision sees it.
func (r *Revision) at(at int64) *parsed {
	for _, from := range []int64{at, at + r.file.base} {
		if from < 0 || from >= r.end {
			continue
		}
		o, ok := r.lengths[int(from)]
		if !ok {
			o = r.file.objectAt(int(from), r.length)
			if _, kept := r.file.parsed[int(from)]; !kept {
				r.lengths[int(from)] = o
			}
		}
		if o.to > 0 && int64(o.to) <= r.end {
			return o
		}
		if r.file.base == 0 {
			break
		}
	}
	return &parsed{}
}

func (r *Revision) length(ref object.Ref) (int, bool) {
	n, ok := r.Resolve(ref).(object.Number)
	if !ok {
		return 0, false
	}
	return n.Int()
}

// pack is an object stream that was unfolded.
type pack struct {
	nums   []int
	starts []int
	data   []byte
	values []any
	read   []bool
}

func (r *Revision) unpacked(p place, num int) any {
	in := r.table.get(int(p.at))
	if in.kind != direct {
		return object.Broken{At: p.at}
	}
	k, ok := r.file.packs[int(in.at)]
	if !ok {
		k = r.unpack(in.at, int(p.at))
		r.file.packs[int(in.at)] = k
	}
	if k == nil {
		return object.Broken{At: in.at}
	}
	i := int(p.index)
	if i < 0 || i >= len(k.nums) || k.nums[i] != num {
		if i = slices.Index(k.nums, num); i < 0 {
			return object.Broken{At: in.at}
		}
	}
	if !k.read[i] {
		k.read[i] = true
		q := &object.Parser{Raw: k.data, At: k.starts[i], Refs: true}
		if o, err := q.Next(); err == nil {
			k.values[i] = o
		} else {
			k.values[i] = object.Broken{At: in.at}
		}
	}
	return k.values[i]
}

// unpack unfolds an object stream; nil where that cannot be done.
func (r *Revision) unpack(at int64, num int) *pack {
	o := r.at(at)
	s, ok := o.value.(*object.Stream)
	if !ok || o.num != num || r.Name(s.Dict.Get("Type")) != "ObjStm" {
		return nil
	}
	n, ok := r.Number(s.Dict.Get("N"))
	first, also := r.Number(s.Dict.Get("First"))
	data, err := r.Decode(s)
	if !ok || !also || err != nil || n < 0 || first < 0 || int(first) > len(data) || int(n) > len(data) {
		return nil
	}
	k := &pack{data: data, values: make([]any, int(n)), read: make([]bool, int(n))}
	p := &object.Parser{Raw: data[:int(first)]}
	for range int(n) {
		num, ok := p.Whole()
		start, also := p.Whole()
		if !ok || !also || start > len(data)-int(first) {
			return nil
		}
		k.nums, k.starts = append(k.nums, num), append(k.starts, int(first)+start)
	}
	return k
}
