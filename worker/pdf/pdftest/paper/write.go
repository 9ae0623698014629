package paper

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Save writes what was set since the last time as a revision of its own.
func (d *Doc) Save() {
	if len(d.raw) == 0 {
		d.raw = append(d.raw, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"...)
	}
	at := map[int]entry{}
	for _, n := range d.freed {
		at[n] = entry{}
		delete(d.objects, n)
	}
	if d.Packed {
		d.packed(at)
	} else {
		d.classic(at)
	}
	maps.Copy(d.objects, d.pending)
	d.pending, d.freed = map[int]Object{}, nil
}

// entry is where an object lies: kind 1 at an offset, kind 2 in an object stream at a place, kind 0 nowhere.
type entry struct{ kind, where, place int }

func (d *Doc) write(n int, text string) entry {
	at := len(d.raw)
	d.raw = fmt.Appendf(d.raw, "%d 0 obj\n%s\nendobj\n", n, text)
	return entry{1, at, 0}
}

func (d *Doc) classic(at map[int]entry) {
	for _, n := range slices.Sorted(maps.Keys(d.pending)) {
		at[n] = d.write(n, d.Text(d.pending[n]))
	}
	d.table(at)
}

// table writes a classic table and its trailer.
func (d *Doc) table(at map[int]entry) {
	first := d.Prev == 0
	if first {
		at[0] = entry{}
	}
	begin := len(d.raw)
	d.raw = append(d.raw, "xref\n"...)
	for _, run := range runs(at) {
		d.raw = fmt.Appendf(d.raw, "%d %d\n", run[0], len(run))
		for _, n := range run {
			switch {
			case at[n].kind == 1:
				d.raw = fmt.Appendf(d.raw, "%010d 00000 n \n", at[n].where)
			case n == 0:
				d.raw = append(d.raw, "0000000000 65535 f \n"...)
			default:
				d.raw = append(d.raw, "0000000000 00001 f \n"...)
			}
		}
	}
	if len(at) == 0 {
		d.raw = append(d.raw, "0 0\n"...)
	}
	d.raw = fmt.Appendf(d.raw, "trailer\n%s\n", d.Text(D(d.trailer(d.next)...)))
	d.end(begin)
}

func (d *Doc) end(begin int) {
	d.raw = fmt.Appendf(d.raw, "startxref\n%d\n%%%%EOF\n", begin)
	d.Prev = begin
}

func (d *Doc) trailer(size int) []string {
	pairs := []string{"Size", fmt.Sprint(size), "Root", R(d.Root), "ID", "[" + d.identity + d.identity + "]"}
	if d.Info > 0 {
		pairs = append(pairs, "Info", R(d.Info))
	}
	if d.Prev > 0 {
		pairs = append(pairs, "Prev", fmt.Sprint(d.Prev))
	}
	for _, k := range slices.Sorted(maps.Keys(d.Trailer)) {
		pairs = append(pairs, k, d.Trailer[k]) // also in place of what stands above: the last one counts
	}
	return pairs
}

// packed writes what may lie in an object stream into one, and a cross-reference stream.
func (d *Doc) packed(at map[int]entry) {
	var inside []int
	for _, n := range slices.Sorted(maps.Keys(d.pending)) {
		if o := d.pending[n]; o.Stream != nil || o.Alone {
			at[n] = d.write(n, d.Text(o))
		} else {
			inside = append(inside, n)
		}
	}
	if len(inside) > 0 {
		stream := d.Reserve()
		at[stream] = d.write(stream, d.Text(d.objectStream(inside, stream, at)))
	}
	own := d.Reserve()
	at[own] = entry{1, len(d.raw), 0}
	if d.Prev == 0 {
		at[0] = entry{}
	}
	var body []byte
	var index []string
	for _, run := range runs(at) {
		index = append(index, fmt.Sprint(run[0]), fmt.Sprint(len(run)))
		for _, n := range run {
			e := at[n]
			body = append(body, byte(e.kind))
			body = binary.BigEndian.AppendUint32(body, uint32(e.where)) //nolint:gosec // files are small
			body = binary.BigEndian.AppendUint32(body, uint32(e.place)) //nolint:gosec // as above
		}
	}
	begin := len(d.raw)
	o := S(string(body), append([]string{"Type", "/XRef", "W", "[1 4 4]", "Index", "[" + strings.Join(index, " ") + "]"},
		d.trailer(d.next)...)...)
	d.write(own, d.Text(o))
	d.end(begin)
}

// objectStream makes the object stream with some objects of the next revision.
func (d *Doc) objectStream(inside []int, number int, at map[int]entry) Object {
	d.packs[number] = inside
	var head, body strings.Builder
	for i, n := range inside {
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(d.Text(d.pending[n]) + "\n")
		at[n] = entry{2, number, i}
	}
	return S(head.String()+body.String(), "Type", "/ObjStm", "N", fmt.Sprint(len(inside)), "First",
		fmt.Sprint(head.Len()))
}

// runs are the numbers in a table, those that follow one another together.
func runs(at map[int]entry) (out [][]int) {
	for _, n := range slices.Sorted(maps.Keys(at)) {
		if last := len(out) - 1; last >= 0 && out[last][len(out[last])-1] == n-1 {
			out[last] = append(out[last], n)
		} else {
			out = append(out, []int{n})
		}
	}
	return out
}

func deflate(body []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(body) //nolint:errcheck // a buffer takes all
	z.Close()     //nolint:errcheck // as above
	return b.Bytes()
}

// Repacked is the object stream of a number as the first revision has it, with the pending forms of the objects in it;
// they are then no longer pending.
func (d *Doc) Repacked(number int) Object {
	inside := d.packs[number]
	for _, n := range inside {
		d.pending[n] = d.Get(n)
	}
	o := d.objectStream(inside, number, map[int]entry{})
	for _, n := range inside {
		d.objects[n] = d.pending[n]
		delete(d.pending, n)
	}
	return o
}
