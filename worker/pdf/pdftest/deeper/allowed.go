package deeper

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// fill gives a text field a value and a look.
func fill(d *paper.Doc, field int, value string) {
	d.Alter(field, "V", "("+value+")", "AP", "<</N "+paper.R(d.Add(paper.Look(value)))+">>")
}

const forbidden = "a field says something that was locked or not allowed"

// parameters are permissions that the signature reaches by a reference, and that are made wider.
func parameters() []paper.Step {
	const spare = 61
	reference := func(method, params string) string {
		return "[<</Type/SigRef/TransformMethod/" + method + "/TransformParams<</Type/TransformParams/V/1.2" + params +
			">>>>]"
	}
	signed := func(value, params string, certify bool) paper.Base {
		b := paper.Prepared(func(d *paper.Doc) { d.Set(spare, paper.T(value)) })
		method := "FieldMDP"
		if certify {
			method = "DocMDP"
		}
		b.Signs[0].More = []string{"Reference", reference(method, params)}
		b.Signs[0].Between = func(d *paper.Doc, sig int) {
			if certify {
				d.Alter(paper.Catalog, "Perms", "<</DocMDP "+paper.R(sig)+">>")
			}
		}
		return b
	}
	name := func(d *paper.Doc) { fill(d, paper.Name, "Ana") }
	return []paper.Step{
		saved(signed("1", "/P "+paper.R(spare), true), "a level by reference, raised", forbidden, func(d *paper.Doc) {
			d.Set(spare, paper.T("3"))
			name(d)
		}),
		saved(signed("1", "/P "+paper.R(spare), true), "a level by reference", forbidden, name),
		saved(signed("1", "/P 1.0", true), "a level with a point", forbidden, name),
		doubtful(saved(signed("1", "/P 0", true), "a level that there is not", forbidden, name)),
		doubtful(saved(signed("1", "/P 9", true), "a level too high", forbidden, func(d *paper.Doc) {
			d.Annotate(d.Add(paper.D("Type", "/Annot", "Subtype", "/Text", "Rect", "[0 0 9 9]", "Contents", "(x)")))
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
		})),
		on(signed("[(Rent)]", "/Action/Include/Fields "+paper.R(spare), false), "a lock by reference, emptied", forbidden,
			func(d *paper.Doc) {
				d.Set(spare, paper.T("[]"))
				fill(d, paper.Rent, "9000")
				d.Sign(paper.Signing{By: "Bruno Diaz"})
			}),
		on(signed("[(Rent)]", "/Action/Include/Fields "+paper.R(spare), false), "a lock by reference", forbidden,
			func(d *paper.Doc) {
				fill(d, paper.Rent, "9000")
				d.Sign(paper.Signing{By: "Bruno Diaz"})
			}),
		doubtful(saved(signed("1", "/Action/Unheard/Fields[(Rent)]", false), "a lock of an unknown kind", forbidden,
			func(d *paper.Doc) { fill(d, paper.Rent, "9000") })),
	}
}

// claims are signatures that claim more than they may.
func claims() []paper.Step {
	return []paper.Step{
		doubtful(on(paper.Approved, "a certification by a second signer", "a second signer claims to be the author",
			func(d *paper.Doc) { d.Sign(paper.Signing{By: "Mallory", Certify: 3}) })),
		on(paper.Certified1, "a second certification that allows more", "a second author", func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Certify: 3})
		}),
		saved(paper.Approved, "a signature that names another signer", "viewers name another signer", func(d *paper.Doc) {
			n := d.Next() - 1
			for ; d.Get(n).Keys["ByteRange"] == ""; n-- {
			}
			raw := string(d.Raw())
			at := strings.LastIndex(raw, "/ByteRange[")
			o := d.Get(n).With("Name", "(Mallory)", "Reason", "(I never agreed)", "ByteRange",
				raw[at+len("/ByteRange"):at+strings.Index(raw[at:], "]")+1])
			from := strings.LastIndex(raw, "/Contents<") + len("/Contents")
			d.Set(n, o.With("Contents", raw[from:from+strings.Index(raw[from:], ">")+1]))
		}),
	}
}

// names are locks whose names are written in another way than the fields'.
func names() []paper.Step {
	const parent = 61
	family := func(d *paper.Doc) { // Rent becomes Party.Rent
		d.Set(parent, paper.D("T", "(Party)", "Kids", paper.Rs(paper.Rent)))
		d.Alter(paper.Rent, "Parent", paper.R(parent))
		all := d.Fields()
		all[0] = parent
		d.Alter(paper.Form, "Fields", paper.Rs(all...))
	}
	locks := func(fields string, before func(d *paper.Doc)) paper.Base {
		b := paper.Prepared(before)
		b.Signs[0].Certify, b.Signs[0].Lock = 2, "/Action/Include/Fields["+fields+"]"
		return b
	}
	nothing := func(*paper.Doc) {}
	rent := func(d *paper.Doc) { fill(d, paper.Rent, "9000") }
	return []paper.Step{
		saved(locks("(Party)", family), "a lock on a field's parent", forbidden, rent),
		saved(locks("(Party.Rent)", family), "a lock on a field by its full name", forbidden, rent),
		saved(locks("<FEFF00520065006E0074>", nothing), "a lock in Unicode", forbidden, rent),
		saved(locks("<52656E74>", nothing), "a lock in hexadecimal", forbidden, rent),
		saved(locks("(R\\145nt)", nothing), "a lock with an escape", forbidden, rent),
		saved(locks("(Rent)", func(d *paper.Doc) { d.Alter(paper.Rent, "T", "<FEFF00520065006E0074>") }),
			"a locked field named in Unicode", forbidden, rent),
		saved(locks("(Rent)", nothing), "a locked field that moves below another", forbidden, func(d *paper.Doc) {
			family(d)
			rent(d)
		}),
		saved(locks("(Party)", func(d *paper.Doc) {
			family(d)
			d.Alter(parent, "FT", "/Tx", "V", "(1000)")
			d.Alter(paper.Rent, "FT", "", "V", "", "T", "")
		}), "a locked field that its parent has the value of", forbidden, func(d *paper.Doc) {
			d.Alter(parent, "V", "(9000)")
			d.Alter(paper.Rent, "AP", "<</N "+paper.R(d.Add(paper.Look("9000")))+">>")
		}),
	}
}

// catalog are entries of the catalog that a viewer goes by.
func catalog() []paper.Step {
	var out []paper.Step
	entries := map[string]string{
		"URI": "<</Base(https://example.org/)>>", "Dests": "<</a[3 0 R/Fit]>>", "Threads": "[]",
		"ViewerPreferences": "<</HideToolbar true>>", "PageMode": "/UseAttachments", "PageLayout": "/TwoColumnLeft",
		"StructTreeRoot": "<</Type/StructTreeRoot/K<</S/P/ActualText(Rent: 9000)>>>>", "AF": "[<</F(a.exe)>>]",
		"Requirements": "[<</S/EnableJavaScripts>>]", "SpiderInfo": "<<>>", "Legal": "<<>>", "DPartRoot": "<<>>",
		"Unheard": "(x)",
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		value := entries[key]
		out = append(out, doubtful(saved(paper.Approved, "a catalog with "+key, "viewers may show something else",
			func(d *paper.Doc) { d.Alter(paper.Catalog, key, value) })))
	}
	entries = map[string]string{
		"AF": "[<</F(a.exe)>>]", "B": "[]", "Thumb": paper.R(paper.Logo), "VP": "[]",
		"PZ": "9", "SeparationInfo": "<<>>", "PresSteps": "<<>>", "Unheard": "(x)", "BleedBox": "[0 0 9 9]",
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		value := entries[key]
		out = append(out, doubtful(saved(paper.Approved, "a page with "+key, "viewers may show something else",
			func(d *paper.Doc) { d.Alter(paper.Page, key, value) })))
	}
	return out
}

// looks are appearances that show only now and then, and what stands for an appearance.
func looks() []paper.Step {
	look := func(d *paper.Doc) string { return paper.R(d.Add(form(cover))) }
	return []paper.Step{
		saved(paper.Approved, "a look under the mouse", over, func(d *paper.Doc) {
			d.Alter(paper.Stamp, "AP", "<</N "+paper.R(paper.StampLook)+"/R "+look(d)+"/D "+look(d)+">>")
		}),
		doubtful(saved(paper.Certified2, "certified at 2, a filled field with another look under the mouse", over,
			func(d *paper.Doc) {
				d.Alter(paper.Name, "V", "(Ana)", "AP", "<</N "+paper.R(d.Add(paper.Look("Ana")))+"/R "+look(d)+">>")
			})),
		saved(paper.Approved, "a colour of a field", over, func(d *paper.Doc) {
			d.Alter(paper.Rent, "MK", "<</BG[1 1 1]/CA(9000)>>")
		}),
		doubtful(saved(paper.Certified2, "certified at 2, a filled field with a colour", over, func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "MK", "<</BG[1 1 1]>>", "BS", "<</W 90>>")
		})),
		doubtful(on(paper.Approved, "a signature without a look and with a colour", "a white field over the page",
			func(d *paper.Doc) {
				d.Sign(paper.Signing{By: "Mallory", Rect: "[0 0 300 200]", Between: func(d *paper.Doc, _ int) {
					d.Alter(d.Fields()[len(d.Fields())-1], "MK", "<</BG[1 1 1]/CA(Rent: 9000)>>")
				}})
			})),
		doubtful(on(paper.Approved, "a signature over the page, its corners turned round", over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: "[300 200 0 0]", Look: cover})
		})),
		doubtful(on(paper.Approved, "a signature over the page, its rectangle by reference", over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: paper.R(d.Add(paper.T("[0 0 300 200]"))), Look: cover})
		})),
		doubtful(on(paper.Approved, "a signature with a look under the mouse", over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: "[0 0 300 200]", Between: func(d *paper.Doc, _ int) {
				d.Alter(d.Fields()[len(d.Fields())-1], "AP", "<</R "+look(d)+"/D "+look(d)+">>")
			}})
		})),
		doubtful(on(paper.Approved, "a signature's field with states", over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: "[0 0 300 200]", Between: func(d *paper.Doc, _ int) {
				d.Alter(d.Fields()[len(d.Fields())-1], "AP", "<</N<</On "+look(d)+">>>>", "AS", "/On")
			}})
		})),
		on(paper.Seen, "a signature's field on another page", "the signature stands on the second page",
			func(d *paper.Doc) {
				d.Alter(paper.Empty, "P", paper.R(paper.Page2))
				d.Alter(paper.Page2, "Annots", paper.Rs(paper.Empty))
				d.Save()
			}),
		doubtful(on(paper.Approved, "a second signer's field that is a link, too", "a click leads to the attacker",
			func(d *paper.Doc) {
				d.Sign(paper.Signing{By: "Mallory", Between: func(d *paper.Doc, _ int) {
					d.Alter(d.Fields()[len(d.Fields())-1], "A", "<</S/URI/URI(https://example.org/pay)>>", "Rect",
						"[0 0 300 200]")
				}})
			})),
	}
}

// fills are values filled in where that is allowed, with more to them.
func fills() []paper.Step {
	step := func(name, says string, do func(d *paper.Doc)) paper.Step {
		return doubtful(saved(paper.Certified2, "certified at 2, "+name, says, do))
	}
	large := certified(2, func(d *paper.Doc) { d.Alter(paper.Name, "Rect", "[0 0 300 200]") })
	return []paper.Step{
		step("a value and another rich one", "viewers show 9000", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "RV", "(<body><p>Rent: 9000</p></body>)", "Ff", "33554432")
		}),
		step("a tick that is none", "the box looks ticked", func(d *paper.Doc) { d.Alter(paper.Agree, "AS", "/Yes") }),
		step("a tick with another look", "the box says 9000", func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes", "AP", "<</N<</Yes "+paper.R(d.Add(form(cover)))+"/Off "+
				paper.R(paper.AgreeOff)+">>>>")
		}),
		step("a tick that has a name of its own", "the box says 9000", func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Evil", "AS", "/Evil", "AP", "<</N<</Yes "+paper.R(paper.AgreeYes)+"/Off "+
				paper.R(paper.AgreeOff)+"/Evil "+paper.R(d.Add(form(cover)))+">>>>")
		}),
		step("a field's tooltip", "the field is called otherwise", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "TU", "(I pay 9000)")
		}),
		step("a field's flags", "the field is typed otherwise", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "Ff", "8192")
		}),
		step("a field that prints otherwise", "the field does not print", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "F", "0")
		}),
		step("a field in a layer", "the field may be hidden", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana")
			d.Alter(paper.Name, "OC", "<</Type/OCG/Name(x)>>")
		}),
		step("a picture for a value", "the field shows 9000", func(d *paper.Doc) {
			d.Alter(paper.Name, "V", "(Ana)", "AP", "<</N "+paper.R(d.Add(form(
				"q 90 0 0 12 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q")))+">>")
		}),
		step("a look with a font of its own", "Ana reads 9000", func(d *paper.Doc) {
			font := d.Add(paper.D("Type", "/Font", "Subtype", "/Type1", "BaseFont", "/Helvetica", "Encoding",
				"<</Differences[65/nine 97/zero 110/zero]>>"))
			o := paper.Look("Ana").With("Resources", "<</Font<</F1 "+paper.R(font)+">>>>")
			d.Alter(paper.Name, "V", "(Ana)", "AP", "<</N "+paper.R(d.Add(o))+">>")
		}),
		doubtful(saved(large, "certified at 2, a field as large as the page", over, func(d *paper.Doc) {
			d.Alter(paper.Name, "V", "(Ana)", "AP", "<</N "+paper.R(d.Add(form(cover)))+">>")
		})),
		doubtful(saved(certified(2, func(d *paper.Doc) {
			d.Alter(paper.Agree, "Rect", "[0 0 300 200]", "AP", "<</N<</Yes "+paper.R(paper.AgreeYes)+"/Off "+
				paper.R(paper.AgreeOff)+">>>>")
			d.Set(paper.AgreeYes, form(cover))
			d.Set(paper.AgreeOff, form(" "))
		}), "certified at 2, a box to tick as large as the page", over, func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes")
		})),
	}
}

// order is what lies above what.
func order() []paper.Step {
	const second, look = 61, 62
	two := paper.Prepared(func(d *paper.Doc) { // a white sheet lies over the dear one
		d.Set(paper.StampLook, form(cover))
		d.Alter(paper.Stamp, "Rect", "[0 0 300 200]")
		d.Set(look, form("1 g 0 0 300 200 re f 0 g BT /F1 12 Tf 20 140 Td (Rent: 1000 EUR a month) Tj ET"))
		d.Set(second, d.Get(paper.Stamp).With("AP", "<</N "+paper.R(look)+">>"))
		d.Annotate(second)
		d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
	})
	swapped := func(d *paper.Doc) string {
		list := d.Annots()
		out := make([]int, 0, len(list))
		for i := len(list) - 1; i >= 0; i-- {
			out = append(out, list[i])
		}
		return paper.Rs(out...)
	}
	return []paper.Step{
		saved(two, "annotations in another order", dearer, func(d *paper.Doc) {
			d.Alter(paper.Page, "Annots", swapped(d))
		}),
		on(two, "annotations in another order behind the next signature", dearer, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Bruno Diaz", Between: func(d *paper.Doc, _ int) {
				d.Alter(paper.Page, "Annots", swapped(d))
			}})
		}),
		on(two, "an annotation twice behind the next signature", dearer, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Bruno Diaz", Between: func(d *paper.Doc, _ int) {
				d.Alter(paper.Page, "Annots", paper.Rs(append(d.Annots(), paper.Stamp)...))
			}})
		}),
		saved(paper.Prepared(func(d *paper.Doc) {
			d.Set(61, paper.S(raised))
			d.Alter(paper.Page, "Contents", paper.Rs(61, paper.Contents))
			d.Set(paper.Contents, d.Get(paper.Contents).Saying("1 g 0 0 300 200 re f 0 g\n"+paper.Text))
		}), "contents in another order", dearer, func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.Rs(paper.Contents, 61))
		}),
		saved(paper.Approved, fmt.Sprintf("the content %d times", 2), "all is drawn twice", func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.Rs(paper.Contents, paper.Contents))
		}),
	}
}
