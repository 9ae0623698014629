package paper

import "strconv"

// The numbers of a lease's objects; which of them there are is up to its options.
const (
	Catalog = iota + 1
	Pages
	Page
	Contents
	Font
	Info
	Metadata
	Logo // a form XObject that the first page draws
	Page2
	Contents2
	Stamp // an annotation that is part of what was agreed
	StampLook
	Form
	Rent // a text field with a value
	RentLook
	Name // a text field without one
	NameLook
	Agree // a box to tick
	AgreeYes
	AgreeOff
	Empty // an empty signature field, shown at the foot of the page
)

// Lease says which lease it is.
type Lease struct {
	Packed bool         // object streams
	Two    bool         // two pages
	Form   bool         // with the fields Rent, Name, Agree and an empty signature field
	Noise  int          // so many bytes that do not compress, as a picture's
	Before func(d *Doc) // what is done to it before it is written
}

// Text is what the first page of a lease says.
const Text = "BT /F1 12 Tf 20 160 Td (Lease of the flat in Calle 8) Tj 0 -20 Td (Rent: 1000 EUR a month) Tj ET\n" +
	"q 1 0 0 1 150 10 cm /Logo Do Q"

// Draw writes a lease that nobody has signed.
func Draw(l Lease) *Doc {
	d := New(l.Packed)
	d.Info = Info
	d.Set(Catalog, D("Type", "/Catalog", "Pages", R(Pages), "Metadata", R(Metadata)))
	d.Set(Pages, D("Type", "/Pages", "Kids", Rs(Page), "Count", "1"))
	d.Set(Page, D("Type", "/Page", "Parent", R(Pages), "MediaBox", "[0 0 300 200]", "Contents", R(Contents),
		"Resources", "<</Font<</F1 "+R(Font)+">>/XObject<</Logo "+R(Logo)+">>>>"))
	d.Set(Contents, S(Text))
	d.Set(Font, D("Type", "/Font", "Subtype", "/Type1", "BaseFont", "/Helvetica", "Encoding", "/WinAnsiEncoding"))
	d.Set(Info, D("Title", "(Lease)", "Producer", "(Throwaway)", "CreationDate", "(D:20260131110000Z)"))
	d.Set(Metadata, xmp("2026-01-31T11:00:00Z"))
	d.Set(Logo, S("0.9 g 0 0 40 20 re f", "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 40 20]"))
	d.Set(Stamp, D("Type", "/Annot", "Subtype", "/Stamp", "Rect", "[220 150 290 190]", "F", "4", "P", R(Page), "AP",
		"<</N "+R(StampLook)+">>"))
	d.Set(StampLook, S("1 0 0 RG 1 1 68 38 re S", "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 70 40]"))
	d.Annotate(Stamp)
	d.next = max(d.next, Empty+1)
	if l.Two {
		d.Alter(Pages, "Kids", Rs(Page, Page2), "Count", "2")
		d.Set(Page2, D("Type", "/Page", "Parent", R(Pages), "MediaBox", "[0 0 300 200]", "Contents", R(Contents2),
			"Resources", "<</Font<</F1 "+R(Font)+">>>>"))
		d.Set(Contents2, S("BT /F1 12 Tf 20 160 Td (No pets are allowed, the fine is 100 EUR) Tj ET"))
	}
	if l.Form {
		d.form()
	}
	if l.Noise > 0 {
		d.noise(l.Noise)
	}
	d.Alter(Page, "Annots", Rs(d.annots...))
	if l.Before != nil {
		l.Before(d)
	}
	d.Save()
	return d
}

// form gives the fields.
func (d *Doc) form() {
	d.Set(Form, D("DA", "(/F1 10 Tf 0 g)", "DR", "<</Font<</F1 "+R(Font)+">>>>"))
	d.Alter(Catalog, "AcroForm", R(Form))
	text := func(n, look int, name, value, rect string) {
		d.Set(look, Look(value))
		d.Set(n, D("Type", "/Annot", "Subtype", "/Widget", "FT", "/Tx", "T", "("+name+")", "F", "4", "P", R(Page),
			"Rect", rect, "DA", "(/F1 10 Tf 0 g)", "V", "("+value+")", "AP", "<</N "+R(look)+">>"))
		d.Field(n, true)
	}
	text(Rent, RentLook, "Rent", "1000", "[20 100 120 115]")
	text(Name, NameLook, "Name", "", "[20 80 120 95]")
	d.Set(AgreeYes, S("0 0 10 10 re f", "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 10 10]"))
	d.Set(AgreeOff, S("0 0 10 10 re S", "Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 10 10]"))
	d.Set(Agree, D("Type", "/Annot", "Subtype", "/Widget", "FT", "/Btn", "T", "(Agree)", "F", "4", "P", R(Page), "Rect",
		"[20 60 30 70]", "V", "/Off", "AS", "/Off", "AP", "<</N<</Yes "+R(AgreeYes)+"/Off "+R(AgreeOff)+">>>>"))
	d.Field(Agree, true)
	d.Set(Empty, D("Type", "/Annot", "Subtype", "/Widget", "FT", "/Sig", "T", "(Tenant)", "F", "4", "P", R(Page), "Rect",
		"[20 10 120 40]"))
	d.Field(Empty, true)
	d.Alter(Form, "Fields", Rs(d.fields...))
}

// Look is how a text field shows a value.
func Look(value string) Object {
	return S("/Tx BMC BT /F1 10 Tf 2 4 Td ("+value+") Tj ET EMC", "Type", "/XObject", "Subtype", "/Form",
		"BBox", "[0 0 100 15]", "Resources", "<</Font<</F1 "+R(Font)+">>>>")
}

// xmp is the document's metadata.
func xmp(at string) Object {
	return S(`<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF `+
		`xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" `+
		`xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:ModifyDate="`+at+`"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`,
		"Type", "/Metadata", "Subtype", "/XML")
}

// Dated returns the metadata with another date.
func Dated(at string) Object { return xmp(at) }

// noise puts a picture into the first page's resources whose bytes do not compress.
func (d *Doc) noise(size int) {
	body := make([]byte, size)
	x := uint32(2463534242)
	for i := range body {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		body[i] = byte(x)
	}
	o := S(string(body), "Type", "/XObject", "Subtype", "/Image", "Width", strconv.Itoa(size), "Height", "1",
		"ColorSpace", "/DeviceGray", "BitsPerComponent", "8")
	o.Alone = true
	picture := d.Add(o)
	d.Alter(Page, "Resources", "<</Font<</F1 "+R(Font)+">>/XObject<</Logo "+R(Logo)+"/Picture "+R(picture)+">>>>")
}
