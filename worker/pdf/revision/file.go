package revision

import (
	"bytes"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision/cipher"
	"countersign/worker/pdf/revision/filter"
)

// Limits on what streams unfold to.
const (
	mostDecoded    = 128 << 20 // one
	mostDecodedAll = 512 << 20 // all that is looked at in a file
)

// File is a file whose revisions are read. What they share is parsed once. It is not for several goroutines.
type File struct {
	raw      []byte
	base     int64 // where the header stands, which some programs count from
	sections map[int64]*section
	parsed   map[int]*parsed
	packs    map[int]*pack // object streams, by their offset
	key      *cipher.Key
	spent    int // bytes that streams have unfolded to
	last     *Revision
}

// parsed is an object as it was read.
type parsed struct {
	num, gen int
	value    any
	to       int // where it ends; 0: there is none
}

// NewFile prepares a file.
func NewFile(raw []byte) *File {
	f := &File{raw: raw, sections: map[int64]*section{}, parsed: map[int]*parsed{}, packs: map[int]*pack{}}
	f.base = int64(max(bytes.Index(raw[:min(len(raw), 1024)], []byte("%PDF-")), 0))
	return f
}

// Raw is the file's bytes.
func (f *File) Raw() []byte { return f.raw }

// objectAt reads the object that begins at an offset. length resolves a stream's length that is a reference.
func (f *File) objectAt(at int, length func(object.Ref) (int, bool)) *parsed {
	if o, ok := f.parsed[at]; ok {
		return o
	}
	p := &object.Parser{Raw: f.raw, At: at, Refs: true}
	o, keep := f.readObject(p, length)
	if keep {
		f.parsed[at] = o
	}
	return o
}

// readObject also says whether the object is the same for each revision.
func (f *File) readObject(p *object.Parser, length func(object.Ref) (int, bool)) (*parsed, bool) {
	none := &parsed{}
	if p.At < 0 || p.At >= len(p.Raw) {
		return none, true
	}
	num, ok := p.Whole()
	gen, also := p.Whole()
	p.Blank()
	if !ok || !also || !p.Has("obj") {
		return none, true
	}
	value, err := p.Next()
	if err != nil {
		return none, true
	}
	if _, ok := value.(object.Keyword); ok { // an object that is nothing
		value = nil
	}
	o := &parsed{num, gen, value, p.At}
	d, ok := value.(object.Dict)
	if !ok {
		return f.opened(o), true
	}
	p.Blank()
	if !p.Has("stream") {
		return f.opened(o), true
	}
	if p.At < len(p.Raw) && p.Raw[p.At] == '\r' {
		p.At++
	}
	if p.At < len(p.Raw) && p.Raw[p.At] == '\n' {
		p.At++
	}
	n, keep, known := 0, true, false
	switch v := d.Get("Length").(type) {
	case object.Number:
		n, known = v.Int()
	case object.Ref:
		if keep = false; length != nil {
			n, known = length(v)
		}
	}
	body, ok := data(p, n, known)
	if !ok {
		return none, keep
	}
	o.value, o.to = &object.Stream{Dict: d, Raw: body, Num: num, Gen: gen}, p.At
	return f.opened(o), keep
}

// data reads a stream's data: so many bytes where the end is there, else up to where it is.
func data(p *object.Parser, n int, known bool) ([]byte, bool) {
	end := []byte("endstream")
	if known && n >= 0 && n <= len(p.Raw)-p.At {
		q := object.Parser{Raw: p.Raw, At: p.At + n}
		for q.At < len(q.Raw) && object.White(q.Raw[q.At]) && q.At < p.At+n+4 {
			q.At++
		}
		if q.Has("endstream") {
			body := p.Raw[p.At : p.At+n : p.At+n]
			p.At = q.At
			return body, true
		}
	}
	i := bytes.Index(p.Raw[p.At:], end)
	if i < 0 {
		return nil, false
	}
	body := p.Raw[p.At : p.At+i : p.At+i]
	p.At += i + len(end)
	body = bytes.TrimSuffix(body, []byte("\n"))
	return bytes.TrimSuffix(body, []byte("\r")), true
}

// opened decrypts an object's strings.
func (f *File) opened(o *parsed) *parsed {
	if f.key == nil {
		return o
	}
	switch v := o.value.(type) {
	case *object.Stream:
		if v.Dict.Get("Type") == object.Name("XRef") {
			v.Plain = true
		} else {
			v.Dict, _ = f.text(v.Dict, o).(object.Dict)
		}
	default:
		o.value = f.text(v, o)
	}
	return o
}

func (f *File) text(o any, in *parsed) any {
	switch v := o.(type) {
	case object.String:
		return object.String(f.key.Text([]byte(v), in.num, in.gen))
	case object.Array:
		for i := range v {
			v[i] = f.text(v[i], in)
		}
	case object.Dict:
		signature := v.Get("ByteRange") != nil
		for i := range v {
			if !signature || v[i].Key != "Contents" { // a signature itself is never encrypted
				v[i].Value = f.text(v[i].Value, in)
			}
		}
	}
	return o
}

// decode undoes a stream's encryption and filters. resolve follows references.
func (f *File) decode(s *object.Stream, resolve func(any) any) ([]byte, error) {
	names, all := filters(s.Dict, resolve)
	data := s.Raw
	if f.key != nil && !s.Plain && (len(names) == 0 || names[0] != "Crypt") {
		data = f.key.Data(data, s.Num, s.Gen)
	}
	for i, name := range names {
		if name == "Crypt" {
			continue
		}
		if f.spent > mostDecodedAll {
			return nil, filter.ErrLimit
		}
		var err error
		if data, err = filter.Decode(string(name), params(all[i]), data, mostDecoded); err != nil {
			return nil, err
		}
		f.spent += len(data)
	}
	return data, nil
}

// filters are a stream's filters with their parameters.
func filters(d object.Dict, resolve func(any) any) (names []object.Name, all []any) {
	given := resolve(d.Get("DecodeParms"))
	switch v := resolve(d.Get("Filter")).(type) {
	case object.Name:
		if list, ok := given.(object.Array); ok && len(list) > 0 {
			given = resolve(list[0])
		}
		return []object.Name{v}, []any{plainParams(given, resolve)}
	case object.Array:
		list, _ := given.(object.Array)
		for i, x := range v {
			n, _ := resolve(x).(object.Name)
			names = append(names, n)
			if i < len(list) {
				all = append(all, plainParams(resolve(list[i]), resolve))
			} else {
				all = append(all, plainParams(given, resolve))
			}
		}
	}
	return names, all
}

func plainParams(o any, resolve func(any) any) any {
	d, ok := o.(object.Dict)
	if !ok {
		return nil
	}
	out := make(object.Dict, len(d))
	for i, e := range d {
		out[i] = object.Entry{Key: e.Key, Value: resolve(e.Value)}
	}
	return out
}
