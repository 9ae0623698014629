// Package pdftest has small PDF files, good and bad, for tests.
package pdftest

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"fmt"
	"testing"
)

//go:embed signed.pdf
var signed []byte

//go:embed altered.pdf
var altered []byte

//go:embed encrypted.pdf
var encrypted []byte

// Signed is a file with one signature that is intact.
func Signed() []byte { return bytes.Clone(signed) }

// Altered is the signed file, changed after it was signed.
func Altered() []byte { return bytes.Clone(altered) }

// Encrypted is the signed file, encrypted without a password after it was signed.
func Encrypted() []byte { return bytes.Clone(encrypted) }

// Locked is a file that only the owners of certain certificates can open.
func Locked() []byte {
	return bytes.Replace(Small("", "<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4/Recipients[]>>"),
		[]byte("/Root 1 0 R"), []byte("/Root 1 0 R/Encrypt 4 0 R"), 1)
}

// Plain is a small unsigned PDF that tells itself from others by a word.
func Plain(word string) []byte {
	content := "BT /F1 12 Tf 10 10 Td (" + word + ") Tj ET"
	return file(
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(content),
			content), "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	)
}

// Small is a file with one more entry in its catalog and one more object, number 4.
func Small(catalog, object string) []byte {
	return file("<</Type/Catalog/Pages 2 0 R"+catalog+">>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", object)
}

// file numbers objects from 1, which is the catalog, and writes them with their table.
func file(objects ...string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.7\n")
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

// Bomb is a file of a few kilobytes whose page tree, in a stream of objects that is deflated twice, has so many kids
// that they do not fit into memory.
func Bomb(t testing.TB) []byte {
	t.Helper()
	deflate := func(blocks ...[]byte) []byte {
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		for _, block := range blocks {
			if err == nil {
				_, err = z.Write(block)
			}
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	const head = "2 0 "
	blocks := [][]byte{[]byte(head + "<</Type/Pages/Count 1/Kids[3 0 R ")}
	for range 50 {
		blocks = append(blocks, bytes.Repeat([]byte("1 "), 1<<19))
	}
	packed := deflate(deflate(append(blocks, []byte("]>>"))...))
	var b bytes.Buffer
	entries := make([]byte, 7)
	add := func(n int, body string) {
		at := b.Len()
		entries = append(entries, 1, byte(at>>24), byte(at>>16), byte(at>>8), byte(at), 0, 0)
		if n == 1 { // object 2 lies in object 4
			entries = append(entries, 2, 0, 0, 0, 4, 0, 0)
		}
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	b.WriteString("%PDF-1.7\n")
	add(1, "<</Type/Catalog/Pages 2 0 R>>")
	add(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
	add(4, fmt.Sprintf("<</Type/ObjStm/N 1/First %d/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream",
		len(head), len(packed), packed))
	table := b.Len()
	fmt.Fprintf(&b, "5 0 obj\n<</Type/XRef/Size 5/W[1 4 2]/Root 1 0 R/Length %d>>\nstream\n%s\nendstream\nendobj\n",
		len(entries), entries)
	fmt.Fprintf(&b, "startxref\n%d\n%%%%EOF\n", table)
	return b.Bytes()
}
