package pdf

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/pdf/revision"
)

// tried is a file, what is to be found in it, and where pdfsig of poppler sees it in another way, why.
type tried struct {
	raw     []byte
	fault   string // part of why it is no PDF; the rest is empty then
	word    model.Signature
	is      model.Integrity
	covers  model.Coverage
	note    string // part of the note
	number  int    // of signatures
	differs string // why pdfsig says something else
}

const (
	intact, altered, unsigned, unknown = model.SignatureIntact, model.SignatureAltered, model.SignatureUnsigned,
		model.SignatureUnknown
	isIntact, isAltered, isUnknown    = model.IntegrityIntact, model.IntegrityAltered, model.IntegrityUnknown
	whole, extended, changed, partial = model.CoverageWhole, model.CoverageExtended, model.CoverageChanged, model.CoveragePartial
)

// flipped changes one byte.
func flipped(raw []byte, at int, to byte) []byte {
	out := slices.Clone(raw)
	out[at] = to
	return out
}

// put writes over what stands after a mark.
func put(t *testing.T, raw []byte, mark, text string) []byte {
	t.Helper()
	at := bytes.LastIndex(raw, []byte(mark))
	if at < 0 {
		t.Fatalf("no %q in the file", mark)
	}
	out := slices.Clone(raw)
	copy(out[at+len(mark):], text)
	return out
}

// valid are files as services make them: none of them may ever be refused.
func validFiles(t *testing.T) map[string]tried {
	s := newSeal(t, noon.Add(-time.Hour), noon.AddDate(1, 0, 0), false)
	once := newPaper("lease").sign(t, s, how{})
	twice := once.sign(t, s, how{})
	dss := map[int]string{1: once.catalog("/DSS 90 0 R"), 90: "<</Type/DSS/Certs[91 0 R]>>",
		91: "<</Length 3>>\nstream\nabc\nendstream"}
	filled := how{more: map[int]string{70: "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Ana)/Rect[0 0 9 9]>>"}}
	old := newSeal(t, noon.AddDate(-2, 0, 0), noon.AddDate(-1, 0, 0), false)
	return map[string]tried{
		"no signature": {raw: pdftest.Plain("lease"), word: unsigned, is: model.IntegrityNone,
			covers: model.CoverageNone},
		"signed": {raw: once.raw, word: intact, is: isIntact, covers: whole, number: 1},
		"signed in the CAdES form": {raw: newPaper("a").sign(t, s, how{subFilter: "ETSI.CAdES.detached"}).raw,
			word: intact, is: isIntact, covers: whole, number: 1},
		"signed with a chain": {raw: newPaper("a").sign(t,
			newSeal(t, noon.Add(-time.Hour), noon.AddDate(1, 0, 0), true), how{}).raw, word: intact, is: isIntact,
			covers: whole, number: 1},
		"signed with an expired one": {raw: newPaper("a").sign(t, old, how{}).raw, word: intact, is: isIntact,
			covers: whole, number: 1},
		"signed by a second over all": {raw: twice.raw, word: intact, is: isIntact, covers: whole, number: 2},
		"a field filled, then signed": {raw: once.sign(t, s, filled).raw, word: intact, is: isIntact, covers: whole,
			number: 2},
		"a time stamp later": {raw: once.sign(t, s, how{subFilter: "ETSI.RFC3161"}).raw, word: intact,
			is: isIntact, covers: whole, number: 2, differs: "poppler does not check time stamps"},
		"material to check with is added": {raw: once.revise(dss).raw, word: intact, is: isIntact, covers: extended, number: 1,
			differs: "poppler does not look at what was added"},
		"material, then a time stamp": {raw: once.revise(dss).sign(t, s,
			how{subFilter: "ETSI.RFC3161", more: map[int]string{90: "<</Type/DSS/Certs[91 0 R]>>"}}).raw, word: intact,
			is: isIntact, covers: whole, number: 2, differs: "poppler does not check time stamps"},
		"usage rights and no signature": {raw: rightsOnly(t, once), word: unknown, is: isUnknown,
			covers: model.CoverageUnknown, note: "usage rights", differs: "poppler does not look at usage rights"},
		"a line break at the end": {raw: append(slices.Clone(once.raw), '\r', '\n'), word: intact, is: isIntact,
			covers: extended, number: 1, differs: "poppler counts white space"},
	}
}

// alteredFiles are files that are not what was signed.
func alteredFiles(t *testing.T) map[string]tried {
	s := newSeal(t, noon.Add(-time.Hour), noon.AddDate(1, 0, 0), false)
	once := newPaper("lease").sign(t, s, how{})
	gap := once.spans[1]
	shift := func(i, by int) how {
		return how{spans: func(good [4]int) [4]int { good[i] += by; return good }}
	}
	otherText := "<</Length 39>>\nstream\nBT /F1 12 Tf 10 10 Td (10 euro) Tj ET    \nendstream"
	changedPage := map[int]string{4: otherText}
	swapped := newPaper("other").sign(t, s, how{})
	return map[string]tried{
		"a byte of the text": {raw: flipped(once.raw, bytes.Index(once.raw, []byte("(lease)"))+1, 'L'),
			word: altered, is: isAltered, covers: whole, note: "was changed afterwards", number: 1},
		"a byte of the reason": {raw: put(t, once.raw, "/Reason(", "U"), word: altered, is: isAltered, covers: whole,
			note: "was changed afterwards", number: 1},
		"a byte of the signature": {raw: flipped(once.raw, lastDigit(once), flip(once.raw[lastDigit(once)])),
			word: altered, is: isAltered, covers: whole, note: "key", number: 1},
		"a byte of the certificate": {raw: put(t, once.raw, fmt.Sprintf("%X", "Throwaway")[:0]+"/Contents<", "31"),
			word: intact, is: isIntact, covers: whole, number: 1,
			differs: "the message reads the same"},
		"a longer ByteRange": {raw: newPaper("a").sign(t, s, shift(3, 10)).raw, word: altered, is: isAltered,
			covers: partial, note: "beyond", number: 1, differs: "poppler does not check what it cannot read"},
		"a shorter ByteRange": {raw: newPaper("a").sign(t, s, shift(3, -10)).raw, word: altered, is: isAltered,
			covers: changed, note: "was changed afterwards", number: 1},
		"a gap that begins earlier": {raw: newPaper("a").sign(t, s, shift(1, -20)).raw, word: altered, is: isAltered,
			covers: partial, note: "leaves out", number: 1},
		"a gap that ends later": {raw: newPaper("a").sign(t, s,
			how{spans: func(g [4]int) [4]int { g[2] += 9; g[3] -= 9; return g }}).raw, word: altered, is: isAltered,
			covers: partial, note: "leaves out", number: 1},
		"a ByteRange that overlaps": {raw: newPaper("a").sign(t, s, shift(2, -2*room-9)).raw, word: altered,
			is: isAltered, covers: partial, note: "overlaps", number: 1},
		"a negative ByteRange": {raw: newPaper("a").sign(t, s,
			how{spans: func(g [4]int) [4]int { g[2] = -5; return g }}).raw, word: altered, is: isAltered, covers: partial,
			note: "negative", number: 1, differs: "poppler does not check what it cannot read"},
		"a page changed afterwards": {raw: once.revise(changedPage).raw, word: altered, is: isIntact, covers: changed,
			note: "page 1: its content", number: 1},
		"an annotation afterwards": {raw: once.revise(map[int]string{3: strings.Replace(once.page("4 0 R"), "/Annots[",
			"/Annots[8 0 R ", 1), 8: "<</Type/Annot/Subtype/Square/Rect[0 0 200 200]/IC[1 1 1]/P 3 0 R>>"}).raw,
			word: altered, is: isIntact, covers: changed, note: "page 1: an annotation was added", number: 1},
		"junk at the end": {raw: append(slices.Clone(once.raw), "more\n%%EOF\n"...), word: altered,
			is: isIntact, covers: changed, note: "appended", number: 1},
		"material and a changed page": {raw: once.revise(map[int]string{1: once.catalog("/DSS<<>>"), 4: otherText}).raw,
			word: altered, is: isIntact, covers: changed, note: "page 1: its content", number: 1},
		"a page changed and signed over by somebody": {raw: once.revise(changedPage).sign(t,
			newSeal(t, noon, noon.AddDate(1, 0, 0), false), how{}).raw,
			word: altered, is: isIntact, covers: changed, note: "between signature 1 and the next one: page 1: its content", number: 2,
			differs: "poppler looks at each signature by itself"},
		"cut off in its last revision": {raw: append(slices.Clone(once.raw[:len(once.raw)-120]), "\n%%EOF\n"...),
			word: altered, is: isUnknown, covers: model.CoverageUnknown, note: "cut off",
			differs: "poppler reads the revision before"},
		"the signature taken out": {raw: once.revise(map[int]string{1: "<</Type/Catalog/Pages 2 0 R>>",
			3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>"}).raw,
			word: altered, is: isUnknown, covers: model.CoverageUnknown, note: "taken out",
			differs: "poppler sees only what the form names"},
		"the signature wiped": {raw: wiped(once).raw,
			word: altered, is: isUnknown, covers: model.CoverageUnknown, note: "taken out",
			differs: "poppler sees only what the form names"},
		"a signature taken out before the next": {raw: wiped(once).sign(t, s, how{}).raw, word: altered, is: isIntact,
			covers: whole, note: "taken out", number: 1,
			differs: "poppler sees only what the form names"},
		"a signature of another file": {raw: slices.Concat(once.raw[:gap], swapped.raw[swapped.spans[1]:swapped.spans[2]],
			once.raw[once.spans[2]:]), word: altered, is: isAltered, covers: whole, note: "was changed afterwards", number: 1},
		"the digest of other bytes": {raw: newPaper("a").sign(t, s,
			how{message: func(c []byte) []byte { return s.cms(t, append(c, 'x'), nil, oidData) }}).raw, word: altered,
			is: isAltered, covers: whole, note: "was changed afterwards", number: 1},
		"another's key": {raw: newPaper("a").sign(t, s, how{message: func(c []byte) []byte {
			return bytes.Replace(s.cms(t, c, nil, oidData), []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"),
				[]byte("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05"), 1)
		}}).raw, word: altered, is: isAltered, covers: whole, number: 1, differs: "poppler does not miss the digest"},
		"the second signature spoiled": {raw: put(t, once.sign(t, s, how{}).raw, "/Reason(", "U"), word: altered,
			is: isAltered, covers: whole, number: 2},
		"a time stamp over other bytes": {raw: once.sign(t, s,
			how{subFilter: "ETSI.RFC3161", message: func(c []byte) []byte { return s.stamp(t, c[1:], noon) }}).raw,
			word: altered, is: isAltered, covers: whole, note: "was changed afterwards", number: 2,
			differs: "poppler does not check time stamps"},
		"a form that nobody knows": {raw: newPaper("a").sign(t, s, how{subFilter: "acme.sealed"}).raw, word: intact,
			is: isIntact, covers: whole, number: 1, differs: "poppler goes by the name of the form"},
		"no message at all": {raw: newPaper("a").sign(t, s, how{message: func([]byte) []byte { return nil }}).raw,
			word: unknown, is: isUnknown, covers: whole, number: 1,
			differs: "poppler calls a message that it cannot read invalid"},
		"encrypted": {raw: encrypted(t, once.raw, ""), word: altered, is: isAltered, covers: partial,
			note: "leaves out", number: 1},
		"encrypted by another program": {raw: pdftest.Encrypted(), word: altered, is: isAltered, covers: partial,
			note: "leaves out", number: 1},
		"encrypted for certificates": {raw: pdftest.Locked(), word: unknown, is: isUnknown,
			covers: model.CoverageUnknown, note: "certificates", differs: "poppler cannot open it"},
		"behind a password": {raw: encrypted(t, once.raw, "open"), word: unknown, is: isUnknown,
			covers: model.CoverageUnknown, note: "password", differs: "poppler cannot open it"},
	}
}

// lastDigit is the place of the last digit of a signature that is not padding.
func lastDigit(p paper) int {
	in := p.raw[:p.spans[2]-1]
	return len(bytes.TrimRight(in, "0")) - 1
}

// wiped is a paper whose only signature was taken out by a later revision.
func wiped(p paper) paper {
	p.fields = nil
	return p.revise(map[int]string{1: "<</Type/Catalog/Pages 2 0 R>>",
		3: "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>", 6: "<<>>", 7: "<<>>"})
}

// rightsOnly makes a paper's only signature one of usage rights.
func rightsOnly(t *testing.T, p paper) []byte {
	t.Helper()
	const form, rights = "/AcroForm<</SigFlags 3/Fields[7 0 R ]>>", "/Perms<</UR3 6 0 R>>"
	raw := bytes.Replace(p.raw, []byte(form), []byte(rights+strings.Repeat(" ", len(form)-len(rights))), 1)
	return bytes.Replace(raw, []byte("/Subtype/Widget/FT/Sig"), []byte("/Subtype/Square       "), 1)
}

func flip(c byte) byte {
	if c == '1' {
		return '2'
	}
	return '1'
}

// encrypted has qpdf encrypt a file.
func encrypted(t *testing.T, raw []byte, password string) []byte {
	t.Helper()
	return encryptedBy(t, raw, password, "256")
}

func encryptedBy(t *testing.T, raw []byte, password string, how ...string) []byte {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.pdf"), filepath.Join(t.TempDir(), "out.pdf")
	check(t, os.WriteFile(in, raw, 0o600))
	args := append([]string{"--allow-weak-crypto", "--static-id", "--encrypt", password, "owner"}, how...)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	text, err := exec.CommandContext(ctx, tool(t, "qpdf", "qpdf"), append(args, "--", in, out)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	all, err := os.ReadFile(out)
	check(t, err)
	return all
}

// tool finds a program that gives a second opinion.
func tool(t *testing.T, name, in string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: apt-get install %s", name, in)
		}
		t.Skipf("%s is missing: apt-get install %s", name, in)
	}
	return path
}

func TestWhatIsFoundInAFile(t *testing.T) {
	all := validFiles(t)
	for n, c := range all {
		if c.word == altered {
			t.Errorf("%s: a valid file is expected to be altered", n)
		}
	}
	for n, c := range alteredFiles(t) {
		if c.word != altered && c.word != unknown && c.differs == "" {
			t.Errorf("%s: an altered file is expected to be %s", n, c.word)
		}
		all[n] = c
	}
	for n, c := range all {
		t.Run(n, func(t *testing.T) {
			t.Parallel()
			v := Inspect(c.raw)
			f := v.Facts
			same(t, "found", []any{v.Fault, f.Signature, f.Integrity, f.Coverage, len(f.Signatures)},
				[]any{c.fault, c.word, c.is, c.covers, c.number})
			if !strings.Contains(f.Note, c.note) || (f.Note == "") != (c.word == intact || c.word == unsigned) {
				t.Errorf("the note is %q, want %q in it", f.Note, c.note)
			}
			trust := model.TrustUnknown
			if c.word == unsigned {
				trust = model.TrustNone
			}
			same(t, "trust", f.Trust, trust)
			c.secondOpinion(t, f.Signature)
		})
	}
}

// secondOpinion asks pdfsig, which must agree but where it is said why it does not.
func (c tried) secondOpinion(t *testing.T, ours model.Signature) {
	t.Helper()
	said := pdfsig(t, c.raw)
	if (said == ours) == (c.differs == "") {
		return
	}
	t.Errorf("pdfsig says %q and we say %q, though %q", said, ours, c.differs)
}

// pdfsig is what poppler's program says of a file, in our words.
func pdfsig(t *testing.T, raw []byte) model.Signature {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pdf")
	check(t, os.WriteFile(file, raw, 0o600))
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	out, _ := exec.CommandContext(ctx, tool(t, "pdfsig", "poppler-utils"), "-nocert", file).CombinedOutput() //nolint:errcheck // it fails where there is no signature
	states := regexp.MustCompile(`Signature Validation: (.*)`).FindAllStringSubmatch(string(out), -1)
	word := intact
	for _, s := range states {
		switch is := s[1]; {
		case strings.Contains(is, "Valid"):
		case strings.Contains(is, "Mismatch"), strings.Contains(is, "Invalid"):
			return altered
		default:
			word = unknown
		}
	}
	switch {
	case strings.Contains(string(out), "does not contain any signatures"):
		return unsigned
	case len(states) == 0:
		return "unreadable"
	case word == intact && !regexp.MustCompile(`(?m)^\s*- Total document signed`).Match(out):
		return altered
	}
	return word
}

// A file that opens without a password is read, in whatever way it is encrypted. Where it was signed before, the bytes
// are no longer those that were signed.
func TestFilesThatOpenWithoutAPasswordAreRead(t *testing.T) {
	t.Parallel()
	for name, how := range map[string][]string{
		"RC4 40": {"40"}, "RC4 128": {"128", "--use-aes=n"}, "AES 128": {"128", "--use-aes=y"},
		"AES 128, plain metadata": {"128", "--use-aes=y", "--cleartext-metadata"}, "AES 256": {"256"},
		"AES 256 of its first form": {"256", "--force-R5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := encryptedBy(t, pdftest.Plain("lease"), "", how...)
			r, err := revision.NewFile(raw).Open(int64(len(raw)))
			check(t, err)
			page := r.Dict(r.Array(r.Dict(r.Root().Get("Pages")).Get("Kids"))[0])
			content, ok := r.Resolve(page.Get("Contents")).(*object.Stream)
			if !ok || !r.Encrypted() {
				t.Fatalf("the page has no content, or the file is not encrypted: %v", page)
			}
			text, err := r.Decode(content)
			check(t, err)
			if !bytes.Contains(text, []byte("(lease) Tj")) {
				t.Errorf("the page says %q", text)
			}
			if v := Inspect(raw); v.Fault != "" || v.Facts.Signature != unsigned {
				t.Errorf("found %+v", v)
			}
			raw = encryptedBy(t, pdftest.Plain("lease"), "open", how...)
			if v := Inspect(raw); v.Fault != "" || v.Facts.Signature != unknown || !strings.Contains(v.Facts.Note, "password") {
				t.Errorf("behind a password: %+v", v)
			}
		})
	}
}
