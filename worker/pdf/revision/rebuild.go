package revision

import (
	"bytes"
	"cmp"
	"slices"

	"countersign/worker/pdf/object"
)

// found is where an object seems to begin.
type found struct {
	num int
	at  int
}

// rebuild looks for objects where no table can be read, as programs that show files do: a later one replaces an
// earlier one of the same number.
func (r *Revision) rebuild() error {
	raw := r.file.raw[:r.end]
	r.table = &table{}
	all := objectsIn(raw)
	for _, o := range all {
		r.table.set(o.num, place{kind: direct, at: int64(o.at)})
	}
	for _, o := range r.marked(all, "/ObjStm") {
		in := r.unpack(int64(o.at), o.num)
		if in == nil {
			continue
		}
		r.file.packs[o.at] = in
		for i, num := range in.nums {
			if was := r.table.get(num); num <= mostNumber && (was.kind != direct || was.at < int64(o.at)) {
				r.table.set(num, place{kind: packed, at: int64(o.num), index: int32(i)}) //nolint:gosec // as many as bytes
			}
		}
	}
	r.Trailer = r.lastTrailer(raw, all)
	if r.Trailer == nil {
		return ErrUnreadable
	}
	return r.unlock()
}

// objectsIn finds what looks like the start of an object, in the order of the bytes.
func objectsIn(raw []byte) (all []found) {
	word := []byte(" obj")
	for from := 0; ; {
		i := bytes.Index(raw[from:], word)
		if i < 0 {
			return all
		}
		at := from + i
		from = at + len(word)
		gen := digitsBefore(raw, at)
		if gen == at || gen == 0 || !object.White(raw[gen-1]) {
			continue
		}
		end := gen - 1
		for end > 0 && object.White(raw[end-1]) {
			end--
		}
		start := digitsBefore(raw, end)
		p := object.Parser{Raw: raw, At: start}
		if num, ok := p.Whole(); ok && start < end && num <= mostNumber {
			all = append(all, found{num, start})
		}
	}
}

func digitsBefore(raw []byte, end int) int {
	at := end
	for at > 0 && end-at < 10 && raw[at-1] >= '0' && raw[at-1] <= '9' {
		at--
	}
	return at
}

// marked are the objects that a word lies in.
func (r *Revision) marked(all []found, word string) (out []found) {
	raw := r.file.raw[:r.end]
	for from := 0; ; {
		i := bytes.Index(raw[from:], []byte(word))
		if i < 0 {
			return out
		}
		from += i + len(word)
		k, _ := slices.BinarySearchFunc(all, from, func(o found, at int) int { return cmp.Compare(o.at, at) })
		if k > 0 && (len(out) == 0 || out[len(out)-1] != all[k-1]) {
			out = append(out, all[k-1])
		}
	}
}

// lastTrailer is the last trailer that names a catalog, or one made up for a catalog that was found.
func (r *Revision) lastTrailer(raw []byte, all []found) object.Dict {
	var last object.Dict
	lies := -1
	for from := 0; ; {
		i := bytes.Index(raw[from:], []byte("trailer"))
		if i < 0 {
			break
		}
		from += i + len("trailer")
		p := &object.Parser{Raw: raw, At: from, Refs: true}
		o, err := p.Next()
		if d, ok := o.(object.Dict); err == nil && ok && d.Get("Root") != nil {
			last, lies = d, from
		}
	}
	for _, o := range r.marked(all, "/XRef") {
		if s, ok := r.at(int64(o.at)).value.(*object.Stream); ok && o.at > lies && s.Dict.Get("Root") != nil {
			last, lies = s.Dict, o.at
		}
	}
	if last != nil {
		return last
	}
	for _, o := range r.marked(all, "/Catalog") {
		last = object.Dict{{Key: "Root", Value: object.Ref{Num: o.num}}}
	}
	return last
}
