// Package paper writes PDF files for tests and measurements: revision by revision, with a classic cross-reference table
// or with object streams, signed where it is asked to. It knows nothing of the program that reads them.
package paper

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Object is what stands between obj and endobj. Its values are PDF as it is written.
type Object struct {
	Keys   map[string]string // of a dictionary
	Stream []byte            // what follows the dictionary; nil: nothing
	Text   string            // an object that is no dictionary
	Alone  bool              // may not lie in an object stream
}

// D makes a dictionary of names, without their slash, and values, in turn.
func D(pairs ...string) Object {
	o := Object{Keys: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Keys[pairs[i]] = pairs[i+1]
	}
	return o
}

// S makes a stream with more entries in its dictionary.
func S(body string, pairs ...string) Object {
	o := D(pairs...)
	o.Stream = []byte(body)
	return o
}

// T makes an object of any text.
func T(text string) Object { return Object{Text: text} }

// R is a reference to an object.
func R(n int) string { return fmt.Sprintf("%d 0 R", n) }

// Rs is an array of references.
func Rs(all ...int) string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = R(n)
	}
	return "[" + strings.Join(out, " ") + "]"
}

// With returns the object with other entries; an empty value takes one out.
func (o Object) With(pairs ...string) Object {
	if o.Keys = maps.Clone(o.Keys); o.Keys == nil {
		o.Keys = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(o.Keys, pairs[i])
		} else {
			o.Keys[pairs[i]] = pairs[i+1]
		}
	}
	return o
}

// Saying returns the stream with another content.
func (o Object) Saying(body string) Object {
	o.Stream = []byte(body)
	return o
}

// Doc is a file in the making: what is written of it, and the newest form of each object. Faults are kept for Bytes.
type Doc struct {
	Packed   bool              // the next revision has object streams and a cross-reference stream
	Trailer  map[string]string // what the next trailers say besides Size, Root, Info, ID and Prev
	Root     int
	Info     int
	Prev     int // where the table before begins
	Deflate  bool
	raw      []byte
	objects  map[int]Object
	pending  map[int]Object
	freed    []int
	packs    map[int][]int // what lies in each object stream
	next     int
	fields   []int
	annots   []int
	covered  int // where the newest signature ends
	stamped  int // how many fields were named by this package
	identity string
	err      error
}

// New returns a document without objects.
func New(packed bool) *Doc {
	return &Doc{Packed: packed, Deflate: packed, Trailer: map[string]string{}, objects: map[int]Object{},
		pending: map[int]Object{}, packs: map[int][]int{}, next: 1, Root: 1, identity: "<00112233445566778899aabbccddeeff>"}
}

// Clone returns a copy that goes its own way.
func (d *Doc) Clone() *Doc {
	c := *d
	c.Trailer, c.objects, c.pending = maps.Clone(d.Trailer), maps.Clone(d.objects), maps.Clone(d.pending)
	c.packs = maps.Clone(d.packs)
	c.raw, c.freed = bytes.Clone(d.raw), slices.Clone(d.freed)
	c.fields, c.annots = slices.Clone(d.fields), slices.Clone(d.annots)
	return &c
}

// Bytes is the file as it is now.
func (d *Doc) Bytes() ([]byte, error) { return bytes.Clone(d.raw), d.err }

// Raw is the file as it is now, to be read only.
func (d *Doc) Raw() []byte { return d.raw }

// Replace puts other bytes in the file's place: what is done to it from outside.
func (d *Doc) Replace(raw []byte) { d.raw = bytes.Clone(raw) }

// Append writes bytes behind the file's end.
func (d *Doc) Append(text string) { d.raw = append(d.raw, text...) }

// Covered is where what the newest signature covers ends.
func (d *Doc) Covered() int { return d.covered }

// Get returns the newest form of an object.
func (d *Doc) Get(n int) Object {
	if o, ok := d.pending[n]; ok {
		return o
	}
	return d.objects[n]
}

// Set gives an object of the next revision.
func (d *Doc) Set(n int, o Object) {
	d.pending[n] = o
	d.next = max(d.next, n+1)
}

// Add gives a new object and returns its number.
func (d *Doc) Add(o Object) int {
	n := d.next
	d.Set(n, o)
	return n
}

// Alter changes entries of an object, as With does.
func (d *Doc) Alter(n int, pairs ...string) { d.Set(n, d.Get(n).With(pairs...)) }

// Free marks an object as free.
func (d *Doc) Free(n int) { d.freed = append(d.freed, n) }

// Reserve takes an object number that nothing has.
func (d *Doc) Reserve() int {
	d.next++
	return d.next - 1
}

// Next is the number that the next new object gets.
func (d *Doc) Next() int { return d.next }

// Fields are the form's fields, and Annots the first page's annotations, as they were given or signed.
func (d *Doc) Fields() []int { return d.fields }

// Annots are the first page's annotations.
func (d *Doc) Annots() []int { return d.annots }

// Field puts a field that is a widget of its own on the first page, or only into the form.
func (d *Doc) Field(n int, shown bool) {
	d.fields = append(d.fields, n)
	if shown {
		d.annots = append(d.annots, n)
	}
}

// Annotate puts an annotation on the first page.
func (d *Doc) Annotate(n int) { d.annots = append(d.annots, n) }

// Text is an object as it is written, without obj and endobj.
func (d *Doc) Text(o Object) string {
	if o.Keys == nil {
		return o.Text
	}
	body := o.Stream
	if body != nil {
		pairs := []string{}
		if d.Deflate && o.Keys["Filter"] == "" && !o.Alone {
			body = deflate(body)
			pairs = append(pairs, "Filter", "/FlateDecode")
		}
		o = o.With(append(pairs, "Length", fmt.Sprint(len(body)))...)
	}
	var b strings.Builder
	b.WriteString("<<")
	for _, k := range keysOf(o.Keys) {
		v := o.Keys[k]
		b.WriteString("/" + k)
		if !strings.ContainsAny(v[:1], "/<([") {
			b.WriteString(" ")
		}
		b.WriteString(v)
	}
	b.WriteString(">>")
	if body != nil {
		fmt.Fprintf(&b, "\nstream\n%s\nendstream", body)
	}
	return b.String()
}

// keysOf sorts names, Type and what follows it first, Contents of a signature last.
func keysOf(keys map[string]string) []string {
	all := slices.Sorted(maps.Keys(keys))
	rank := func(k string) int {
		switch k {
		case "Type":
			return 0
		case "Subtype":
			return 1
		case "ByteRange":
			return 3
		case "Contents":
			return 4
		default:
			return 2
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all
}

// Assume takes an object for what the file says of it, where that was written by hand.
func (d *Doc) Assume(n int, o Object) { d.objects[n] = o }
