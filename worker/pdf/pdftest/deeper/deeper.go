// Package deeper makes attacks that are not in the literature, or only between its lines: what a reader of the rule
// would try next. It knows nothing of the program that judges them.
package deeper

import (
	"fmt"
	"slices"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// Files are all of them, each on a file with a classic table and on one with object streams.
func Files() []paper.File { return paper.Files(Steps()) }

// Steps are all of them.
func Steps() []paper.Step {
	return slices.Concat(twofold(), located(), indirect(), external(), parameters(), claims(), names(), catalog(), looks(), fills(),
		order(), painted(), nested(), layers(), fans(), later(), signers(), encoded(), tagged(), shapes())
}

func on(base paper.Base, name, says string, do func(d *paper.Doc)) paper.Step {
	return paper.Step{Name: name, Says: says, Want: paper.Altered, On: base, Do: do}
}

func saved(base paper.Base, name, says string, do func(d *paper.Doc)) paper.Step {
	return on(base, name, says, func(d *paper.Doc) {
		do(d)
		d.Save()
	})
}

// doubtful is a step in which viewers differ, or that a rule allows by its letter.
func doubtful(s paper.Step) paper.Step {
	s.Want = paper.NotIntact
	return s
}

const (
	dearer = "the rent is 9000 where 1000 was signed"
	over   = "9000 stands over the rent"
	cover  = "1 1 1 rg 0 0 300 200 re f 0 g BT /F1 12 Tf 20 140 Td (Rent: 9000 EUR a month) Tj ET"
)

var raised = strings.ReplaceAll(paper.Text, "1000", "9000")

// certified is a lease that its author prepared and certified at a level.
func certified(level int, before func(d *paper.Doc)) paper.Base {
	b := paper.Prepared(before)
	b.Signs[0].Certify = level
	return b
}

func form(body string, more ...string) paper.Object {
	return paper.S(body, append([]string{"Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 300 200]", "Resources",
		"<</Font<</F1 " + paper.R(paper.Font) + ">>>>"}, more...)...)
}

// resources are the first page's, with more in them.
func resources(more string) string {
	return "<</Font<</F1 " + paper.R(paper.Font) + ">>/XObject<</Logo " + paper.R(paper.Logo) + ">>" + more + ">>"
}

// written is an object as it is written, to be spoiled.
func written(d *paper.Doc, n int) string { return d.Text(d.Get(n)) }

// twofold are dictionaries that name an entry twice, of which viewers take one or the other.
func twofold() []paper.Step {
	var out []paper.Step
	for _, c := range []struct {
		name string
		text func(d *paper.Doc, evil string) string
	}{
		{"first", func(d *paper.Doc, evil string) string {
			return strings.Replace(written(d, paper.Page), "<<", "<</Contents "+evil, 1)
		}},
		{"last", func(d *paper.Doc, evil string) string {
			return strings.TrimSuffix(written(d, paper.Page), ">>") + "/Contents " + evil + ">>"
		}},
		{"escaped first", func(d *paper.Doc, evil string) string {
			return strings.Replace(written(d, paper.Page), "<<", "<</Con#74ents "+evil, 1)
		}},
		{"escaped last", func(d *paper.Doc, evil string) string {
			return strings.TrimSuffix(written(d, paper.Page), ">>") + "/Conten#74s " + evil + ">>"
		}},
	} {
		out = append(out, doubtful(saved(paper.Approved, "contents twice, the evil one "+c.name, dearer,
			func(d *paper.Doc) {
				evil := d.Add(paper.S(raised))
				d.Set(paper.Page, paper.T(c.text(d, paper.R(evil))))
			})))
	}
	return append(out,
		doubtful(on(paper.Approved, "a table with two entries for an object, the evil one first", dearer,
			func(d *paper.Doc) { entries(d, true) })),
		doubtful(on(paper.Approved, "a table with two entries for an object, the evil one last", dearer,
			func(d *paper.Doc) { entries(d, false) })),
		doubtful(on(paper.Approved, "a trailer with two catalogs", dearer, func(d *paper.Doc) {
			tail(d, "/Root "+paper.R(evilCatalog(d))+"/Root "+paper.R(paper.Catalog))
		})),
		doubtful(on(paper.Approved, "a trailer with two catalogs, the other way", dearer, func(d *paper.Doc) {
			tail(d, "/Root "+paper.R(paper.Catalog)+"/Root "+paper.R(evilCatalog(d)))
		})),
		doubtful(on(paper.Approved, "a catalog in the trailer itself", dearer, func(d *paper.Doc) {
			n := evilCatalog(d)
			tail(d, "/Root "+written(d, n))
		})),
	)
}

// evilCatalog saves a catalog whose page has another rent.
func evilCatalog(d *paper.Doc) int {
	body := d.Add(paper.S(raised))
	page, tree := d.Reserve(), d.Reserve()
	d.Set(page, d.Get(paper.Page).With("Parent", paper.R(tree), "Contents", paper.R(body)))
	d.Set(tree, paper.D("Type", "/Pages", "Kids", paper.Rs(page), "Count", "1"))
	n := d.Add(d.Get(paper.Catalog).With("Pages", paper.R(tree)))
	d.Save()
	return n
}

// tail appends an empty classic table with a trailer of its own.
func tail(d *paper.Doc, root string) {
	begin := len(d.Raw())
	d.Append(fmt.Sprintf("xref\n0 0\ntrailer\n<</Size %d%s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", d.Next(), root, d.Prev,
		begin))
}

// entries appends the content with another rent, as it was, and a table that has both.
func entries(d *paper.Doc, first bool) {
	place := func(text string) int {
		at := len(d.Raw())
		d.Append(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(text))))
		return at
	}
	a, b := place(paper.Text), place(raised)
	if first {
		a, b = b, a
	}
	begin := len(d.Raw())
	d.Append(fmt.Sprintf("xref\n%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\n"+
		"startxref\n%d\n%%%%EOF\n", paper.Contents, a, paper.Contents, b, d.Next(), d.Prev, begin))
}

// located are changes in how the newest table is found, and what it says of how many objects there are.
func located() []paper.Step {
	evil := func(d *paper.Doc) {
		d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
		d.Save()
	}
	return []paper.Step{
		on(paper.Approved, "the newest table named before the signed one", dearer, func(d *paper.Doc) {
			old := d.Prev
			evil(d)
			d.Append(fmt.Sprintf("startxref\n%d\n%%%%EOF\n", old))
		}),
		on(paper.Approved, "the newest table named behind two ends", dearer, func(d *paper.Doc) {
			old := d.Prev
			evil(d)
			d.Append(fmt.Sprintf("startxref\n%d\n%%%%EOF\nstartxref\n%d\n%%%%EOF\n", old, d.Prev))
		}),
		doubtful(on(paper.Approved, "a table that lies a little behind where it is said", dearer, func(d *paper.Doc) {
			evil(d)
			raw := string(d.Raw())
			at := strings.LastIndex(raw, "startxref\n")
			d.Replace([]byte(raw[:at] + fmt.Sprintf("startxref\n%d\n%%%%EOF\n", d.Prev-3)))
		})),
		doubtful(on(paper.Approved, "fewer objects than there are", "the fields are gone", func(d *paper.Doc) {
			begin := len(d.Raw())
			d.Append(fmt.Sprintf("xref\n0 0\ntrailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n",
				paper.Font, d.Prev, begin))
		})),
		doubtful(on(paper.Approved, "a revision without its end", dearer, func(d *paper.Doc) {
			evil(d)
			d.Replace([]byte(strings.TrimSuffix(string(d.Raw()), "%%EOF\n")))
		})),
		on(paper.Approved, "a comment that is a revision", dearer, func(d *paper.Doc) {
			d.Append("% ")
			evil(d)
		}),
	}
}

// indirect are values that the signed revision reaches by a reference, so that the object that has them need not change.
func indirect() []paper.Step {
	const spare = 61
	by := func(before func(d *paper.Doc)) paper.Base { return paper.Prepared(before) }
	const between = "\nendstream\nendobj\n"
	dear := "BT /F1 12 Tf 20 120 Td (and 8000 EUR more) Tj ET"
	return []paper.Step{
		saved(by(func(d *paper.Doc) { // what lies between two objects is no part of the stream, until it is longer
			d.Set(paper.Contents, paper.T("<</Length "+paper.R(spare)+">>\nstream\n"+paper.Text+between+dear+"\nendstream"))
			d.Set(spare, paper.T(fmt.Sprint(len(paper.Text))))
		}), "a length by reference that grows", "8000 more are to be paid", func(d *paper.Doc) {
			d.Set(spare, paper.T(fmt.Sprint(len(paper.Text+between+dear))))
		}),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Contents, "Filter", paper.R(spare))
			d.Set(spare, paper.T("[]"))
		}), "a filter by reference", "the page cannot be drawn", func(d *paper.Doc) {
			d.Set(spare, paper.T("/ASCIIHexDecode"))
		}),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Page, "MediaBox", "[0 0 300 "+paper.R(spare)+"]")
			d.Set(spare, paper.T("200"))
		}), "a height by reference", "the rent is cut off", func(d *paper.Doc) { d.Set(spare, paper.T("120")) }),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Page, "Annots", paper.R(spare))
			d.Set(spare, paper.T(paper.Rs(d.Annots()...)))
		}), "annotations by reference, one less", "the stamp is gone", func(d *paper.Doc) {
			d.Set(spare, paper.T(paper.Rs(d.Annots()[1:]...)))
			d.Alter(paper.Page, "Annots", paper.R(spare))
		}),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Rent, "V", paper.R(spare))
			d.Set(spare, paper.T("(1000)"))
		}), "a value by reference", dearer, func(d *paper.Doc) { d.Set(spare, paper.T("(9000)")) }),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", paper.R(spare))
			d.Set(spare, paper.T(resources("")))
		}), "resources by reference that change", over, func(d *paper.Doc) {
			d.Set(spare, paper.T(strings.Replace(resources(""), paper.R(paper.Logo), paper.R(d.Add(form(cover))), 1)))
		}),
		saved(by(func(d *paper.Doc) {
			d.Alter(paper.Stamp, "Rect", paper.R(spare))
			d.Set(spare, paper.T("[220 150 290 190]"))
		}), "a rectangle by reference", "the stamp covers the page", func(d *paper.Doc) {
			d.Set(spare, paper.T("[0 0 300 200]"))
		}),
	}
}

// external are streams that keep their bytes and are read otherwise.
func external() []paper.Step {
	return []paper.Step{
		saved(paper.Approved, "a content from another file", "another file is shown", func(d *paper.Doc) {
			d.Alter(paper.Contents, "F", "(evil.txt)")
		}),
		saved(paper.Approved, "a form XObject that stands for a page of another file", "another file is shown",
			func(d *paper.Doc) { d.Alter(paper.Logo, "Ref", "<</F(evil.pdf)/Page 0>>") }),
		saved(paper.Approved, "a form XObject with another transparency", "the picture may be gone", func(d *paper.Doc) {
			d.Alter(paper.Logo, "Group", "<</S/Transparency/K true/I true>>")
		}),
		saved(paper.Approved, "a form XObject in another box", "the picture is cut", func(d *paper.Doc) {
			d.Alter(paper.Logo, "BBox", "[0 0 1 1]")
		}),
		saved(paper.Approved, "a page with an annotation's popup", "a note that nobody signed", func(d *paper.Doc) {
			popup := d.Add(paper.D("Type", "/Annot", "Subtype", "/Popup", "Parent", paper.R(paper.Stamp), "Rect",
				"[0 0 300 200]", "Open", "true"))
			d.Alter(paper.Stamp, "Popup", paper.R(popup), "Contents", "(the rent is 9000)")
		}),
		saved(paper.Approved, "an annotation that answers another", "a note that nobody signed", func(d *paper.Doc) {
			d.Annotate(d.Add(paper.D("Type", "/Annot", "Subtype", "/Text", "IRT", paper.R(paper.Stamp), "Rect", "[0 0 9 9]",
				"Contents", "(the rent is 9000)")))
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
		}),
	}
}
