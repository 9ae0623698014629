// Package pdftest makes small PDFs, good and bad, for tests.
package pdftest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"testing"
)

// Small is a file with one more entry in its catalog and one more object, number 4.
func Small(catalog, object string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.7\n")
	for i, o := range []string{"<</Type/Catalog/Pages 2 0 R" + catalog + ">>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", object} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	b.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table)
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
	return Small("/Metadata 4 0 R", fmt.Sprintf("<</Type/Metadata/Subtype/XML/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream", len(body), body))
}
