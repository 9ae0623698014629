package deeper

import (
	"fmt"

	"countersign/worker/pdf/pdftest/paper"
)

// painted are pages whose text is drawn in ways that are harder to find, with a stranger's signature laid over it.
func painted() []paper.Step {
	sheet := func(name, content, more string, objects ...paper.Object) paper.Step {
		b := paper.Prepared(func(d *paper.Doc) {
			for i, o := range objects {
				d.Set(61+i, o)
			}
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(content))
			d.Alter(paper.Page, "Resources", resources(more))
		})
		return doubtful(on(b, "a signature over "+name, over, func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Mallory", Rect: "[15 130 250 158]",
				Look: "1 g 0 0 200 50 re f 0 g BT /F1 24 Tf 0 10 Td (Rent: 9000 EUR a month) Tj ET"})
		}))
	}
	return []paper.Step{
		sheet("text in an array", "BT /F1 12 Tf 20 140 Td [(Re) -20 (nt: 1000)] TJ ET", ""),
		sheet("text on the next line", "BT /F1 12 Tf 14 TL 20 154 Td (Lease) Tj (Rent: 1000) ' ET", ""),
		sheet("text by a matrix", "BT /F1 1 Tf 12 0 0 12 20 140 Tm (Rent: 1000) Tj ET", ""),
		sheet("text on a moved sheet", "q 2 0 0 2 0 0 cm BT /F1 6 Tf 10 70 Td (Rent: 1000) Tj ET Q", ""),
		sheet("text that climbs", "BT /F1 12 Tf 100 Ts 20 40 Td (Rent: 1000) Tj ET", ""),
		sheet("text in a form XObject", "/Inner Do", "/XObject<</Inner 61 0 R>>",
			form("BT /F1 12 Tf 20 140 Td (Rent: 1000) Tj ET")),
		sheet("text in a form XObject that is moved", "q 1 0 0 1 20 100 cm /Inner Do Q", "/XObject<</Inner 61 0 R>>",
			form("BT /F1 12 Tf 0 0 Td (Rent: 1000) Tj ET", "Matrix", "[1 0 0 1 0 40]")),
		sheet("a scanned page", "q 300 0 0 200 0 0 cm /Scan Do Q", "/XObject<</Scan 61 0 R>>",
			paper.S("\x00\xff", "Type", "/XObject", "Subtype", "/Image", "Width", "2", "Height", "1", "ColorSpace",
				"/DeviceGray", "BitsPerComponent", "8")),
		sheet("a picture written in the page", "q 200 0 0 20 20 135 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q", ""),

		sheet("text by a state", "/G gs BT 20 140 Td (Rent: 1000) Tj ET",
			"/ExtGState<</G<</Font["+paper.R(paper.Font)+" 12]>>>>"),
		sheet("text that a pattern draws", "/Pattern cs /P scn 0 0 300 200 re f", "/Pattern<</P 61 0 R>>", tile(said)),
		sheet("text that a pattern draws along a line", "/Pattern CS /P SCN 60 w 0 150 m 300 150 l S",
			"/Pattern<</P 61 0 R>>", tile(said)),
		sheet("text that a pattern draws in a form XObject", "/Pattern cs /P scn /Inner Do",
			"/Pattern<</P 61 0 R>>/XObject<</Inner 62 0 R>>", tile(said), form("0 0 300 200 re f")),
		sheet("a picture that a pattern draws", "/Pattern cs /P scn 0 0 300 200 re f", "/Pattern<</P 61 0 R>>",
			tile("q 200 0 0 20 20 135 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q")),
		sheet("text by a pattern of a pattern", "/Pattern cs /P scn 0 0 300 200 re f", "/Pattern<</P 61 0 R>>",
			tile("/Pattern cs /P scn 0 0 300 200 re f").With("Resources", "<</Pattern<</P 62 0 R>>>>"), tile(said)),
		sheet("text that a mask cuts out", "/G gs 0 g 0 0 300 200 re f",
			"/ExtGState<</G<</SMask<</S/Luminosity/G 61 0 R>>>>>>", form("1 g "+said, "Group", "<</S/Transparency/CS/DeviceGray>>")),
		sheet("text in a font that a form XObject inherits", "/F1 12 Tf /Inner Do", "/XObject<</Inner 61 0 R>>",
			form("BT 20 140 Td (Rent: 1000) Tj ET")),
		sheet("text behind what cannot be read", "<zz> "+said, ""),
	}
}

const said = "BT /F1 12 Tf 20 140 Td (Rent: 1000) Tj ET"

// tile is a tiling pattern.
func tile(body string) paper.Object {
	return paper.S(body, "PatternType", "1", "PaintType", "1", "TilingType", "1", "BBox", "[0 0 300 200]", "XStep", "300",
		"YStep", "200", "Resources", "<</Font<</F1 "+paper.R(paper.Font)+">>>>")
}

// nested are changes deep in what a page draws with.
func nested() []paper.Step {
	deep := func(name, content, more string, do func(d *paper.Doc), objects ...paper.Object) paper.Step {
		b := paper.Prepared(func(d *paper.Doc) {
			for i, o := range objects {
				d.Set(61+i, o)
			}
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(paper.Text+"\n"+content))
			d.Alter(paper.Page, "Resources", resources(more))
		})
		return saved(b, "deep in the resources: "+name, "what is drawn is another", do)
	}
	picture := paper.S("\x00", "Type", "/XObject", "Subtype", "/Image", "Width", "1", "Height", "1", "ColorSpace",
		"/DeviceGray", "BitsPerComponent", "8")
	draw := "q 200 0 0 20 20 135 cm /I Do Q"
	return []paper.Step{
		deep("a glyph's program", "BT /T3 12 Tf 20 100 Td (a) Tj ET", "/Font<</F1 5 0 R/T3 61 0 R>>", func(d *paper.Doc) {
			d.Set(62, paper.S("9 0 d0 0 0 500 500 re f"))
		}, paper.D("Type", "/Font", "Subtype", "/Type3", "FontBBox", "[0 0 9 9]", "FontMatrix", "[.01 0 0 .01 0 0]",
			"CharProcs", "<</a 62 0 R>>", "Encoding", "<</Differences[97/a]>>", "FirstChar", "97", "LastChar", "97", "Widths",
			"[9]"), paper.S("9 0 d0 0 0 5 5 re f")),
		deep("a font's file", "BT /TT 12 Tf 20 100 Td (a) Tj ET", "/Font<</F1 5 0 R/TT 61 0 R>>", func(d *paper.Doc) {
			d.Set(63, paper.S("another program"))
		}, paper.D("Type", "/Font", "Subtype", "/TrueType", "BaseFont", "/X", "FontDescriptor", "62 0 R"),
			paper.D("Type", "/FontDescriptor", "FontName", "/X", "Flags", "4", "FontFile2", "63 0 R"), paper.S("a program")),
		deep("what a font's letters mean", "BT /TT 12 Tf 20 100 Td (a) Tj ET", "/Font<</F1 5 0 R/TT 61 0 R>>",
			func(d *paper.Doc) { d.Set(62, paper.S("another map")) },
			paper.D("Type", "/Font", "Subtype", "/Type1", "BaseFont", "/Helvetica", "ToUnicode", "62 0 R"), paper.S("a map")),
		deep("a picture's mask", draw, "/XObject<</I 61 0 R>>", func(d *paper.Doc) {
			d.Set(62, picture.Saying("\xff"))
		}, picture.With("SMask", "62 0 R"), picture),
		deep("a picture's meaning of black", draw, "/XObject<</I 61 0 R>>", func(d *paper.Doc) {
			d.Alter(61, "Decode", "[1 0]")
		}, picture),
		deep("a picture's other picture", draw, "/XObject<</I 61 0 R>>", func(d *paper.Doc) {
			d.Alter(61, "Alternates", "[<</Image "+paper.R(d.Add(picture.Saying("\xff")))+"/DefaultForPrinting true>>]")
		}, picture),
		deep("a colour's profile", "/C cs 1 scn 0 0 9 9 re f", "/ColorSpace<</C[/ICCBased 61 0 R]>>", func(d *paper.Doc) {
			d.Set(61, paper.S("another profile", "N", "1"))
		}, paper.S("a profile", "N", "1")),
		deep("a pattern", "/Pattern cs /P scn 0 0 9 9 re f", "/Pattern<</P 61 0 R>>", func(d *paper.Doc) {
			d.Set(61, d.Get(61).Saying("0 0 300 200 re f"))
		}, paper.S("0 0 1 1 re f", "PatternType", "1", "PaintType", "1", "TilingType", "1", "BBox", "[0 0 9 9]", "XStep", "9",
			"YStep", "9", "Resources", "<<>>")),
		deep("a state", "/G gs 0 0 9 9 re f", "/ExtGState<</G 61 0 R>>", func(d *paper.Doc) { d.Alter(61, "ca", "0") },
			paper.D("ca", "1")),
		deep("a form XObject in a form XObject", "/A Do", "/XObject<</A 61 0 R>>", func(d *paper.Doc) {
			d.Set(62, form(cover))
		}, form("/B Do", "Resources", "<</XObject<</B 62 0 R>>>>"), form("0 0 1 1 re f")),
		deep("a property list", "/OC /L BDC 0 0 9 9 re f EMC", "/Properties<</L 61 0 R>>", func(d *paper.Doc) {
			d.Alter(61, "Type", "/OCMD", "P", "/AllOff")
		}, paper.D("Type", "/OCG", "Name", "(x)")),
	}
}

// layers are what may be switched on and off.
func layers() []paper.Step {
	layered := paper.Prepared(func(d *paper.Doc) {
		d.Set(61, paper.D("Type", "/OCG", "Name", "(sheet)"))
		d.Set(62, paper.D("OCGs", "[61 0 R]", "D", "63 0 R"))
		d.Set(63, paper.D("ON", "[61 0 R]", "Order", "[61 0 R]"))
		d.Alter(paper.Catalog, "OCProperties", "62 0 R")
		d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised+"\n/OC /L BDC 1 g 0 0 300 200 re f 0 g BT /F1 12 Tf "+
			"20 140 Td (Rent: 1000 EUR a month) Tj ET EMC"))
		d.Alter(paper.Page, "Resources", resources("/Properties<</L 61 0 R>>"))
	})
	step := func(name string, do func(d *paper.Doc)) paper.Step {
		return saved(layered, "a layer "+name, dearer, do)
	}
	return []paper.Step{
		step("that is off", func(d *paper.Doc) { d.Set(63, paper.D("OFF", "[61 0 R]", "Order", "[61 0 R]")) }),
		step("that does not print", func(d *paper.Doc) {
			d.Alter(61, "Usage", "<</Print<</PrintState/OFF>>/View<</ViewState/OFF>>>>")
			d.Alter(63, "AS", "[<</Event/View/OCGs[61 0 R]/Category[/View]>>]")
		}),
		step("in another arrangement", func(d *paper.Doc) {
			d.Alter(62, "D", paper.R(d.Add(paper.D("BaseState", "/OFF"))))
		}),
		step("that is named otherwise", func(d *paper.Doc) { d.Alter(61, "Name", "(draft, not valid)") }),
		step("that is freed", func(d *paper.Doc) { d.Free(61) }),
	}
}

// fans are files that are harmless, and whose objects lead to one another so often that who follows each way never
// ends. The second revision gives all of them other numbers.
func fans() []paper.Step {
	const first, many = 61, 40
	fan := func(d *paper.Doc, from int) {
		for i := range many {
			next := paper.R(from + i + 1)
			d.Set(from+i, paper.D("S", "/P", "K", "["+next+" "+next+"]"))
		}
		d.Set(from+many, paper.D("S", "/P", "K", "0"))
	}
	ring := func(d *paper.Doc, from int) {
		for i := range many {
			d.Set(from+i, paper.D("S", "/P", "K", fmt.Sprintf("[%s %s]", paper.R(from+(i+1)%many), paper.R(from+(i+7)%many))))
		}
	}
	var out []paper.Step
	for name, shape := range map[string]func(d *paper.Doc, from int){"fan out": fan, "go round": ring} {
		b := paper.Prepared(func(d *paper.Doc) {
			shape(d, first)
			d.Alter(paper.Catalog, "StructTreeRoot", paper.R(first))
		})
		out = append(out,
			paper.Step{Name: "objects that " + name + ", and a second signature", Says: "the same", Want: paper.Kept, On: b,
				Do: func(d *paper.Doc) { d.Sign(paper.Signing{By: "Bruno Diaz"}) }},
			paper.Step{Name: "objects that " + name + ", with other numbers", Says: "the same", Want: paper.NotAltered, On: b,
				Do: func(d *paper.Doc) {
					at := d.Next() + 1
					shape(d, at)
					d.Alter(paper.Catalog, "StructTreeRoot", paper.R(at))
					d.Save()
				}})
	}
	return out
}
