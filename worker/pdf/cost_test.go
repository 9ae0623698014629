package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// often is a file that was signed so many times.
func often(t testing.TB, times int) []byte {
	s := newSeal(t, noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0), false)
	p := newPaper("lease")
	for range times {
		p = p.sign(t, s, how{})
	}
	return p.raw
}

// wide is a signed file with so many objects, after which a revision has written each of them again.
func wide(t testing.TB, objects int) []byte {
	s := newSeal(t, noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0), false)
	const first = 100
	more := map[int]string{}
	var names strings.Builder
	for i := range objects {
		n := first + i
		more[n] = fmt.Sprintf("<</Type/ExtGState/LW %d/D[[3 2]0]>>", i)
		fmt.Fprintf(&names, "/G%d %d 0 R", i, n)
	}
	page := strings.Replace(newPaper("").page("4 0 R"), "/Font<<", "/ExtGState<<"+names.String()+">>/Font<<", 1)
	p := newPaper("lease").revise(more).revise(map[int]string{3: page})
	again := map[int]string{3: ""}
	signed := p.sign(t, s, how{more: map[int]string{3: strings.Replace(page, "/Annots[]", "/Annots[100100 0 R]", 1)}})
	for n, o := range more {
		again[n] = o
	}
	delete(again, 3)
	return signed.revise(again).raw
}

// The work grows with the signatures and with the objects, and not with their square.
func BenchmarkInspect(b *testing.B) {
	for name, raw := range map[string][]byte{
		"25 signatures": often(b, 25), "100 signatures": often(b, 100),
		"10000 objects": wide(b, 10_000), "100000 objects": wide(b, 100_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if f := Inspect(raw).Facts; f.Signature != intact {
					b.Fatal(f.Signature, f.Note)
				}
			}
		})
	}
}

// What lies in a file and is not asked for is not copied.
func TestALargeFileIsNotCopied(t *testing.T) {
	s := newSeal(t, noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0), false)
	const size = 8 << 20
	picture := "<</Type/XObject/Subtype/Image/Width 1/Height 1/Length " + fmt.Sprint(size) + ">>\nstream\n" +
		string(bytes.Repeat([]byte{'x'}, size)) + "\nendstream"
	raw := newPaper("lease").revise(map[int]string{90: picture,
		3: strings.Replace(newPaper("").page("4 0 R"), "/Font<<", "/XObject<</I 90 0 R>>/Font<<", 1)}).raw
	p := paper{raw: raw, next: 91, last: bytes.LastIndex(raw, []byte("\nxref\n")) + 1}
	raw = p.sign(t, s, how{more: map[int]string{3: strings.Replace(p.page("4 0 R"), "/Font<<",
		"/XObject<</I 90 0 R>>/Font<<", 1)}}).raw
	taken := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if f := Inspect(raw).Facts; f.Signature != intact {
				b.Fatal(f.Signature, f.Note)
			}
		}
	}).AllocedBytesPerOp()
	if taken > size*3/4 {
		t.Errorf("%d bytes were taken to read a file of %d", taken, len(raw))
	}
}
