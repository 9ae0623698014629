// Package difference says what a later revision of a signed file changes. It is safe by default: what a viewer can
// reach in the new revision is either the same as before, or proved to be of a kind that may follow a signature
// (ISO 32000-2, 12.8; ETSI EN 319 142-1). All else is a change. docs/signatures.md has the rules with their sources.
package difference

import (
	"fmt"
	"slices"

	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// Permit is what the signatures before a revision allow it to do.
type Permit struct {
	// Level is the strictest DocMDP level: 1 nothing, 2 forms and signatures, 3 comments too; 0 without a certification
	Level int
	Locks []Lock // of FieldMDP and SigFieldLock
	// Signed: a later signature covers the revision, so somebody answers for what it fills in
	Signed bool
}

// Lock names the fields that nobody may change any more.
type Lock struct {
	Action string // All, Include or Exclude
	Fields []string
}

// Result is what a revision does.
type Result struct {
	Added   []model.Addition // what may follow a signature, each kind once
	Changed []string         // what may not, and where, in words
	Unknown string           // why it cannot be told; "" if it can
}

// mostChanges limits how many changes are told.
const mostChanges = 10

// Compare says what the revision after does to the one before.
func Compare(before, after *revision.Revision, p Permit) Result {
	c := &comparison{Pair: equal.NewPair(before, after), permit: p, widgets: map[int]bool{}}
	if before.Rebuilt || after.Rebuilt {
		return Result{Unknown: "its tables are damaged, so it cannot be told what was changed after a signature"}
	}
	if why := after.Doubtful(before); why != "" {
		c.doubt("programs may differ in what they read: %s", why)
	}
	c.pagesA, c.pagesB = pagesOf(before), pagesOf(after)
	c.pair()
	c.trailers()
	forms{c}.compare()
	c.pages()
	c.catalogs()
	if len(c.result.Added) == 0 {
		c.add(model.AddedNothing)
	}
	slices.Sort(c.result.Added)
	return c.result
}

// comparison is the state of comparing two revisions. Pages, annotations, fields and tags are nodes: they have rules of
// their own.
type comparison struct {
	*equal.Pair
	permit         Permit
	pagesA, pagesB []page
	formA, formB   *field
	widgets        map[int]bool // of the new revision: judged with their field
	lists          map[int]int  // which page lists which annotation
	areas          map[int][]shownArea
	result         Result
}

func (c *comparison) add(what model.Addition) {
	if !slices.Contains(c.result.Added, what) {
		c.result.Added = append(c.result.Added, what)
	}
}

func (c *comparison) change(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if len(c.result.Changed) < mostChanges && !slices.Contains(c.result.Changed, what) {
		c.result.Changed = append(c.result.Changed, what)
	}
}

// doubt notes what may be an attack and cannot be told from honest use.
func (c *comparison) doubt(format string, args ...any) {
	if c.result.Unknown == "" {
		c.result.Unknown = fmt.Sprintf(format, args...)
	}
}

// pair finds which node takes which one's place.
func (c *comparison) pair() {
	for i := range min(len(c.pagesA), len(c.pagesB)) {
		c.Node(c.pagesA[i].num, c.pagesB[i].num)
	}
	c.Node(equal.Number(c.A.Trailer.Get("Root")), equal.Number(c.B.Trailer.Get("Root")))
	c.formA, c.formB = fieldsOf(c.A), fieldsOf(c.B)
	forms{c}.pairFields(c.formA, c.formB)
	for i := range min(len(c.pagesA), len(c.pagesB)) {
		c.pairAnnotations(i)
	}
}

// trailers compares what the trailers name beside the catalog.
func (c *comparison) trailers() {
	if c.A.Encrypted() && !c.Same(c.A.Trailer.Get("Encrypt"), c.B.Trailer.Get("Encrypt")) {
		c.change("how the file is encrypted")
	}
	if was, is := c.A.Trailer.Get("Info"), c.B.Trailer.Get("Info"); !c.Same(was, is) {
		c.values("its information dictionary", is)
		c.add(model.AddedMetadata)
	}
}

// catalogs compares the catalogs, each key by its rule.
func (c *comparison) catalogs() {
	was, is := c.A.Root(), c.B.Root()
	if is.Twice() && !was.Twice() {
		c.change("the catalog, which says something twice")
	}
	for _, key := range c.Differing(was, is) {
		now := is.Get(key)
		switch key {
		case "Pages", "AcroForm":
		case "DSS":
			c.validation(now)
		case "Metadata":
			c.metadata(now)
		case "Version":
			c.version(was, is)
		case "Extensions":
			c.extensions(now, 0)
		case "PieceInfo":
			c.private("the catalog", now)
		case "MarkInfo":
			c.values("the catalog's MarkInfo", now)
			c.add(model.AddedMetadata)
		case "Perms":
			c.permissions(c.B.Dict(was.Get(key)), c.B.Dict(now))
		case "StructTreeRoot":
			(&tags{comparison: c, judged: map[int]bool{}}).structure(was.Get(key), now)
		default:
			c.change("the catalog: %s", c.quoted(key))
		}
	}
}

// version allows a later revision to need a newer format.
func (c *comparison) version(was, is object.Dict) {
	old, now := c.A.Name(was.Get("Version")), c.B.Name(is.Get("Version"))
	if now < old || len(now) != 3 {
		c.change("the catalog: its version")
		return
	}
	c.add(model.AddedMetadata)
}

// permissions allows usage rights to come, go and be replaced: they sign nothing and only say what a viewer offers. A
// certification may neither come nor go.
func (c *comparison) permissions(was, is object.Dict) {
	for _, key := range c.Differing(was, is) {
		if key != "UR" && key != "UR3" {
			c.change("what the certification permits")
			return
		}
	}
	c.add(model.AddedMetadata)
}

// quoted is a name of the file, fit to be told.
func (c *comparison) quoted(n object.Name) string { return fmt.Sprintf("%.40q", string(n)) }
