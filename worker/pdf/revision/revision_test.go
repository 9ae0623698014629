package revision

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision/cipher"
)

// writer puts a file together by hand.
type writer struct {
	bytes.Buffer
	at map[int]int
}

func newWriter() *writer {
	w := &writer{at: map[int]int{}}
	w.WriteString("%PDF-1.7\n")
	return w
}

func (w *writer) object(n int, body string) {
	w.at[n] = w.Len()
	fmt.Fprintf(w, "%d 0 obj\n%s\nendobj\n", n, body)
}

// plain are a catalog, its page tree and a page that says a word.
func (w *writer) plain(word string) *writer {
	w.object(1, "<</Type/Catalog/Pages 2 0 R>>")
	w.object(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
	w.object(3, "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>")
	w.object(4, stream("", word))
	return w
}

func stream(dict, body string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(body), body)
}

// table writes a classic table of some objects, and returns where it stands.
func (w *writer) table(trailer string, numbers ...int) int {
	start := w.Len()
	w.WriteString("xref\n")
	for _, n := range numbers {
		fmt.Fprintf(w, "%d 1\n%010d 00000 n \n", n, w.at[n])
	}
	fmt.Fprintf(w, "trailer\n<</Size 99/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", trailer, start)
	return start
}

// says is what the first page of the revision that ends at the bytes' end says.
func says(t *testing.T, raw []byte) string {
	t.Helper()
	r, err := NewFile(raw).Open(int64(len(raw)))
	if err != nil {
		return err.Error()
	}
	return content(t, r)
}

func content(t *testing.T, r *Revision) string {
	t.Helper()
	kids := r.Array(r.Dict(r.Root().Get("Pages")).Get("Kids"))
	if len(kids) == 0 {
		return "no page"
	}
	s, ok := r.Resolve(r.Dict(kids[0]).Get("Contents")).(*object.Stream)
	if !ok {
		return "no content"
	}
	data, err := r.Decode(s)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// xref writes a cross-reference stream: places of one byte, four and two.
func (w *writer) xref(n int, dict string, packed map[int][2]int, numbers ...int) int {
	var body []byte
	var index strings.Builder
	for _, k := range numbers {
		fmt.Fprintf(&index, "%d 1 ", k)
		kind, second, third := byte(1), w.at[k], 0
		if p, ok := packed[k]; ok {
			kind, second, third = 2, p[0], p[1]
		}
		body = append(body, kind, byte(second>>24), byte(second>>16), byte(second>>8), byte(second), byte(third>>8),
			byte(third))
	}
	start := w.Len()
	w.object(n, stream(fmt.Sprintf("/Type/XRef/Size 99/W[1 4 2]/Index[%s]%s", index.String(), dict), string(body)))
	return start
}

func (w *writer) end(table int) []byte {
	fmt.Fprintf(w, "startxref\n%d\n%%%%EOF\n", table)
	return w.Bytes()
}

func TestFilesAreReadInEachOfTheirForms(t *testing.T) {
	t.Parallel()
	classic := newWriter().plain("classic")
	classic.table("", 1, 2, 3, 4)

	streamed := newWriter().plain("in a stream")
	raw := streamed.end(streamed.xref(9, "/Root 1 0 R", nil, 1, 2, 3, 4))

	packed := newWriter().plain("packed")
	packed.object(5, stream("/Type/ObjStm/N 2/First 8/Extends 5 0 R", "2 0 3 36<</Type/Pages/Kids[3 0 R]/Count 1>> "+
		"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>"))
	inside := packed.end(packed.xref(9, "/Root 1 0 R", map[int][2]int{2: {5, 0}, 3: {5, 1}}, 1, 2, 3, 4, 5))

	hybrid := newWriter().plain("old")
	hybrid.at[4] = 0
	at := hybrid.Len()
	hybrid.object(4, stream("", "hybrid"))
	hidden := hybrid.xref(9, "", nil, 4)
	hybrid.at[4] = at
	start := hybrid.Len()
	fmt.Fprintf(hybrid, "xref\n1 3\n%010d 00000 n \n%010d 00000 n \n%010d 00000 n \n4 1\n0000000000 65535 f \n",
		hybrid.at[1], hybrid.at[2], hybrid.at[3])
	fmt.Fprintf(hybrid, "trailer\n<</Size 99/Root 1 0 R/XRefStm %d>>\n", hidden)
	both := hybrid.end(start)

	length := newWriter().plain("x")
	length.object(4, "<</Length 5 0 R>>\nstream\nthe length is elsewhere\nendstream")
	length.object(5, "23")
	length.table("", 1, 2, 3, 4, 5)

	lie := newWriter().plain("x")
	lie.object(4, "<</Length 9999>>\nstream\nthe length is a lie\nendstream")
	lie.table("", 1, 2, 3, 4)

	lost := newWriter().plain("lost tables")
	lost.WriteString("trailer\n<</Root 1 0 R>>\nstartxref\n7\n%%EOF\n")

	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"a classic table":              {classic.Bytes(), "classic"},
		"behind another's header":      {append([]byte("HTTP/1.1 200 OK\r\n\r\n"), classic.Bytes()...), "classic"},
		"a stream for a table":         {raw, "in a stream"},
		"a stream of objects":          {inside, "packed"},
		"both":                         {both, "hybrid"},
		"a length by reference":        {length.Bytes(), "the length is elsewhere"},
		"a length that is wrong":       {lie.Bytes(), "the length is a lie"},
		"no table where one is said":   {lost.Bytes(), "lost tables"},
		"a table that names itself":    {bytes.Replace(raw, []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Prev 0"), 1), "in a stream"},
		"nothing but a head and a end": {[]byte("%PDF-1.7\n%%EOF\n"), ErrUnreadable.Error()},
	} {
		if got := says(t, c.raw); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Each revision is what its own bytes say, whatever follows them; what they share is read once.
func TestARevisionIsReadFromItsOwnBytes(t *testing.T) {
	t.Parallel()
	w := newWriter().plain("first")
	table := w.table("", 1, 2, 3, 4)
	ends := []int64{int64(w.Len())}
	for i := range 5 {
		w.object(4, stream("", fmt.Sprintf("revision %d", i+2)))
		table = w.table(fmt.Sprintf("/Prev %d", table), 4)
		ends = append(ends, int64(w.Len()))
	}
	w.WriteString("4 0 obj\n" + stream("", "isolated") + "\nendobj\n")
	f := NewFile(w.Bytes())
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {3, 0, 5}} {
		for _, i := range order {
			r, err := f.Open(ends[i])
			if err != nil {
				t.Fatal(err)
			}
			want := "first"
			if i > 0 {
				want = fmt.Sprintf("revision %d", i+1)
			}
			if got := content(t, r); got != want || r.Rebuilt || r.End() != ends[i] {
				t.Errorf("revision %d of %v: %q, want %q", i+1, order, got, want)
			}
		}
	}
	if r, err := f.Open(ends[3] - 25); err != nil || content(t, r) != "revision 3" {
		t.Errorf("a revision that is cut off is read as %v", err)
	}
}

func TestWhereProgramsMayDifferIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tail func(w *writer, prev int)
		want string
	}{
		"a revision":           {func(w *writer, prev int) { w.table(fmt.Sprintf("/Prev %d", prev), 4) }, ""},
		"the same place twice": {func(w *writer, prev int) { w.table(fmt.Sprintf("/Prev %d", prev), 4, 4) }, ""},
		"two places": {func(w *writer, prev int) {
			start := w.Len()
			fmt.Fprintf(w, "xref\n4 1\n%010d 00000 n \n4 1\n%010d 00000 n \ntrailer\n<</Size 99/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n",
				w.at[4], w.at[1], prev, start)
		}, "two places"},
		"two catalogs": {func(w *writer, prev int) { w.table(fmt.Sprintf("/Root 1 0 R/Prev %d", prev), 4) }, "twice"},
		"too few":      {func(w *writer, prev int) { w.table(fmt.Sprintf("/Prev %d/Size 2", prev), 4) }, "twice"},
	} {
		w := newWriter().plain("x")
		prev := w.table("", 1, 2, 3, 4)
		end := int64(w.Len())
		c.tail(w, prev)
		f := NewFile(w.Bytes())
		before, err := f.Open(end)
		if err != nil {
			t.Fatal(err)
		}
		after, err := f.Open(int64(w.Len()))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := after.Doubtful(before); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if !after.Follows(before) || before.Follows(after) {
			t.Errorf("%s: which revision follows which is not known", name)
		}
	}
}

// What refers to itself ends.
func TestCirclesEnd(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *writer){
		"an object that is itself":     func(w *writer) { w.object(4, "4 0 R") },
		"a length that is its stream":  func(w *writer) { w.object(4, "<</Length 4 0 R>>\nstream\nx\nendstream") },
		"two objects that are another": func(w *writer) { w.object(4, "5 0 R"); w.object(5, "4 0 R") },
		"a page tree in itself":        func(w *writer) { w.object(2, "<</Type/Pages/Kids[2 0 R]>>") },
	} {
		w := newWriter().plain("x")
		w.object(5, "null")
		change(w)
		w.table("", 1, 2, 3, 4, 5)
		r, err := NewFile(w.Bytes()).Open(int64(w.Len()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		content(t, r)
		if r.Pages() != (name != "a page tree in itself") {
			t.Errorf("%s: whether there is a page is not known", name)
		}
	}
}

func TestAFileForCertificatesIsNoFault(t *testing.T) {
	t.Parallel()
	w := newWriter().plain("x")
	w.object(5, "<</Filter/Adobe.PubSec/V 4>>")
	w.table("/Encrypt 5 0 R", 1, 2, 3, 4, 5)
	if _, err := NewFile(w.Bytes()).Open(int64(w.Len())); !errors.Is(err, cipher.ErrCertificate) {
		t.Error(err)
	}
}
