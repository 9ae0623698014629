package attacks

import (
	"countersign/worker/pdf/pdftest/paper"
)

// annotations are laid over the pages, or change.
func annotations() []paper.Step {
	var out []paper.Step
	for _, kind := range []string{"FreeText", "Stamp", "Square", "Ink", "Redact", "Watermark", "Widget", "Highlight",
		"Screen", "3D", "PrinterMark", "Unheard"} {
		out = append(out, saved("an annotation over the page, "+kind, "9000 stands over the rent", func(d *paper.Doc) {
			annotate(d, covering(d, kind))
		}))
	}
	return append(out,
		saved("an annotation without an appearance", "a white field over the rent", func(d *paper.Doc) {
			annotate(d, d.Add(paper.D("Type", "/Annot", "Subtype", "/Square", "F", "4", "Rect", "[0 100 300 200]",
				"IC", "[1 1 1]", "C", "[1 1 1]")))
		}),
		saved("a text without an appearance", "a text over the page", func(d *paper.Doc) {
			annotate(d, d.Add(paper.D("Type", "/Annot", "Subtype", "/FreeText", "F", "4", "Rect", "[0 100 300 200]",
				"DA", "(/Helv 12 Tf 0 g)", "Contents", "(Rent: 9000)")))
		}),
		saved("a link", "a click leads to the attacker", func(d *paper.Doc) {
			annotate(d, d.Add(paper.D("Type", "/Annot", "Subtype", "/Link", "Rect", "[0 0 300 200]", "A",
				"<</S/URI/URI(https://example.org/pay)>>")))
		}),
		saved("a comment", "a note that nobody signed", func(d *paper.Doc) {
			annotate(d, d.Add(paper.D("Type", "/Annot", "Subtype", "/Text", "Rect", "[250 150 270 170]", "Contents",
				"(the rent is 9000)")))
		}),
		saved("an annotation on the second page", "9000 on the second page", func(d *paper.Doc) {
			d.Alter(paper.Page2, "Annots", paper.Rs(covering(d, "FreeText")))
		}),
		saved("annotations as an array of their own", "9000 stands over the rent", func(d *paper.Doc) {
			d.Annotate(covering(d, "Stamp"))
			d.Alter(paper.Page, "Annots", paper.R(d.Add(paper.T(paper.Rs(d.Annots()...)))))
		}),
		saved("an annotation that is written in place", "a white field over the rent", func(d *paper.Doc) {
			list := paper.Rs(d.Annots()...)
			d.Alter(paper.Page, "Annots", list[:len(list)-1]+
				"<</Type/Annot/Subtype/Square/F 4/Rect[0 100 300 200]/IC[1 1 1]>>]")
		}),
	)
}

// stamps are changes of an annotation that was signed.
func stamps() []paper.Step {
	return []paper.Step{
		saved("another appearance of a stamp", "the stamp says something else", func(d *paper.Doc) {
			d.Set(paper.StampLook, form(cover))
		}),
		saved("a stamp with another appearance", "the stamp says something else", func(d *paper.Doc) {
			d.Alter(paper.Stamp, "AP", "<</N "+paper.R(d.Add(form(cover)))+">>")
		}),
		saved("a larger stamp", "the stamp covers the page", func(d *paper.Doc) {
			d.Alter(paper.Stamp, "Rect", "[0 0 300 200]")
		}),
		saved("a hidden stamp", "the stamp is gone", func(d *paper.Doc) { d.Alter(paper.Stamp, "F", "2") }),
		saved("a stamp without an appearance", "the stamp is gone", func(d *paper.Doc) { d.Alter(paper.Stamp, "AP", "") }),
		saved("a freed stamp", "the stamp is gone", func(d *paper.Doc) { d.Free(paper.Stamp) }),
		saved("a stamp that is not listed", "the stamp is gone", func(d *paper.Doc) {
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()[1:]...))
		}),
		saved("no annotations", "stamp and signature are gone", func(d *paper.Doc) { d.Alter(paper.Page, "Annots", "") }),
		saved("a stamp that became a field", "the stamp says something else", func(d *paper.Doc) {
			d.Alter(paper.Stamp, "Subtype", "/Widget", "FT", "/Tx", "T", "(x)", "V", "(9000)", "AP",
				"<</N "+paper.R(d.Add(form(cover)))+">>")
			d.Field(paper.Stamp, false)
			d.Alter(paper.Form, "Fields", paper.Rs(d.Fields()...))
		}),
	}
}

// fill gives a text field a value and the look of it.
func fill(d *paper.Doc, field int, value, look string) {
	d.Alter(field, "V", "("+value+")", "AP", "<</N "+paper.R(d.Add(paper.Look(look)))+">>")
}

// fields are changes of a form after the last signature where nothing allows them.
func fields() []paper.Step {
	return []paper.Step{
		saved("another value of a field", dearer, func(d *paper.Doc) { fill(d, paper.Rent, "9000", "9000") }),
		saved("another value of a field, in the same appearance", dearer, func(d *paper.Doc) {
			d.Alter(paper.Rent, "V", "(9000)")
			d.Set(paper.RentLook, paper.Look("9000"))
		}),
		saved("a value without a look", "viewers that draw fields themselves show 9000", func(d *paper.Doc) {
			d.Alter(paper.Rent, "V", "(9000)")
		}),
		saved("a ticked box", "the box is ticked", func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes")
		}),
		saved("a box that only looks ticked", "the box is ticked", func(d *paper.Doc) { d.Alter(paper.Agree, "AS", "/Yes") }),
		saved("a box whose looks are swapped", "the box is ticked", func(d *paper.Doc) {
			d.Alter(paper.Agree, "AP", "<</N<</Yes "+paper.R(paper.AgreeOff)+"/Off "+paper.R(paper.AgreeYes)+">>>>")
		}),
		saved("a field for all of the page", "9000 stands over the rent", func(d *paper.Doc) {
			d.Alter(paper.Rent, "Rect", "[0 0 300 200]", "AP", "<</N "+paper.R(d.Add(form(cover)))+">>")
		}),
		saved("a hidden field", "the rent in the field is gone", func(d *paper.Doc) { d.Alter(paper.Rent, "F", "2") }),
		saved("a field that is taken out", "the rent in the field is gone", func(d *paper.Doc) { d.Free(paper.Rent) }),
		saved("a new field over the page", "9000 stands over the rent", func(d *paper.Doc) {
			n := covering(d, "Widget", "FT", "/Tx", "T", "(New)", "V", "(9000)", "DA", "(/F1 10 Tf 0 g)")
			d.Field(n, true)
			d.Place()
		}),
		saved("an empty signature field over the page", "9000 stands over the rent", func(d *paper.Doc) {
			n := covering(d, "Widget", "FT", "/Sig", "T", "(New)")
			d.Field(n, true)
			d.Place()
		}),
	}
}

// forms are changes of the form itself.
func forms() []paper.Step {
	return []paper.Step{
		saved("a form that viewers draw anew", "fields may look otherwise", func(d *paper.Doc) {
			d.Alter(paper.Form, "NeedAppearances", "true")
		}),
		saved("an XFA form", "another form is shown", func(d *paper.Doc) {
			d.Alter(paper.Form, "XFA", paper.R(d.Add(paper.S("<xdp:xdp/>"))))
		}),
		saved("another font of the form", "1000 reads 9000 where fields are drawn anew", func(d *paper.Doc) {
			d.Alter(paper.Form, "DR", "<</Font<</F1 "+paper.R(d.Add(other()))+">>>>")
		}),
		saved("an order of calculation", "a program fills the fields", func(d *paper.Doc) {
			d.Alter(paper.Form, "CO", paper.Rs(paper.Rent))
			d.Alter(paper.Rent, "AA", "<</C<</S/JavaScript/JS(event.value=9000)>>>>")
		}),
		saved("a field with kids", "9000 stands over the rent", func(d *paper.Doc) {
			kid := covering(d, "Widget", "Parent", paper.R(paper.Rent))
			d.Alter(paper.Rent, "Kids", paper.Rs(kid))
			annotate(d, kid)
		}),
		saved("a form without fields", "no signature is listed", func(d *paper.Doc) { d.Alter(paper.Form, "Fields", "[]") }),
		saved("a document without its form", "no signature is listed", func(d *paper.Doc) {
			d.Alter(paper.Catalog, "AcroForm", "")
		}),
		saved("a field in another tongue", "the field is typed otherwise", func(d *paper.Doc) {
			d.Alter(paper.Rent, "DA", "(/F1 1 Tf 1 g)")
		}),
		saved("a value whose field became a signature's", "no value is shown", func(d *paper.Doc) {
			d.Alter(paper.Rent, "FT", "/Sig", "V", "")
		}),
	}
}

// appearances are changes of what a signature shows.
func appearances() []paper.Step {
	look := func(d *paper.Doc) int { return d.Add(form(cover)) }
	return []paper.Step{
		on(paper.Seen, "another look of a signature", "it says another signer", save(func(d *paper.Doc) {
			d.Alter(paper.Empty, "AP", "<</N "+paper.R(d.Add(form(paper.Seal("Bruno Diaz"))))+">>")
		})),
		on(paper.Seen, "the content of a signature's look", "it says another signer", save(func(d *paper.Doc) {
			n := d.Next()
			for n--; len(d.Get(n).Stream) == 0 || d.Get(n).Keys["Subtype"] != "/Form"; n-- {
			}
			d.Set(n, d.Get(n).Saying(paper.Seal("Bruno Diaz")))
		})),
		on(paper.Seen, "a signature's field over the page", "9000 stands over the rent", save(func(d *paper.Doc) {
			d.Alter(paper.Empty, "Rect", "[0 0 300 200]", "AP", "<</N "+paper.R(look(d))+">>")
		})),
		on(paper.Seen, "a hidden signature", "the signature is not shown", save(func(d *paper.Doc) {
			d.Alter(paper.Empty, "F", "2")
		})),
		saved("an unseen signature that is shown", "9000 stands over the rent", func(d *paper.Doc) {
			n := d.Fields()[len(d.Fields())-1]
			d.Alter(n, "Rect", "[0 0 300 200]", "AP", "<</N "+paper.R(look(d))+">>")
		}),
	}
}
