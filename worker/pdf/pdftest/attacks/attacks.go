// Package attacks makes the signed files that somebody changed after they were signed, as the literature describes
// them: incremental saving, signature wrapping and universal forgery (1 Trillion Dollar Refund, 2019), hide, replace
// and both (Shadow Attacks, 2021), evil annotations and sneaky signatures (Breaking the Specification, 2021), objects
// that are isolated or dangle, and validation data that reaches into the pages. It knows nothing of the program that
// judges them.
package attacks

import (
	"slices"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// Files are all attacks, each on a file with a classic table and on one with object streams.
func Files() []paper.File { return paper.Files(Steps()) }

// Steps are all attacks.
func Steps() []paper.Step {
	return slices.Concat(content(), pages(), around(), layout(), resources(), annotations(), stamps(), fields(), forms(), appearances(), certified(), locked(),
		further(), hidden(), dangling(), reaching(), disguised(), forged(), wrapped(), tables(), loose())
}

// on is a step that has to be called altered.
func on(base paper.Base, name, says string, do func(d *paper.Doc)) paper.Step {
	return paper.Step{Name: name, Says: says, Want: paper.Altered, On: base, Do: do}
}

// approved is a step on the lease that one person approved.
func approved(name, says string, do func(d *paper.Doc)) paper.Step {
	return on(paper.Approved, name, says, do)
}

// saved is a step that ends with saving what it did.
func saved(name, says string, do func(d *paper.Doc)) paper.Step {
	return approved(name, says, save(do))
}

func save(do func(d *paper.Doc)) func(d *paper.Doc) {
	return func(d *paper.Doc) {
		do(d)
		d.Save()
	}
}

// doubtful is a step in which nothing proves the attack.
func doubtful(s paper.Step) paper.Step {
	s.Want = paper.NotIntact
	return s
}

// raised is the lease's first page with another rent.
var raised = strings.ReplaceAll(paper.Text, "1000", "9000")

const dearer = "the rent is 9000 where 1000 was signed"

// cover is an appearance that hides what lies under it and says something else.
const cover = "1 1 1 rg 0 0 300 200 re f 0 g BT /F1 12 Tf 20 140 Td (Rent: 9000 EUR a month) Tj ET"

// form is a form XObject as large as the page.
func form(body string, more ...string) paper.Object {
	return paper.S(body, append([]string{"Type", "/XObject", "Subtype", "/Form", "BBox", "[0 0 300 200]", "Resources",
		"<</Font<</F1 " + paper.R(paper.Font) + ">>>>"}, more...)...)
}

// covering is an annotation that lies over the whole first page.
func covering(d *paper.Doc, subtype string, more ...string) int {
	look := d.Add(form(cover))
	return d.Add(paper.D(append([]string{"Type", "/Annot", "Subtype", "/" + subtype, "F", "4", "Rect", "[0 0 300 200]",
		"P", paper.R(paper.Page), "AP", "<</N " + paper.R(look) + ">>"}, more...)...))
}

// annotate puts an annotation on the first page.
func annotate(d *paper.Doc, n int) {
	d.Annotate(n)
	d.Alter(paper.Page, "Annots", paper.Rs(d.Annots()...))
}

// otherPages is a page tree with one page that says a text; it returns the tree's number.
func otherPages(d *paper.Doc, text string) int {
	body := d.Add(paper.S(text))
	page, tree := d.Reserve(), d.Reserve()
	d.Set(page, d.Get(paper.Page).With("Parent", paper.R(tree), "Contents", paper.R(body)))
	d.Set(tree, paper.D("Type", "/Pages", "Kids", paper.Rs(page), "Count", "1"))
	return tree
}
