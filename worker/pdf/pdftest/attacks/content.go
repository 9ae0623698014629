package attacks

import (
	"fmt"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// content is incremental saving: pages changed in a revision that nobody signed.
func content() []paper.Step {
	return []paper.Step{
		saved("the content of a page in another form", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
		}),
		saved("a page with another content", dearer, func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.R(d.Add(paper.S(raised))))
		}),
		saved("one more content stream", "9000 stands over the rent", func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.Rs(paper.Contents, d.Add(paper.S(cover))))
		}),
		saved("a content stream in front", "what follows is drawn outside the page", func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.Rs(d.Add(paper.S("1 0 0 1 1000 1000 cm")), paper.Contents))
		}),
		saved("a content stream decoded with other parameters", "the page cannot be drawn", func(d *paper.Doc) {
			d.Alter(paper.Contents, "Filter", "/ASCIIHexDecode")
		}),
		saved("an emptied content stream", "the page is empty", func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(" "))
		}),
		saved("a freed content stream", "the page is empty", func(d *paper.Doc) { d.Free(paper.Contents) }),
		saved("a content stream that became null", "the page is empty", func(d *paper.Doc) {
			d.Set(paper.Contents, paper.T("null"))
		}),
		saved("a content stream that leads to another", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, paper.T(paper.R(d.Add(paper.S(raised)))))
		}),
	}
}

// pages is incremental saving, too: pages added, taken out and put in another order.
func pages() []paper.Step {
	return []paper.Step{
		saved("a page more at the end", "a third page", func(d *paper.Doc) {
			body := d.Add(paper.S("BT /F1 12 Tf 20 160 Td (The tenant pays for the roof) Tj ET"))
			page := d.Add(d.Get(paper.Page2).With("Contents", paper.R(body)))
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page, paper.Page2, page), "Count", "3")
		}),
		saved("a page less", "the second page is gone", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page), "Count", "1")
		}),
		saved("a page twice", "the first page comes twice", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page, paper.Page2, paper.Page), "Count", "3")
		}),
		saved("pages in another order", "the second page comes first", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page2, paper.Page))
		}),
		saved("a freed page", "the second page is gone", func(d *paper.Doc) { d.Free(paper.Page2) }),
		saved("a page that became a tree", "a page in place of another", func(d *paper.Doc) {
			d.Set(paper.Page2, paper.D("Type", "/Pages", "Parent", paper.R(paper.Pages), "Count", "1", "Kids",
				paper.Rs(d.Add(d.Get(paper.Page2).With("Contents", paper.R(d.Add(paper.S(raised))))))))
		}),
		saved("another page tree", dearer, func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Pages", paper.R(otherPages(d, raised)))
		}),
		saved("another catalog", dearer, func(d *paper.Doc) {
			d.Root = d.Add(d.Get(paper.Catalog).With("Pages", paper.R(otherPages(d, raised))))
		}),
		saved("another catalog without the form", "the signature is gone, the rent 9000", func(d *paper.Doc) {
			d.Root = d.Add(paper.D("Type", "/Catalog", "Pages", paper.R(otherPages(d, raised))))
		}),
		saved("a page's object as another kind of object", "the first page is a page of the attacker's",
			func(d *paper.Doc) {
				d.Set(paper.Page, paper.T("["+paper.R(d.Add(paper.S(raised)))+"]"))
			}),
	}
}

// around are changes of the file from outside, or with something harmless over them.
func around() []paper.Step {
	return []paper.Step{
		approved("a second file behind the first", dearer, func(d *paper.Doc) {
			o := paper.Draw(paper.Lease{Before: func(o *paper.Doc) {
				o.Set(paper.Contents, o.Get(paper.Contents).Saying(raised))
			}})
			d.Append(moved(string(o.Raw()), len(d.Raw())))
		}),
		approved("a byte of the page", "the rent is 9000", func(d *paper.Doc) {
			if !d.Packed {
				d.Replace([]byte(strings.Replace(string(d.Raw()), "Rent: 1000", "Rent: 9000", 1)))
				return
			}
			raw := d.Raw()
			raw[strings.Index(string(raw), "stream")+12]++
			d.Replace(raw)
		}),
		approved("a byte of the signature", "the same", func(d *paper.Doc) {
			raw := string(d.Raw())
			at := strings.LastIndex(raw, "/Contents<") + len("/Contents<") + 2*1100
			d.Replace([]byte(raw[:at] + flip(raw[at:at+1]) + raw[at+1:]))
		}),
		approved("the content and a time stamp over it", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			d.Save()
			d.Sign(paper.Signing{Stamp: true})
		}),
		approved("the content and validation data with it", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			cert := d.Add(paper.S(string(paper.By("Ana Lima").Certificate())))
			d.Alter(paper.Catalog, "DSS", "<</Type/DSS/Certs"+paper.Rs(cert)+">>")
			d.Save()
		}),
	}
}

func flip(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

// moved is a file to be put behind so many bytes: its objects, and a classic table that finds them there.
func moved(file string, by int) string {
	var b strings.Builder
	b.WriteString(file)
	var at [64]int
	most := 0
	for n := 1; n < len(at); n++ {
		if i := strings.Index(file, fmt.Sprintf("\n%d 0 obj", n)); i >= 0 {
			at[n], most = i+1+by, n
		}
	}
	begin := by + b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", most+1)
	for n := 1; n <= most; n++ {
		if at[n] == 0 {
			b.WriteString("0000000000 00000 f \n")
		} else {
			fmt.Fprintf(&b, "%010d 00000 n \n", at[n])
		}
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", most+1, begin)
	return b.String()
}

// layout is what moves or hides a page without touching what it draws.
func layout() []paper.Step {
	page := func(name, says string, pairs ...string) paper.Step {
		return saved(name, says, func(d *paper.Doc) { d.Alter(paper.Page, pairs...) })
	}
	return []paper.Step{
		page("a smaller page", "the rent is cut off", "MediaBox", "[0 150 300 200]"),
		page("a cropped page", "the rent is cut off", "CropBox", "[0 150 300 200]"),
		page("a turned page", "the page lies on its head", "Rotate", "180"),
		page("a page of other units", "the page is ten times as large", "UserUnit", "10"),
		page("a page with a trim", "what is printed is cut", "TrimBox", "[0 150 300 200]"),
		page("a page of another group", "it may look otherwise", "Group", "<</S/Transparency/CS/DeviceCMYK/K true>>"),
		page("a page with an action", "a program of the attacker's runs", "AA",
			"<</O<</S/JavaScript/JS(app.alert\\(1\\))>>>>"),
		page("a page that becomes a template", "the page is not shown", "Type", "/Template"),
		page("a page that goes on by itself", "the page turns after a second", "Dur", "1", "Trans", "<</S/Wipe>>"),
		saved("boxes of the page tree", "the second page is turned", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Rotate", "90")
		}),
		saved("resources of the page tree", "what was missing is found", func(d *paper.Doc) {
			d.Alter(paper.Page2, "Resources", "")
			d.Alter(paper.Pages, "Resources", "<</Font<</F1 "+paper.R(d.Add(other()))+">>>>")
		}),
		catalog("an action at opening", "a program of the attacker's runs", "OpenAction",
			"<</S/JavaScript/JS(app.alert\\(1\\))>>"),
		catalog("another page at opening", "the reader begins elsewhere", "OpenAction",
			"[ "+paper.R(paper.Page2)+" /FitH 0]"),
		catalog("actions of the document", "a program of the attacker's runs", "AA",
			"<</WP<</S/JavaScript/JS(app.alert\\(1\\))>>>>"),
		catalog("a program by name", "a program of the attacker's runs", "Names",
			"<</JavaScript<</Names[(a) <</S/JavaScript/JS(app.alert\\(1\\))>>]>>>>"),
		catalog("a file attached", "a file that nobody signed", "Names",
			"<</EmbeddedFiles<</Names[(a) <</Type/Filespec/F(a.exe)>>]>>>>"),
		catalog("a collection", "another file is shown in its place", "Collection", "<</Type/Collection/View/H>>"),
		catalog("an outline", "headings that nobody signed", "Outlines",
			"<</Type/Outlines/Count 0>>"),
		catalog("layers", "something may be hidden", "OCProperties",
			"<</OCGs[]/D<</BaseState/OFF>>>>"),
		catalog("labels of pages", "the pages have other numbers", "PageLabels", "<</Nums[0 <</S/r/St 7>>]>>"),
		catalog("a need for new values", "the viewer draws the fields anew", "NeedsRendering", "true"),
		catalog("output intents", "colours may differ", "OutputIntents",
			"[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(x)>>]"),
	}
}

func catalog(name, says string, pairs ...string) paper.Step {
	return saved(name, says, func(d *paper.Doc) { d.Alter(paper.Catalog, pairs...) })
}

// other is a font in which figures are others.
func other() paper.Object {
	return paper.D("Type", "/Font", "Subtype", "/Type1", "BaseFont", "/Helvetica", "Encoding",
		"<</Type/Encoding/Differences[49/nine]>>")
}

// resources is what a page draws with, changed.
func resources() []paper.Step {
	return []paper.Step{
		saved("a font that shows another figure", "1000 reads 9000", func(d *paper.Doc) { d.Set(paper.Font, other()) }),
		saved("another font in the resources", "1000 reads 9000", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", "<</Font<</F1 "+paper.R(d.Add(other()))+">>/XObject<</Logo "+
				paper.R(paper.Logo)+">>>>")
		}),
		saved("a freed font", "the text is drawn otherwise", func(d *paper.Doc) { d.Free(paper.Font) }),
		saved("a form XObject with another content", "9000 stands over the rent", func(d *paper.Doc) {
			d.Set(paper.Logo, form(cover))
		}),
		saved("another form XObject", "9000 stands over the rent", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", "<</Font<</F1 "+paper.R(paper.Font)+">>/XObject<</Logo "+
				paper.R(d.Add(form(cover)))+">>>>")
		}),
		saved("a form XObject with another matrix", "the picture lies elsewhere", func(d *paper.Doc) {
			d.Alter(paper.Logo, "Matrix", "[9 0 0 9 -100 0]")
		}),
		saved("a form XObject in a layer that is off", "the picture is gone", func(d *paper.Doc) {
			d.Alter(paper.Logo, "OC", "<</Type/OCG/Name(x)>>")
		}),
		saved("a freed form XObject", "the picture is gone", func(d *paper.Doc) { d.Free(paper.Logo) }),
		saved("the kind of a form XObject", "the picture is gone", func(d *paper.Doc) {
			d.Set(paper.Logo, d.Get(paper.Logo).With("Type", "/Metadata", "Subtype", "/XML").Saying(cover))
		}),
		saved("a picture in place of a form XObject", "a picture of the attacker's", func(d *paper.Doc) {
			d.Set(paper.Logo, paper.S("\x00", "Type", "/XObject", "Subtype", "/Image", "Width", "1", "Height", "1",
				"ColorSpace", "/DeviceGray", "BitsPerComponent", "8"))
		}),
	}
}
