// Package pdf makes PDF files and signs them with a throwaway key.
package pdf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// File is what a PDF file says. Equal papers make equal bytes.
type File struct {
	Title  string
	Lines  []string // on the first page
	Pages  int
	Filler uint64 // chooses the text of the other pages
	Sealed bool
	At     time.Time // when it was made, and sealed

	Altered bool // a page was changed after that
}

// Sum is what is known of a file without its bytes.
type Sum struct {
	Hash string
	Size int
}

// SumOf is the sum of a file.
func SumOf(b []byte) Sum {
	h := sha256.Sum256(b)
	return Sum{Hash: hex.EncodeToString(h[:]), Size: len(b)}
}

// pdfWriter collects objects and where they begin.
type pdfWriter struct {
	bytes.Buffer
	offsets []int
}

func (p *pdfWriter) object(format string, args ...any) {
	p.offsets = append(p.offsets, p.Len())
	fmt.Fprintf(p, "%d 0 obj\n", len(p.offsets))
	fmt.Fprintf(p, format, args...)
	p.WriteString("\nendobj\n")
}

// The numbers of the objects that every file has, in the order in which they are written.
const (
	objCatalog = 1 + iota
	objPages
	objFont
	objInfo
	objField
	objSignature
	firstPage
)

// Render makes a PDF file; with keys, and where the paper is sealed, it carries a signature over
// every byte but its own.
func (p File) Render(keys *Keys) []byte {
	w := &pdfWriter{}
	w.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	form, annotation := "", ""
	if p.Sealed {
		form = fmt.Sprintf(" /AcroForm << /Fields [%d 0 R] /SigFlags 3 >>", objField)
		annotation = fmt.Sprintf(" /Annots [%d 0 R]", objField)
	}
	w.object("<< /Type /Catalog /Pages %d 0 R%s >>", objPages, form)
	var kids []string
	for i := range p.Pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", firstPage+2*i))
	}
	w.object("<< /Type /Pages /Count %d /Kids [%s] >>", p.Pages, strings.Join(kids, " "))
	w.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	w.object("<< /Title (%s) /Producer (simulated signing service) /CreationDate (%s) >>", pdfText(p.Title), pdfDate(p.At))
	if p.Sealed {
		w.object("<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal) /F 132 /Rect [0 0 0 0] /P %d 0 R /V %d 0 R >>",
			firstPage, objSignature)
		w.object("<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /Name (Simulated signing service) /M (%s) %s %s >>",
			pdfDate(p.At), rangePlaceholder(), "/Contents <"+strings.Repeat("0", 2*sealRoom)+">")
	} else {
		w.object("<< >>")
		w.object("<< >>")
	}
	for i := range p.Pages {
		content := p.content(i)
		w.object("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 %d 0 R >> >> /Contents %d 0 R%s >>",
			objPages, objFont, firstPage+2*i+1, annotation)
		w.object("<< /Length %d >>\nstream\n%s\nendstream", len(content), content)
		annotation = ""
	}
	w.finish()
	file := w.Bytes()
	if p.Sealed {
		file = keys.seal(file, p.At)
	}
	if p.Altered {
		file = bytes.Replace(file, []byte("(page 1 of "), []byte("(page 7 of "), 1)
	}
	return file
}

// Share is a number from 0 to 1 that goes with the file's title: for what befalls a share of files.
func (p File) Share() float64 {
	sum := sha256.Sum256([]byte(p.Title))
	return float64(binary.BigEndian.Uint32(sum[:])) / (1 << 32)
}

func (p *pdfWriter) finish() {
	start := p.Len()
	fmt.Fprintf(p, "xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1)
	for _, at := range p.offsets {
		fmt.Fprintf(p, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(p, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(p.offsets)+1,
		objCatalog, objInfo, start)
}

// content is what a page draws.
func (p File) content(page int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "BT /F1 16 Tf 56 780 Td (%s) Tj ET\n", pdfText(p.Title))
	fmt.Fprintf(&b, "BT /F1 9 Tf 56 40 Td (page %d of %d) Tj ET\n", page+1, p.Pages)
	lines := p.Lines
	if page > 0 {
		lines = filler(p.Filler+uint64(page), 34)
	}
	for i, line := range lines {
		fmt.Fprintf(&b, "BT /F1 10 Tf 56 %d Td (%s) Tj ET\n", 750-20*min(i, 34), pdfText(line))
	}
	return b.String()
}

// filler makes n lines of contract-like text.
func filler(seed uint64, n int) []string {
	words := strings.Fields("the party shall deliver notice of each service term within thirty days after receipt " +
		"unless otherwise agreed in writing and such obligation survives termination of this agreement for any cause")
	lines := make([]string, n)
	for i := range lines {
		var b strings.Builder
		for range 12 {
			seed = seed*6364136223846793005 + 1442695040888963407
			b.WriteString(words[seed>>33%uint64(len(words))] + " ")
		}
		lines[i] = strings.TrimSpace(b.String())
	}
	return lines
}

// pdfText is a text as a PDF string holds it in WinAnsi; what that lacks becomes a question mark.
func pdfText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r >= 0xa0 && r <= 0xff:
			fmt.Fprintf(&b, "\\%03o", r)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

func pdfDate(t time.Time) string { return t.UTC().Format("D:20060102150405Z") }
