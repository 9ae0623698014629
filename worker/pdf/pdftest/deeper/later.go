package deeper

import (
	"fmt"

	"countersign/worker/pdf/pdftest/paper"
)

// later are what a stranger's signature can lie over besides a page's own text, and where it can hide.
func later() []paper.Step {
	dear := "1 g 0 0 200 50 re f 0 g BT /F1 24 Tf 0 10 Td (Rent: 9000 EUR a month) Tj ET"
	mallory := func(rect string, between func(d *paper.Doc, widget int)) func(d *paper.Doc) {
		return func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: rect, Look: dear, Between: func(d *paper.Doc, _ int) {
				if between != nil {
					between(d, d.Fields()[len(d.Fields())-1])
				}
			}})
		}
	}
	only := func(page int) func(d *paper.Doc, widget int) { // the widget stands on another page alone
		return func(d *paper.Doc, widget int) {
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()[:len(d.Annots())-1]...))
			d.Alter(page, "Annots", paper.Rs(widget))
			d.Alter(widget, "P", paper.R(page))
		}
	}
	turned := paper.Prepared(func(d *paper.Doc) { d.Alter(paper.Page, "Rotate", "90") })
	stamped := paper.Prepared(func(d *paper.Doc) {
		d.Set(paper.StampLook, form("BT /F1 12 Tf 20 140 Td (Rent: 1000) Tj ET"))
		d.Set(paper.Contents, d.Get(paper.Contents).Saying(" "))
		d.Alter(paper.Stamp, "Rect", "[0 0 300 200]")
	})
	return []paper.Step{
		doubtful(on(paper.Approved, "a signature over the value of a field", over, mallory("[20 100 120 115]", nil))),
		doubtful(on(stamped, "a signature over the text of a stamp", over, mallory("[15 130 250 158]", nil))),
		doubtful(on(paper.Approved, "a signature over the second page", over, mallory("[15 150 290 175]",
			only(paper.Page2)))),
		doubtful(on(paper.Approved, "a signature over the page, said to be on the second one", over,
			mallory("[15 130 250 158]", func(d *paper.Doc, widget int) { d.Alter(widget, "P", paper.R(paper.Page2)) }))),
		doubtful(on(paper.Approved, "a signature on both pages", over, mallory("[15 150 290 175]",
			func(d *paper.Doc, widget int) { d.Alter(paper.Page2, "Annots", paper.Rs(widget)) }))),
		doubtful(on(paper.Approved, "a signature over a widget of its own kids", over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Between: func(d *paper.Doc, _ int) {
				n := d.Fields()[len(d.Fields())-1]
				kid := d.Add(d.Get(n).With("FT", "", "T", "", "V", "", "Parent", paper.R(n), "Rect", "[0 0 300 200]", "AP",
					"<</N "+paper.R(d.Add(form(cover)))+">>"))
				d.Set(n, paper.D("FT", "/Sig", "T", d.Get(n).Keys["T"], "V", d.Get(n).Keys["V"], "Kids", paper.Rs(kid)))
				list := d.Annots()
				list[len(list)-1] = kid
				d.Alter(paper.Page, "Annots", paper.Rs(list...))
			}})
		})),
		doubtful(on(turned, "a signature that does not turn with its page", over, mallory("[270 20 290 190]",
			func(d *paper.Doc, widget int) { d.Alter(widget, "F", "148") }))),
	}
}

// signers are fields of others that a stranger fills or signs in.
func signers() []paper.Step {
	return []paper.Step{
		doubtful(on(paper.Approved, "a time stamp in the field of a signer", "it looks signed by Bruno Diaz",
			func(d *paper.Doc) {
				d.Sign(paper.Signing{Stamp: true, Field: paper.Empty, Look: paper.Seal("Bruno Diaz")})
			})),
		doubtful(on(paper.Approved, "another value by the next signer", "Ana Lima signed 1000, the field says 9000",
			func(d *paper.Doc) {
				fill(d, paper.Rent, "9000")
				d.Sign(paper.Signing{By: "Mallory"})
			})),
		// the author allowed it by the letter of the level: fields that are not to change are locked
		{Name: "certified at 2, another value of a filled field", Says: dearer, Want: paper.NotAltered, On: paper.Certified2,
			Do: func(d *paper.Doc) {
				fill(d, paper.Rent, "9000")
				d.Save()
			}},
	}
}

// encoded are pages whose text is encoded in rarer ways, with a stranger's signature over it.
func encoded() []paper.Step {
	const text = "BT /F1 12 Tf 20 140 Td (Rent: 1000) Tj ET"
	under := func(name string, before func(d *paper.Doc)) paper.Step {
		return doubtful(on(paper.Prepared(before), "a signature over text "+name, over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: "[15 130 250 158]", Look: "1 g 0 0 200 50 re f"})
		}))
	}
	return []paper.Step{
		under("in hexadecimal", func(d *paper.Doc) {
			d.Set(paper.Contents, paper.S(fmt.Sprintf("%x>", text), "Filter", "/ASCIIHexDecode"))
		}),
		under("in runs", func(d *paper.Doc) {
			d.Set(paper.Contents, paper.S(string(rune(len(text)-1))+text+"\x80", "Filter", "/RunLengthDecode"))
		}),
		under("in two streams, cut in a word", func(d *paper.Doc) {
			d.Set(61, paper.S("(Rent: 1000) Tj ET"))
			d.Set(paper.Contents, paper.S("BT /F1 12 Tf 20 140 Td"))
			d.Alter(paper.Page, "Contents", paper.Rs(paper.Contents, 61))
		}),
		under("in a form XObject whose resources are the page's", func(d *paper.Doc) {
			d.Set(61, paper.S(text, "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 300 200]"))
			d.Set(paper.Contents, paper.S("/Inner Do"))
			d.Alter(paper.Page, "Resources", resources("/XObject<</Inner 61 0 R>>"))
		}),
	}
}

// tagged is a lease whose structure is told, and as whose next signer adds to it.
func tagged() []paper.Step {
	const root, document, paragraph, parents = 61, 62, 63, 64
	base := paper.Prepared(func(d *paper.Doc) {
		d.Set(root, paper.D("Type", "/StructTreeRoot", "K", paper.R(document), "ParentTree", paper.R(parents),
			"ParentTreeNextKey", "1"))
		d.Set(document, paper.D("Type", "/StructElem", "S", "/Document", "P", paper.R(root), "K", paper.Rs(paragraph)))
		d.Set(paragraph, paper.D("Type", "/StructElem", "S", "/P", "P", paper.R(document), "Pg", paper.R(paper.Page), "K",
			"0", "ActualText", "(Rent: 1000 EUR a month)"))
		d.Set(parents, paper.D("Nums", "[0["+paper.R(paragraph)+"]]"))
		d.Alter(paper.Catalog, "StructTreeRoot", paper.R(root), "MarkInfo", "<</Marked true>>")
		d.Alter(paper.Page, "StructParents", "0")
	})
	const heard = "who hears the page read aloud hears 9000"
	aloud := func(d *paper.Doc) { d.Alter(paragraph, "ActualText", "(Rent: 9000 EUR a month)") }
	sign := func(more func(d *paper.Doc)) func(d *paper.Doc) {
		return func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Bruno Diaz", Between: func(d *paper.Doc, _ int) {
				n := d.Fields()[len(d.Fields())-1]
				d.Alter(n, "StructParent", "1")
				element := d.Add(paper.D("Type", "/StructElem", "S", "/Form", "P", paper.R(document), "K",
					"<</Type/OBJR/Obj "+paper.R(n)+"/Pg "+paper.R(paper.Page)+">>"))
				d.Alter(document, "K", paper.Rs(paragraph, element))
				d.Alter(root, "ParentTreeNextKey", "2")
				d.Alter(parents, "Nums", "[0["+paper.R(paragraph)+"]1 "+paper.R(element)+"]")
				more(d)
			}})
		}
	}
	return []paper.Step{
		{Name: "a tagged file and a second signature", Says: "the same, signed by one more", Want: paper.Kept, On: base,
			Do: sign(func(*paper.Doc) {})},
		saved(base, "another text for who hears the page", heard, aloud),
		on(base, "another text for who hears the page, behind the next signature", heard, sign(aloud)),
		on(base, "another text for who hears the page, before the next signature", heard, func(d *paper.Doc) {
			aloud(d)
			d.Sign(paper.Signing{By: "Bruno Diaz"})
		}),
		on(base, "a picture's description, behind the next signature", heard, sign(func(d *paper.Doc) {
			d.Alter(document, "Alt", "(Rent: 9000 EUR a month)")
		})),
	}
}

// shapes are further signatures in the shapes that other programs give them.
func shapes() []paper.Step {
	kept := func(name string, base paper.Base, between func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: name, Says: "the same, signed by one more", Want: paper.Kept, On: base,
			Do: func(d *paper.Doc) {
				d.Sign(paper.Signing{By: "Bruno Diaz", Between: func(d *paper.Doc, _ int) { between(d) }})
			}}
	}
	return []paper.Step{
		kept("a second signature, field and widget apart", paper.Approved, func(d *paper.Doc) {
			n := d.Fields()[len(d.Fields())-1]
			kid := d.Add(d.Get(n).With("FT", "", "T", "", "V", "", "Parent", paper.R(n)))
			d.Set(n, paper.D("FT", "/Sig", "T", d.Get(n).Keys["T"], "V", d.Get(n).Keys["V"], "Kids", paper.Rs(kid)))
			list := d.Annots()
			list[len(list)-1] = kid
			d.Alter(paper.Page, "Annots", paper.Rs(list...))
		}),
		kept("a second signature, the fields in an array of their own", paper.Approved, func(d *paper.Doc) {
			d.Alter(paper.Form, "Fields", paper.R(d.Add(paper.T(paper.Rs(d.Fields()...)))))
		}),
		kept("a second signature that brings a font for the form", paper.Approved, func(d *paper.Doc) {
			helv := d.Add(paper.D("Type", "/Font", "Subtype", "/Type1", "BaseFont", "/Helvetica"))
			d.Alter(paper.Form, "DR", "<</Font<</F1 "+paper.R(paper.Font)+"/Helv "+paper.R(helv)+">>>>")
		}),
		{Name: "many revisions that say nothing", Says: "the same", Want: paper.Kept, On: paper.Approved,
			Do: func(d *paper.Doc) {
				for range 1000 {
					d.Save()
				}
			}},
	}
}
