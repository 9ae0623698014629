package difference_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign/model"
	"countersign/worker/pdf/difference"
	"countersign/worker/pdf/pdftest/paper"
	"countersign/worker/pdf/revision"
)

// compared is what a step does to a lease, as far as the permit allows it.
func compared(t *testing.T, packed bool, p difference.Permit, do func(d *paper.Doc)) difference.Result {
	t.Helper()
	d := paper.Draw(paper.Lease{Packed: packed, Two: true, Form: true})
	end := int64(len(d.Raw()))
	do(d)
	raw, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f := revision.NewFile(raw)
	before, err := f.Open(end)
	if err != nil {
		t.Fatal(err)
	}
	after, err := f.Open(int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return difference.Compare(before, after, p)
}

// rule is one step and what it is, by permit.
type rule struct {
	name   string
	permit difference.Permit
	do     func(d *paper.Doc)
	added  []model.Addition
	change string // part of what is told; "" where it is allowed
	doubt  string
}

func saved(do func(d *paper.Doc)) func(d *paper.Doc) {
	return func(d *paper.Doc) {
		do(d)
		d.Save()
	}
}

func alter(n int, pairs ...string) func(d *paper.Doc) {
	return saved(func(d *paper.Doc) { d.Alter(n, pairs...) })
}

func filled(field int, value string) func(d *paper.Doc) {
	return saved(func(d *paper.Doc) {
		d.Alter(field, "V", "("+value+")", "AP", "<</N "+paper.R(d.Add(paper.Look(value)))+">>")
	})
}

func rules() []rule {
	level := func(n int) difference.Permit { return difference.Permit{Level: n} }
	signed := difference.Permit{Signed: true}
	locked := difference.Permit{Level: 2, Locks: []difference.Lock{{Action: "Include", Fields: []string{"Rent"}}}}
	left := difference.Permit{Level: 2, Locks: []difference.Lock{{Action: "Exclude", Fields: []string{"Name"}}}}
	stamp := func(d *paper.Doc) { d.Sign(paper.Signing{Stamp: true}) }
	sign := func(d *paper.Doc) { d.Sign(paper.Signing{}) }
	over := func(d *paper.Doc) { d.Sign(paper.Signing{Rect: "[0 100 300 200]", Look: paper.Seal("Mallory")}) }
	beside := func(d *paper.Doc) { d.Sign(paper.Signing{Rect: "[200 60 290 95]", Look: paper.Seal("Bruno Diaz")}) }
	note := func(kind, rect string) func(d *paper.Doc) {
		return saved(func(d *paper.Doc) {
			d.Annotate(d.Add(paper.D("Type", "/Annot", "Subtype", "/"+kind, "Rect", rect, "Contents", "(x)")))
			d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
		})
	}
	added := func(all ...model.Addition) []model.Addition { return all }
	return []rule{
		{name: "nothing", do: saved(func(*paper.Doc) {}), added: added(model.AddedNothing)},
		{name: "a page's size", do: alter(paper.Page, "MediaBox", "[0 0 300 100]"), change: "page 1: its size"},
		{name: "a page's content", do: saved(func(d *paper.Doc) { d.Set(paper.Contents2, paper.S("x")) }),
			change: "page 2: its content"},
		{name: "a key of the page tree that is a value", do: alter(paper.Pages, "ITXT", "(5.5)"),
			added: added(model.AddedNothing)},
		{name: "a key of the page tree that leads somewhere", do: alter(paper.Pages, "X", paper.R(paper.Logo)),
			change: "the page tree"},
		{name: "information", do: alter(paper.Info, "Title", "(Another)"), added: added(model.AddedMetadata)},
		{name: "information that leads to a page", do: alter(paper.Info, "Title", paper.R(paper.Page)),
			change: "information"},
		{name: "a newer version", do: alter(paper.Catalog, "Version", "/2.0"), added: added(model.AddedMetadata)},
		{name: "an unknown key", do: alter(paper.Catalog, "Surprise", "1"), change: `the catalog: "Surprise"`},
		{name: "usage rights", do: alter(paper.Catalog, "Perms", "<</UR3<</Filter/Adobe.PPKLite>>>>"),
			added: added(model.AddedMetadata)},
		{name: "a certification without a signature", do: alter(paper.Catalog, "Perms", "<</DocMDP<<>>>>"),
			change: "certification"},
		{name: "a time stamp", do: stamp, added: added(model.AddedTimestamp)},
		{name: "a time stamp, certified at 1", permit: level(1), do: stamp, added: added(model.AddedTimestamp)},
		{name: "a signature", do: sign, added: added(model.AddedSignature)},
		{name: "a signature, certified at 1", permit: level(1), do: sign, change: "forbids"},
		{name: "a signature, certified at 2", permit: level(2), do: sign, added: added(model.AddedSignature)},
		{name: "a signature beside the text", do: beside, added: added(model.AddedSignature)},
		{name: "a signature over the text", do: over, added: added(model.AddedSignature), doubt: "text of page 1"},
		{name: "a signature over the text, certified at 2", permit: level(2), do: over, change: "lies over text"},
		{name: "a value after the last signature", do: filled(paper.Name, "Ana"), change: `the field "Name" was filled`},
		{name: "a value, then signed", permit: signed, do: filled(paper.Name, "Ana"), added: added(model.AddedForm)},
		{name: "another value, then signed", permit: signed, do: filled(paper.Rent, "9000"), change: `the field "Rent"`},
		{name: "a value, certified at 1", permit: level(1), do: filled(paper.Name, "Ana"), change: "forbids"},
		{name: "a value, certified at 2", permit: level(2), do: filled(paper.Name, "Ana"), added: added(model.AddedForm)},
		{name: "another value, certified at 2", permit: level(2), do: filled(paper.Rent, "9000"),
			added: added(model.AddedForm), doubt: "had another value"},
		{name: "another value, certified at 2, then signed", permit: difference.Permit{Level: 2, Signed: true},
			do: filled(paper.Rent, "9000"), added: added(model.AddedForm)},
		{name: "a locked field", permit: locked, do: filled(paper.Rent, "9000"), change: `"Rent", which a signature locks`},
		{name: "a field beside the locked one", permit: locked, do: filled(paper.Name, "Ana"),
			added: added(model.AddedForm)},
		{name: "a field but the one that is left", permit: left, do: filled(paper.Rent, "9000"), change: "locks"},
		{name: "the look of a field alone", permit: level(2), do: saved(func(d *paper.Doc) {
			d.Set(paper.RentLook, paper.Look("9000"))
		}), change: `the look of the field "Rent"`},
		{name: "a field that became read only", do: alter(paper.Rent, "Ff", "1"), added: added(model.AddedNothing)},
		{name: "a field that became required", do: alter(paper.Rent, "Ff", "2"), change: `"Rent": its entry "Ff"`},
		{name: "a comment", do: note("Text", "[250 150 270 170]"), change: "page 1: an annotation was added"},
		{name: "a comment, certified at 2", permit: level(2), do: note("Text", "[250 120 270 140]"), change: "was added"},
		{name: "a comment, certified at 3", permit: level(3), do: note("Text", "[250 120 270 140]"),
			added: added(model.AddedComment)},
		{name: "a comment over the text, certified at 3", permit: level(3), do: note("FreeText", "[0 130 270 150]"),
			change: "lies over text"},
		{name: "a link, certified at 3", permit: level(3), do: note("Link", "[250 120 270 140]"), change: "was added"},
	}
}

func TestWhatMayFollowASignature(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		for _, packed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, packed %v", r.name, packed), func(t *testing.T) {
				t.Parallel()
				got := compared(t, packed, r.permit, r.do)
				told := strings.Join(got.Changed, "; ")
				if (told == "") != (r.change == "") || !strings.Contains(told, r.change) {
					t.Errorf("changed %q, want %q", told, r.change)
				}
				if r.change == "" && !slices.Equal(got.Added, r.added) {
					t.Errorf("added %v, want %v", got.Added, r.added)
				}
				if (got.Unknown == "") != (r.doubt == "") || !strings.Contains(got.Unknown, r.doubt) {
					t.Errorf("unknown %q, want %q", got.Unknown, r.doubt)
				}
			})
		}
	}
}

// fan appends objects of which each names the next one ten times, and returns the first: a walk without bounds does not
// end.
func fan(d *paper.Doc, around string) int {
	next := d.Add(paper.T("1"))
	for range 40 {
		next = d.Add(paper.T(fmt.Sprintf(around, strings.Repeat(paper.R(next)+" ", 10))))
	}
	return next
}

func TestWhatFansOutEnds(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(d *paper.Doc){
		"what a program notes": func(d *paper.Doc) { d.Alter(paper.Catalog, "PieceInfo", paper.R(fan(d, "[%s]"))) },
		"information":          func(d *paper.Doc) { d.Alter(paper.Info, "X", paper.R(fan(d, "[%s]"))) },
		"validation data":      func(d *paper.Doc) { d.Alter(paper.Catalog, "DSS", paper.R(fan(d, "<</Certs[%s]>>"))) },
		"tags": func(d *paper.Doc) {
			d.Alter(paper.Catalog, "StructTreeRoot", "<</K "+paper.R(fan(d, "<</S/P/K[%s]>>"))+">>")
		},
		"the index of tags": func(d *paper.Doc) {
			d.Alter(paper.Catalog, "StructTreeRoot", "<</ParentTree "+paper.R(fan(d, "<</Kids[%s]>>"))+">>")
		},
		"pages":  func(d *paper.Doc) { d.Alter(paper.Pages, "Kids", "["+paper.R(fan(d, "<</Kids[%s]>>"))+"]") },
		"fields": func(d *paper.Doc) { d.Alter(paper.Form, "Fields", "["+paper.R(fan(d, "<</Kids[%s]>>"))+"]") },
		"content": func(d *paper.Doc) {
			d.Alter(paper.Page, "Contents", paper.R(fan(d, "[%s]")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compared(t, false, difference.Permit{}, saved(do)); name != "the index of tags" && len(got.Changed) == 0 {
				t.Errorf("nothing was changed: %+v", got)
			}
		})
	}
}
