package twins

import (
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// rewritten are files in which the same is said in other words.
func rewritten() []paper.Step {
	move := func(d *paper.Doc, n int) int { return d.Add(d.Get(n)) }
	return []paper.Step{
		saved("nothing", func(*paper.Doc) {}),
		saved("every object again", func(d *paper.Doc) {
			for n := 1; n <= paper.Empty; n++ {
				if o := d.Get(n); o.Keys != nil {
					d.Set(n, o)
				}
			}
		}),
		saved("a font with another number", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", "<</Font<</F1 "+paper.R(move(d, paper.Font))+">>/XObject<</Logo "+
				paper.R(paper.Logo)+">>>>")
		}),
		saved("a content with another number", func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.R(move(d, paper.Contents)))
		}),
		saved("a catalog with another number", func(d *paper.Doc) { d.Root = move(d, paper.Catalog) }),
		saved("numbers written at length", func(d *paper.Doc) {
			d.Alter(paper.Page, "MediaBox", "[0.000000 -0 300.000000000000 +200.]")
			d.Alter(paper.Page2, "MediaBox", "[.0 0 300.0 200.00]")
		}),
		saved("numbers by reference", func(d *paper.Doc) {
			d.Alter(paper.Page, "MediaBox", paper.R(d.Add(paper.T("[0 0 "+paper.R(d.Add(paper.T("300")))+" 200]"))))
		}),
		saved("names and strings in another form", func(d *paper.Doc) {
			d.Alter(paper.Font, "BaseFont", "/Helv#65tica")
			d.Alter(paper.Rent, "V", "<31303030>", "DA", "(/F1 10\\040Tf 0 g)")
		}),
	}
}

// stored are files in which the same is kept in another way.
func stored() []paper.Step {
	return []paper.Step{
		saved("a content compressed, or not", func(d *paper.Doc) {
			d.Deflate = !d.Deflate
			d.Set(paper.Contents, d.Get(paper.Contents))
		}),
		saved("a content in hexadecimal", func(d *paper.Doc) {
			var b strings.Builder
			for _, c := range []byte(paper.Text) {
				b.WriteString(string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
			}
			d.Set(paper.Contents, paper.S(b.String()+">", "Filter", "/ASCIIHexDecode"))
		}),
		saved("resources by reference", func(d *paper.Doc) {
			d.Alter(paper.Page, "Resources", paper.R(d.Add(paper.D("Font", "<</F1 "+paper.R(paper.Font)+">>", "XObject",
				"<</Logo "+paper.R(paper.Logo)+">>"))))
		}),
		saved("a value that is null", func(d *paper.Doc) { d.Alter(paper.Page, "Thumb", "null") }),
		saved("another identity", func(d *paper.Doc) {
			d.Trailer["ID"] = "[<00112233445566778899aabbccddeeff><ffeeddccbbaa99887766554433221100>]"
		}),
		saved("objects that nobody reaches", func(d *paper.Doc) {
			d.Add(paper.S("BT /F1 12 Tf 20 140 Td (Rent: 9000 EUR a month) Tj ET"))
			d.Add(paper.D("Type", "/Annot", "Subtype", "/Square", "Rect", "[0 0 300 200]"))
		}),
		approved("the other form of file", same, func(d *paper.Doc) {
			d.Packed = !d.Packed
			d.Deflate = d.Packed
			d.Set(paper.Page, d.Get(paper.Page))
			d.Save()
		}),
	}
}

// padded are files with something behind their end that is no part of a PDF.
func padded() []paper.Step {
	pad := func(name, text string) paper.Step {
		return paper.Step{Name: "padded with " + name, Says: same, Want: paper.NotAltered, On: paper.Approved,
			Do: func(d *paper.Doc) { d.Append(text) }}
	}
	return []paper.Step{
		pad("a line's end", "\r\n"), pad("blank lines", strings.Repeat("\n", 3000)),
		pad("zeros", strings.Repeat("\x00", 5000)),
	}
}

// Shapes are files as services make them, as far as it is known in public.
func Shapes() []paper.Step {
	shape := func(name string, on paper.Base, do func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: name, Says: "a signed contract", Want: paper.Kept, On: on, Do: do}
	}
	seal := func(s paper.Signing) paper.Base {
		return paper.Base{Lease: paper.Lease{Two: true}, Signs: []paper.Signing{s}}
	}
	return []paper.Step{
		// one seal that nobody sees, over a document that the service flattened
		shape("as Documenso: one seal", seal(paper.Signing{By: "Documenso", Room: 8192,
			More: []string{"Reason", "(Signed by Documenso)"}}), nil),
		shape("as Documenso with a time-stamp authority: a seal, its data and a time stamp",
			seal(paper.Signing{By: "Documenso", Filter: "ETSI.CAdES.detached"}), func(d *paper.Doc) {
				validation(d, "")
				d.Save()
				d.Sign(paper.Signing{Stamp: true})
			}),
		// each signer's approval in a field of its own, in the order of signing, then the service's
		shape("as OneSpan Sign: an approval a signer", paper.Base{Lease: paper.Lease{Two: true, Form: true},
			Signs: []paper.Signing{{By: "Ana Lima", Field: paper.Empty, Look: paper.Seal("Ana Lima")},
				{By: "Bruno Diaz", Rect: "[180 10 290 40]", Look: paper.Seal("Bruno Diaz")}, {By: "OneSpan Sign"}}}, nil),
		shape("as Dropbox Sign: one certification at the end", seal(paper.Signing{By: "Dropbox Sign", Certify: 1}), nil),
		shape("as DocuSign: one seal whose attributes are not sorted", seal(paper.Signing{By: "DocuSign, Inc.",
			Unsorted: true, Name: "ENVELOPEID_0000", Room: 20_000,
			More: []string{"Reason", "(Digitally verifiable PDF exported from www.docusign.com)"}}), nil),
		shape("as Adobe Sign: certified at 1, with data and extensions", seal(paper.Signing{By: "Adobe Acrobat Sign",
			Certify: 1, Room: 15_000}), save(func(d *paper.Doc) { validation(d, extension) })),
		shape("as AllSign: one seal, then conservation data", seal(paper.Signing{By: "AllSign"}), func(d *paper.Doc) {
			d.Sign(paper.Signing{Stamp: true})
		}),
		shape("as Autosign: one seal with a time stamp", seal(paper.Signing{By: "Autosign",
			Filter: "ETSI.CAdES.detached"}), func(d *paper.Doc) { d.Sign(paper.Signing{Stamp: true}) }),
		shape("as Acrobat: two signers, dates and information", paper.Twice, save(func(d *paper.Doc) {
			dates(d)
			d.Alter(paper.Info, "ModDate", "(D:20260201000000Z)")
			d.Set(paper.Metadata, paper.Dated("2026-02-01T00:00:00Z"))
		})),
	}
}
