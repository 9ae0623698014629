package attacks

import (
	"countersign/worker/pdf/pdftest/paper"
)

// reaching are changes that come as what is harmless: validation data, document information, metadata, usage rights
// and a program's notes that are also something that a page shows.
func reaching() []paper.Step {
	same := func(n int, o func(d *paper.Doc) paper.Object) func(d *paper.Doc) {
		return func(d *paper.Doc) { d.Set(n, o(d)) }
	}
	dear := func(d *paper.Doc) paper.Object { return d.Get(paper.Contents).Saying(raised) }
	as := func(name, key, value string, do func(d *paper.Doc)) paper.Step {
		return saved("validation data that reaches a page: "+name, dearer, func(d *paper.Doc) {
			do(d)
			d.Alter(paper.Catalog, key, value)
		})
	}
	content := same(paper.Contents, dear)
	r := paper.R(paper.Contents)
	return []paper.Step{
		as("a certificate", "DSS", "<</Type/DSS/Certs["+r+"]>>", content),
		as("an answer", "DSS", "<</Type/DSS/OCSPs["+r+"]>>", content),
		as("a list", "DSS", "<</Type/DSS/CRLs["+r+"]>>", content),
		as("a time stamp", "DSS", "<</Type/DSS/VRI<</ABCD<</TS "+r+">>>>>>", content),
		as("a dictionary of its own", "DSS", "<</Type/DSS/VRI<</ABCD "+paper.R(paper.Logo)+">>>>",
			same(paper.Logo, func(*paper.Doc) paper.Object { return form(cover) })),
		as("any name", "DSS", "<</Type/DSS/X "+r+">>", content),
		as("the page itself", "DSS", paper.R(paper.Page), func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.R(d.Add(dear(d))))
		}),
		as("a font", "DSS", "<</Type/DSS/Certs["+paper.R(paper.Font)+"]>>",
			same(paper.Font, func(*paper.Doc) paper.Object { return other() })),
		as("a stream that says that it is metadata", "Metadata", r, same(paper.Contents, func(d *paper.Doc) paper.Object {
			return dear(d).With("Type", "/Metadata", "Subtype", "/XML")
		})),
		as("a program's notes", "PieceInfo", "<</App<</LastModified(D:20260201000000Z)/Private "+r+">>>>", content),
		as("usage rights", "Perms", "<</UR3 "+r+">>", content),
		as("an extension", "Extensions", "<</ADBE<</BaseVersion/1.7/X "+r+">>>>", content),
		saved("a form XObject that says that it is metadata", "the picture says 9000", func(d *paper.Doc) {
			d.Set(paper.Logo, form(cover, "Metadata", paper.R(paper.Metadata)))
		}),
		saved("a certificate that is the look of a stamp", "9000 stands over the rent", func(d *paper.Doc) {
			d.Set(paper.StampLook, form(cover))
			d.Alter(paper.Catalog, "DSS", "<</Type/DSS/Certs"+paper.Rs(paper.StampLook)+">>")
		}),
		saved("document information that is a content", dearer, func(d *paper.Doc) {
			content(d)
			d.Info = paper.Contents
		}),
		saved("document information that is a page", dearer, func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.R(d.Add(dear(d))), "Title", "(Lease)")
			d.Info = paper.Page
		}),
		saved("document information that is the catalog", dearer, func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Pages", paper.R(otherPages(d, raised)), "Title", "(Lease)")
			d.Info = paper.Catalog
		}),
	}
}

// disguised are changes that hide behind a change that is allowed.
func disguised() []paper.Step {
	shared := paper.Prepared(func(d *paper.Doc) { // the look of a field is drawn by the page, too
		d.Set(paper.Contents, d.Get(paper.Contents).Saying(paper.Text+"\nq 1 0 0 1 60 137 cm /Value Do Q"))
		d.Alter(paper.Page, "Resources", resourcesOf("Value", paper.RentLook))
	})
	shared.Signs[0].Certify = 2
	next := func(on paper.Base, name, says string, do func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: "behind the next signature: " + name, Says: says, Want: paper.Altered, On: on,
			Do: func(d *paper.Doc) {
				d.Sign(paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz"),
					Between: func(d *paper.Doc, _ int) { do(d) }})
			}}
	}
	return []paper.Step{
		on(shared, "a field's look that the page draws, in place", dearer, save(func(d *paper.Doc) {
			d.Alter(paper.Rent, "V", "(9000)")
			d.Set(paper.RentLook, paper.Look("9000"))
		})),
		doubtful(on(paper.Certified2, "certified at 2, a field whose look is not its value", dearer,
			save(func(d *paper.Doc) {
				fill(d, paper.Rent, "1000", "9000")
			}))),
		on(paper.Certified2, "certified at 2, a field that shows a font's change", "1000 reads 9000",
			save(func(d *paper.Doc) {
				fill(d, paper.Name, "Ana", "Ana")
				d.Alter(paper.Form, "DR", "<</Font<</F1 "+paper.R(d.Add(other()))+">>>>")
			})),
		next(paper.Approved, "another content", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
		}),
		next(paper.Approved, "the page's size", "the rent is cut off", func(d *paper.Doc) {
			d.Alter(paper.Page, "CropBox", "[0 150 300 200]")
		}),
		next(paper.Approved, "the page's annotations", "the stamp is gone", func(d *paper.Doc) {
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()[1:]...))
		}),
		next(paper.Approved, "a program at opening", "a program of the attacker's runs", func(d *paper.Doc) {
			d.Alter(paper.Catalog, "OpenAction", "<</S/JavaScript/JS(app.alert\\(1\\))>>")
		}),
		next(paper.Approved, "the form's font", "1000 reads 9000", func(d *paper.Doc) {
			d.Alter(paper.Form, "DR", "<</Font<</F1 "+paper.R(d.Add(other()))+">>>>")
		}),
		next(paper.Approved, "the field of the signature is a program's", "a program of the attacker's runs",
			func(d *paper.Doc) {
				d.Alter(paper.Empty, "A", "<</S/JavaScript/JS(app.alert\\(1\\))>>")
			}),
		next(paper.Certified2, "the certification", "nothing says that it is certified", func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Perms", "")
		}),
		next(paper.LocksRent, "a locked field", "a field says something that was locked", func(d *paper.Doc) {
			fill(d, paper.Rent, "9000", "9000")
		}),
	}
}
