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

// Bomb is a file of a few kilobytes whose metadata unfolds to a gigabyte, deflated twice.
func Bomb(t testing.TB) []byte {
	t.Helper()
	deflate := func(blocks int, block []byte) []byte {
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		for range blocks {
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
	body := deflate(1, deflate(1<<9, bytes.Repeat([]byte("<x>"), 1<<19)))
	return Small("/Metadata 4 0 R",
		fmt.Sprintf("<</Type/Metadata/Subtype/XML/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream",
			len(body), body))
}
