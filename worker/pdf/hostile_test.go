package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/worker/pdf/pdftest"
)

// bomb is a deflated stream that unfolds to about size bytes of one character, deflated twice.
func bomb(t testing.TB, size int) []byte {
	t.Helper()
	deflated := func(write func(z *zlib.Writer)) []byte {
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		check(t, err)
		write(z)
		check(t, z.Close())
		return b.Bytes()
	}
	block := bytes.Repeat([]byte("1 "), 1<<19)
	var first bytes.Buffer // the same block again and again: only the first is deflated
	z, err := zlib.NewWriterLevel(&first, zlib.BestCompression)
	check(t, err)
	_, err = z.Write(block)
	check(t, err)
	check(t, z.Flush())
	head := first.Len()
	_, err = z.Write(block)
	check(t, err)
	check(t, z.Flush())
	again := first.Bytes()[head:]
	return deflated(func(z *zlib.Writer) {
		_, err := z.Write(first.Bytes()[:head])
		check(t, err)
		for range size/len(block) - 1 {
			_, err := z.Write(again)
			check(t, err)
		}
	})
}

// objects makes a file of objects, with a trailer that has more to say.
func objects(trailer string, all ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	at := make([]int, len(all))
	for i, o := range all {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(all)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(all)+1,
		strings.ReplaceAll(trailer, "HERE", fmt.Sprint(table)), table)
	return b.Bytes()
}

// streamed makes a file whose objects are found by a cross-reference stream, which says that object 5 lies in the
// object stream 4.
func streamed(t testing.TB, objStm, table string) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	entries := []byte{0, 0, 0, 0, 0, 0, 0}
	add := func(n int, body string) {
		at := b.Len()
		entries = append(entries, 1, byte(at>>24), byte(at>>16), byte(at>>8), byte(at), 0, 0)
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	add(1, "<</Type/Catalog/Pages 2 0 R/X 5 0 R>>")
	add(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")
	add(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
	add(4, objStm)
	entries = append(entries, 2, 0, 0, 0, 4, 0, 0)
	start := b.Len()
	body, dict := string(entries), ""
	if table != "" {
		body, dict = table, "/Filter[/FlateDecode/FlateDecode]"
	}
	fmt.Fprintf(&b, "6 0 obj\n<</Type/XRef/Size 6/W[1 4 2]/Root 1 0 R%s/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", dict, len(body), body, start)
	return b.Bytes()
}

// hostileFiles are files that want to stop or bloat who reads them.
func hostileFiles(t testing.TB) map[string][]byte {
	page := func(more string) string { return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]" + more + ">>" }
	boom := bomb(t, 10<<30)
	stream := func(dict string, body []byte) string {
		return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(body), body)
	}
	const catalog, pages = "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"
	var fan []string // each object names the next ten times: a walk without memory never ends
	for i := range 30 {
		fan = append(fan, "["+strings.Repeat(fmt.Sprintf("%d 0 R ", i+5), 10)+"]")
	}
	return map[string][]byte{
		"a stream that unfolds to 10 GB": objects("", catalog, pages, page("/Contents 4 0 R"),
			stream("/Filter[/FlateDecode/FlateDecode]", boom)),
		"an object stream that unfolds to 10 GB": streamed(t,
			stream("/Type/ObjStm/N 9/First 99/Filter[/FlateDecode/FlateDecode]", boom), ""),
		"a table that unfolds to 10 GB": streamed(t, "null", string(boom)),
		"metadata that unfolds to 10 GB": objects("", "<</Type/Catalog/Pages 2 0 R/Metadata 4 0 R>>", pages, page(""),
			stream("/Type/Metadata/Subtype/XML/Filter[/FlateDecode/FlateDecode]", boom)),
		"a table that names itself":        objects("/Prev HERE", catalog, pages, page("")),
		"a table stream that names itself": objects("/XRefStm HERE", catalog, pages, page("")),
		"pages that hold themselves":       objects("", catalog, "<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>", page("")),
		"a page that is its own parent":    objects("", catalog, pages, "<</Type/Page/Parent 3 0 R/Kids[3 0 R]>>"),
		"an object that is itself":         objects("", catalog, pages, page("/Contents 4 0 R"), "4 0 R"),
		"an object stream that extends itself": streamed(t,
			stream("/Type/ObjStm/N 1/First 4/Extends 4 0 R", []byte("5 0 5 0 R")), ""),
		"a form field that is its own kid": objects("", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", pages,
			page(""), "<</FT/Sig/T(x)/Kids[4 0 R 4 0 R]>>"),
		"fields that fan out": objects("",
			append([]string{"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 4 0 R>>>>", pages, page("")}, fan...)...),
		"a length that is a lie": objects("", catalog, pages, page("/Contents 4 0 R"),
			"<</Length 99999999999>>\nstream\nx\nendstream"),
		"a length that is below nothing": objects("", catalog, pages, page("/Contents 4 0 R"),
			"<</Length -9223372036854775808>>\nstream\nx\nendstream"),
		"a size of everything": objects("/Size 2147483647", catalog, pages, page("")),
		"arrays a million deep": objects("", catalog, pages,
			page("/X "+strings.Repeat("[", 1_000_000)+strings.Repeat("]", 1_000_000))),
		"dictionaries a million deep": objects("", catalog, pages,
			page("/X "+strings.Repeat("<</A", 1_000_000)+" 1"+strings.Repeat(">>", 1_000_000))),
		"a string that does not end":      objects("", catalog, pages, page("/X "+strings.Repeat("(", 1_000_000))),
		"ten thousand signatures in text": append(pdftest.Plain("a"), strings.Repeat("/ByteRange[0 9 99 9] ", 10_000)...),
		"nothing but a head and an end":   []byte("%PDF-1.7\n%%EOF\n"),
		"a page of HTML":                  []byte("<html>%PDF-1.4 <body>Sign in</body></html>\n%%EOF"),
	}
}

// A hostile file ends with a fault or as what it shows, never with a claim that it is signed. Those that eat memory
// until something ends the process are for the child process: cmd has tests of it.
func TestHostileFilesAreReadToAnEnd(t *testing.T) {
	for name, raw := range hostileFiles(t) {
		if strings.Contains(name, "unfolds") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v := Inspect(raw); v.Spent || v.Fault == "" && v.Facts.Signature != unsigned && v.Facts.Signature != unknown {
				t.Errorf("found %+v", v)
			}
		})
	}
}

// FuzzInspect wants a file to be judged without a panic, twice in the same way, and a change of what is signed never
// to be called intact.
func FuzzInspect(f *testing.F) {
	s := newSeal(f, noon.Add(-time.Hour), noon.AddDate(1, 0, 0), false)
	p := newPaper("lease").sign(f, s, how{})
	for _, seed := range [][]byte{p.raw, p.sign(f, s, how{subFilter: "ETSI.RFC3161"}).raw, pdftest.Plain("a"),
		[]byte("%PDF-1.7\n%%EOF\n")} {
		f.Add(seed, 0, byte(0))
		f.Add(seed, 700, byte(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, at int, by byte) {
		if len(raw) > 1<<18 {
			t.Skip()
		}
		first := Inspect(raw)
		same(t, "again", Inspect(raw), first)
		if first.Facts.Signature != intact || by == 0 || at < 0 || at >= len(raw) {
			return
		}
		// the bytes of the signatures themselves are covered by nobody
		for _, span := range rangeText().FindAllSubmatch(raw, -1) {
			from, _ := strconv.Atoi(string(span[2])) //nolint:errcheck // digits
			to, _ := strconv.Atoi(string(span[3]))   //nolint:errcheck // as above
			if at >= from && at < to {
				return
			}
		}
		changed := bytes.Clone(raw)
		changed[at] ^= by
		if v := Inspect(changed); v.Fault == "" && v.Facts.Signature == intact {
			t.Errorf("byte %d changed and still intact", at)
		}
	})
}
