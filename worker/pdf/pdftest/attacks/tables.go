package attacks

import (
	"bytes"
	"fmt"

	"countersign/worker/pdf/pdftest/paper"
)

// tables are changes by way of how objects are found.
func tables() []paper.Step {
	return []paper.Step{
		approved("a table that forgets the signature", "nothing was signed, and the rent is 9000", func(d *paper.Doc) {
			d.Prev = before(d.Raw(), d.Prev)
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			d.Alter(paper.Catalog, "AcroForm", "")
			d.Alter(paper.Page, "Annots", "")
			d.Save()
		}),
		approved("a table that forgets only", "nothing was signed", func(d *paper.Doc) {
			d.Prev = before(d.Raw(), d.Prev)
			d.Save()
		}),
		on(paper.Twice, "a table that forgets the second signature", "one has signed, and the rent is 9000",
			func(d *paper.Doc) {
				d.Prev = before(d.Raw(), d.Prev)
				d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
				d.Save()
			}),
		approved("a table that starts anew", dearer, func(d *paper.Doc) {
			d.Prev = 0
			for n := 1; n < d.Next(); n++ {
				if o := d.Get(n); o.Keys != nil || o.Text != "" {
					d.Set(n, o)
				}
			}
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			d.Save()
		}),
		approved("objects beside the table", "viewers that look for them show 9000", func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			was := d.Prev
			d.Packed, d.Deflate = true, true
			d.Save()
			beside := d.Prev
			d.Packed, d.Deflate, d.Prev = false, false, was
			d.Trailer["XRefStm"] = fmt.Sprint(beside)
			d.Save()
			delete(d.Trailer, "XRefStm")
		}),
		approved("an object stream in place of another", dearer, restream),
		approved("another form of table", dearer, func(d *paper.Doc) {
			d.Packed = !d.Packed
			d.Deflate = d.Packed
			d.Alter(paper.Page, "Contents", paper.R(d.Add(paper.S(raised))))
			d.Save()
		}),
	}
}

// loose are objects that the table finds wrongly or not at all.
func loose() []paper.Step {
	return []paper.Step{
		approved("a newer generation", dearer, func(d *paper.Doc) {
			at := len(d.Raw())
			d.Append(fmt.Sprintf("%d 1 obj\n%s\nendobj\n", paper.Page,
				d.Text(d.Get(paper.Page).With("Contents", paper.R(paper.Metadata)))))
			tree := len(d.Raw())
			d.Append(fmt.Sprintf("%d 0 obj\n<</Type/Pages/Count 1/Kids[%d 1 R]>>\nendobj\n", paper.Pages, paper.Page))
			begin := len(d.Raw())
			d.Append(fmt.Sprintf("xref\n%d 1\n%010d 00000 n \n%d 1\n%010d 00001 n \ntrailer\n"+
				"<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", paper.Pages, tree, paper.Page, at, d.Next(),
				d.Prev, begin))
		}),
		approved("objects without a table", "viewers that repair the file show 9000", func(d *paper.Doc) {
			d.Append(fmt.Sprintf("%d 0 obj\n%s\nendobj\nstartxref\n0\n%%%%EOF\n", paper.Contents, d.Text(paper.S(raised))))
		}),
		approved("a table that lies", "viewers that repair the file show 9000", func(d *paper.Doc) {
			at := len(d.Raw())
			d.Append(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(raised))))
			pointed(d, map[int]int{paper.Contents: at + 3})
		}),
		approved("a trailer without a catalog", "viewers that repair the file show 9000", func(d *paper.Doc) {
			at := len(d.Raw())
			d.Append(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(raised))))
			begin := len(d.Raw())
			d.Append(fmt.Sprintf("xref\n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Prev %d>>\nstartxref\n%d\n%%%%EOF\n",
				paper.Contents, at, d.Next(), d.Prev, begin))
		}),
		doubtful(approved("an encryption that nobody signed", "it cannot be read without a key", func(d *paper.Doc) {
			d.Trailer["Encrypt"] = "<</Filter/Standard/V 1/R 2/P -4/O<" + zeros + ">/U<" + zeros + ">>>"
			d.Save()
		})),
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// restream puts another object stream under the number of the one that the page lies in. Without object streams it
// puts the catalog into one.
func restream(d *paper.Doc) {
	if !d.Packed {
		d.Packed, d.Deflate = true, true
		d.Alter(paper.Catalog, "Pages", paper.R(otherPages(d, raised)))
		d.Save()
		return
	}
	d.Alter(paper.Page, "Contents", paper.R(d.Add(paper.S(raised))))
	raw := d.Raw()
	first := bytes.LastIndex(raw, []byte("/Type/ObjStm"))
	start := bytes.LastIndex(raw[:first], []byte("\n")) // the line before the dictionary
	start = bytes.LastIndex(raw[:start], []byte("\n")) + 1
	var number int
	fmt.Sscanf(string(raw[start:]), "%d 0 obj", &number) //nolint:errcheck // written so
	d.Set(number, d.Repacked(number))
	d.Save()
}
