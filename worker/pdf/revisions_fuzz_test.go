package pdf_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest/paper"
)

// slowest is more than one file of a few kilobytes may take, also on a busy machine and with the race detector.
const slowest = 20 * time.Second

// bases are what the mutations begin with.
var bases = sync.OnceValue(func() []paper.Base {
	return []paper.Base{
		paper.Approved, paper.Seen, paper.Twice, paper.Certified1, paper.Certified2, paper.LocksRent,
		paper.Prepared(func(d *paper.Doc) { // references that lead nowhere
			d.Alter(paper.Page2, "Contents", paper.Rs(paper.Contents2, 61), "Annots", "["+paper.R(62)+"]")
			d.Alter(paper.Stamp, "AP", "<</N "+paper.R(63)+">>")
			d.Alter(paper.Catalog, "Names", paper.R(64))
		}),
	}
})

// drawn keeps the documents of the bases: signing takes long.
var drawn sync.Map

func based(b paper.Base, base byte) *paper.Doc {
	key := [2]int{int(base>>1) % len(bases()), int(base & 1)}
	if d, ok := drawn.Load(key); ok {
		return d.(*paper.Doc).Clone()
	}
	d := b.Doc(base&1 == 1)
	drawn.Store(key, d.Clone())
	return d
}

// mutation plays a script on a signed document, and knows what a reader of the result is shown.
type mutation struct {
	d      *paper.Doc
	script []byte
	signed map[int]paper.Object // the objects when it was signed
	filled bool                 // a field's value may be another: a certification or a next signer allows it
	broken bool                 // bytes were changed that a signature covers
	wild   bool                 // bytes were written of which it is not known what they show
}

func (m *mutation) next() int {
	if len(m.script) == 0 {
		return 0
	}
	b := m.script[0]
	m.script = m.script[1:]
	return int(b)
}

func pick[T any](m *mutation, list []T) T { return list[m.next()%len(list)] }

// object is a number that is worth changing: one of the lease's, one that leads nowhere, or one that was added.
func (m *mutation) object() int {
	return []int{m.next()%paper.Empty + 1, 61 + m.next()%4, m.d.Next() - 1}[m.next()%3]
}

var keys = strings.Fields("Contents Resources Annots MediaBox CropBox Rotate AP Rect F V AS Kids Count Pages AcroForm " +
	"Fields DSS Metadata PieceInfo Perms OpenAction Names Type Subtype FT T Parent DA DR OC Matrix BBox Extensions " +
	"Version A AA LastModified Info Font Encoding BaseFont NeedAppearances XFA SigFlags StructTreeRoot Lang MarkInfo")

// value is what an entry may become.
func (m *mutation) value() string {
	ref := paper.R(m.object())
	return pick(m, []string{ref, "[" + ref + "]", "<</N " + ref + ">>", "<</Certs[" + ref + "]>>",
		"<</App<</LastModified(D:20260201000000Z)/Private " + ref + ">>>>", "[0 0 90 90]", "/Metadata", "/XML", "null",
		"true", "2", "(9000)", "[]", "<<>>", "<</S/JavaScript/JS(x)>>", "/Widget", "/Stamp", "/Sig", "/Page"})
}

// fresh is a new object.
func (m *mutation) fresh() paper.Object {
	const text = "BT /F1 12 Tf 20 140 Td (Rent: 9000) Tj ET"
	return pick(m, []paper.Object{
		paper.S(text), paper.S(text, "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 300 200]"),
		paper.S(text, "Type", "/Metadata", "Subtype", "/XML"), paper.D("Type", "/Annot", "Subtype", "/Square", "Rect",
			"[0 0 300 200]", "IC", "[1 1 1]"), paper.T("[" + paper.R(m.object()) + "]"), paper.T(paper.R(m.object())),
		paper.D("JavaScript", "<</Names[(a) <</S/JavaScript/JS(x)>>]>>"), paper.Dated("2026-02-01T00:00:00Z"),
	})
}

// step plays one step of the script.
func (m *mutation) step() {
	d := m.d
	switch m.next() % 12 {
	case 0, 1:
		if n := m.object(); d.Get(n).Keys != nil {
			d.Alter(n, pick(m, keys), m.value())
		}
	case 2:
		if n := m.object(); d.Get(n).Stream != nil {
			d.Set(n, d.Get(n).Saying("BT /F1 12 Tf 20 140 Td (Rent: 9000) Tj ET"))
		}
	case 3:
		d.Free(m.object())
	case 4:
		d.Set(m.object(), m.fresh())
	case 5:
		d.Set(m.object(), d.Get(m.object()))
	case 6:
		n := d.Add(m.fresh())
		if to := m.object(); d.Get(to).Keys != nil {
			d.Alter(to, pick(m, keys), pick(m, []string{paper.R(n), paper.Rs(n), "<</N " + paper.R(n) + ">>"}))
		}
	case 7:
		d.Packed = !d.Packed
		d.Deflate = d.Packed
		d.Save()
	case 8:
		d.Save()
		d.Sign(pick(m, []paper.Signing{{By: "Bruno Diaz"}, {Stamp: true}, {By: "Bruno Diaz", Certify: 2}}))
		m.filled = true
	case 9:
		d.Save()
		m.point(m.object(), m.object())
	case 10:
		d.Save()
		m.flip()
	case 11:
		d.Root, d.Info = pick(m, []int{d.Root, m.object()}), pick(m, []int{d.Info, m.object()})
	}
}

// point appends a table that finds one object where another one is written.
func (m *mutation) point(n, at int) {
	where := bytes.LastIndex(m.d.Raw(), []byte(fmt.Sprintf("\n%d 0 obj", at)))
	if where < 0 || n == at {
		return
	}
	begin := len(m.d.Raw())
	m.d.Append(fmt.Sprintf("xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", n,
		where+1, m.d.Next()+1, paper.R(m.d.Root), m.d.Prev, begin))
	m.d.Prev = begin
	m.d.Assume(n, m.d.Get(at))
}

// flip changes a byte of the file.
func (m *mutation) flip() {
	raw := bytes.Clone(m.d.Raw())
	at := (m.next()<<16 | m.next()<<8 | m.next()) % len(raw)
	for _, gap := range gaps.FindAllIndex(raw, -1) {
		if at >= gap[0] && at < gap[1] { // what no signature covers
			return
		}
	}
	by := byte(m.next())
	raw[at] ^= by
	m.d.Replace(raw)
	m.broken = m.broken || by != 0 && at < m.d.Covered()
	m.wild = m.wild || at >= m.d.Covered()
}

var gaps = regexp.MustCompile(`/Contents<[0-9a-f]{200,}>`)

// reader tells what a document shows, from the objects it was made of and not from the bytes that were written.
type reader struct {
	get  func(n int) paper.Object
	open map[int]bool
	form bool // fields' values count
}

var reference = regexp.MustCompile(`\b(\d+) 0 R\b`)

// noted are entries that show nothing.
var noted = strings.Fields("Parent P Metadata PieceInfo LastModified Length Filter Name Lang StructTreeRoot MarkInfo T TU " +
	"Type Count")

// reach is an object with all that it leads to.
func (r *reader) reach(n int) string {
	if r.open[n] {
		return "(again)"
	}
	o := r.get(n)
	r.open[n] = true
	defer delete(r.open, n)
	if o.Keys == nil {
		return r.follow(o.Text)
	}
	return r.dictionary(o)
}

func (r *reader) dictionary(o paper.Object) string {
	var b strings.Builder
	field := o.Keys["FT"] != ""
	for _, k := range slices.Sorted(maps.Keys(o.Keys)) {
		value := o.Keys[k]
		skip := slices.Contains(noted, k) || field && !r.form && (k == "V" || k == "AS" || k == "AP")
		if text := r.follow(value); !skip && text != "" {
			b.WriteString("/" + k + " " + text)
		}
	}
	if o.Stream != nil {
		b.WriteString("{" + string(o.Stream) + "}")
	}
	return "<" + b.String() + ">"
}

// follow puts what references lead to in their place; null and nothing are the same.
func (r *reader) follow(text string) string {
	if text == "null" {
		return ""
	}
	return reference.ReplaceAllStringFunc(text, func(s string) string {
		n, err := strconv.Atoi(strings.TrimSuffix(s, " 0 R"))
		if err != nil {
			return s
		}
		return r.reach(n)
	})
}

// shown is what a reader of a document sees: its pages with what they draw and what lies over them. Signatures that
// were added are no part of it.
func shown(get func(n int) paper.Object, root int, values bool, added func(n int) bool) string {
	r := &reader{get: get, open: map[int]bool{}, form: values}
	catalog := get(root)
	var b strings.Builder
	for _, k := range []string{"OpenAction", "AA", "Names"} {
		fmt.Fprintf(&b, "%s: %s\n", k, r.follow(catalog.Keys[k]))
	}
	var pages func(n, depth int)
	pages = func(n, depth int) {
		o := get(n)
		if depth > 8 {
			return
		}
		if o.Keys["Kids"] != "" {
			for _, m := range reference.FindAllStringSubmatch(o.Keys["Kids"], -1) {
				kid, _ := strconv.Atoi(m[1]) //nolint:errcheck // digits
				pages(kid, depth+1)
			}
			return
		}
		fmt.Fprintf(&b, "page %v\n", o.Keys["Contents"] != "")
		for _, k := range []string{"Contents", "Resources", "MediaBox", "CropBox", "Rotate"} {
			fmt.Fprintf(&b, "  %s: %s\n", k, r.follow(o.Keys[k]))
		}
		list := o.Keys["Annots"]
		if m := reference.FindStringSubmatch(list); m != nil && m[0] == list { // an array of its own
			at, _ := strconv.Atoi(m[1]) //nolint:errcheck // digits
			list = get(at).Text
		}
		for _, m := range reference.FindAllStringSubmatch(list, -1) {
			annotation, _ := strconv.Atoi(m[1]) //nolint:errcheck // digits
			if text := r.reach(annotation); !added(annotation) && text != "" {
				fmt.Fprintf(&b, "  annotation: %s\n", text)
			}
		}
	}
	for _, m := range reference.FindAllStringSubmatch(catalog.Keys["Pages"], -1) {
		tree, _ := strconv.Atoi(m[1]) //nolint:errcheck // digits
		pages(tree, 0)
	}
	return b.String()
}

// play mutates a signed document by a script and wants it not to be called intact where something shown is another.
func play(t *testing.T, base byte, script []byte) (intact, changed bool) {
	t.Helper()
	b := bases()[int(base>>1)%len(bases())]
	m := &mutation{d: based(b, base), script: script, signed: map[int]paper.Object{}}
	for n := range m.d.Next() {
		m.signed[n] = m.d.Get(n)
	}
	root, signed := m.d.Root, len(m.d.Raw())
	if c := b.Signs[0].Certify; c > 1 {
		m.filled = true
	}
	steps := 0
	for ; len(m.script) > 0 && steps < 12; steps++ {
		m.step()
	}
	m.d.Save()
	raw, err := m.d.Bytes()
	if err != nil {
		t.Skip(err)
	}
	began := time.Now()
	v := pdf.Inspect(raw)
	if took := time.Since(began); took > slowest {
		t.Errorf("it took %s", took)
	}
	intact = v.Fault == "" && v.Facts.Signature == model.SignatureIntact
	added := func(n int) bool { // a field of a signature that was made since
		_, was := m.signed[n]
		return !was && m.d.Get(n).Keys["FT"] == "/Sig" && m.d.Get(n).Keys["Rect"] == "[0 0 0 0]" || m.d.Get(n).Keys == nil &&
			m.d.Get(n).Text == ""
	}
	before := shown(func(n int) paper.Object { return m.signed[n] }, root, !m.filled, added)
	after := shown(m.d.Get, m.d.Root, !m.filled, added)
	changed = before != after
	if intact && m.broken {
		t.Errorf("a byte that a signature covers was changed, and it is intact")
	}
	if intact && changed && !m.wild {
		t.Errorf("what is shown is not what was signed, and it is intact:\n--- signed\n%s\n--- shown\n%s\n%s", before, after,
			raw[signed:])
	}
	return intact, changed
}

// Scripts by chance. Both kinds of outcome come: the test would show nothing otherwise.
func TestRevisionsByChance(t *testing.T) {
	t.Parallel()
	intact, changed := 0, 0
	for seed := range uint64(chances) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seed to play it again
		script := make([]byte, 4+r.IntN(3+int(seed%30)))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		base := byte(r.Uint32())
		t.Run(fmt.Sprintf("%d %x", base, script), func(t *testing.T) {
			i, c := play(t, base, script)
			if i {
				intact++
			}
			if c {
				changed++
			}
		})
	}
	if intact < chances/50 || changed < chances/4 {
		t.Errorf("%d intact, %d changed: the scripts show too little", intact, changed)
	}
}

// FuzzRevisions mutates revisions of signed files.
func FuzzRevisions(f *testing.F) {
	seeds := 0
	add := func(base byte, script ...byte) {
		if seeds++; seeds%sparse == 0 {
			f.Add(base, script)
		}
	}
	for base := range byte(2 * 7) {
		for op := range byte(12) {
			add(base, op, 3, 0, 0, 0, 2, 0, 0, 8, 1, 9, 9)
			add(base, op, 200, 1, 2, 7, 7, op, 8, 0, 1, 5, 3, 200)
		}
	}
	f.Fuzz(func(t *testing.T, base byte, script []byte) {
		if len(script) > 200 {
			t.Skip()
		}
		play(t, base, script)
	})
}
