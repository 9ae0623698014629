package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"countersign/worker/pdf/pdftest"
)

// What follows a file's last %%EOF does not matter, however much it is, unless a revision begins there. A file is cut
// off where it has no end.
func TestOneRuleForWhatFollowsAFile(t *testing.T) {
	whole := pdftest.Plain("lease")
	cut := whole[:len(whole)*2/3]
	const noEnd, begun = "cut off: no %%EOF in it", "cut off: behind its last %%EOF begins a revision that has no end"
	revision := "7 0 obj\n<</Length 9999999>>\nstream\n"
	for name, c := range map[string]struct {
		file  []byte
		after string
		fault string
	}{
		"nothing":            {whole, "", ""},
		"NUL":                {whole, "\x00", ""},
		"blank lines":        {whole, "\r\n", ""},
		"text":               {whole, "<!-- served by the gateway -->\n", ""},
		"numbers":            {whole, "7 0 \n", ""},
		"cut":                {cut, "", noEnd},
		"cut, padded":        {cut, "\x00", noEnd},
		"a cut revision":     {whole, revision, begun},
		"a table of nothing": {whole, "\nxref\n0 1\n", begun},
	} {
		for _, times := range []int{1, 3, 100, 2048, readSize, 3*readSize + 1} {
			raw := append(bytes.Clone(c.file), strings.Repeat(c.after, min(times, 4<<20/max(len(c.after), 1)))...)
			got := ""
			if err := Whole(bytes.NewReader(raw), int64(len(raw)), 0); err != nil {
				got = err.Error()
			}
			same(t, fmt.Sprintf("%s, %d times", name, times), got, c.fault)
			if v := Inspect(raw); c.fault == "" && v.Fault != "" {
				t.Errorf("%s, %d times: %s", name, times, v.Fault)
			}
		}
	}
}

// The mark and what a revision begins with are found wherever a file is cut into parts.
func TestWhatLiesAcrossTwoPartsIsFound(t *testing.T) {
	for shift := range 64 {
		raw := append(bytes.Repeat([]byte("%PDF-1.7\n"), 1), bytes.Repeat([]byte{' '}, 2*readSize-shift)...)
		raw = append(raw, endMark...)
		at := int64(len(raw))
		raw = append(raw, bytes.Repeat([]byte{0}, readSize-shift)...)
		end, err := lastEnd(bytes.NewReader(raw), int64(len(raw)))
		check(t, err)
		same(t, "end", end, at)
		raw = append(raw, "\n12345 0 obj\n"...)
		begun, err := revisionBegins(bytes.NewReader(raw), at, int64(len(raw)))
		check(t, err)
		same(t, "begun", begun, true)
	}
}

// counted counts what is read, and how much at once.
type counted struct {
	*bytes.Reader
	all, most int64
}

// ReadAt is for io.ReaderAt.
func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	c.all, c.most = c.all+int64(len(p)), max(c.most, int64(len(p)))
	return c.Reader.ReadAt(p, at)
}

// However much padding there is, a file is read twice at most, in parts.
func TestPaddingTakesNoMoreThanTheFile(t *testing.T) {
	const padding = 16 << 20
	raw := append(pdftest.Plain("lease"), make([]byte, padding)...)
	c := &counted{Reader: bytes.NewReader(raw)}
	check(t, Whole(c, int64(len(raw)), 0))
	if c.all > 2*int64(len(raw))+4*readSize || c.most > readSize {
		t.Errorf("%d bytes were read of %d, up to %d at once", c.all, len(raw), c.most)
	}
	if v := Inspect(raw); v.Fault != "" {
		t.Error(v.Fault)
	}
}
