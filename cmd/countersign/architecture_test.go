package main

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTheArchitecturePageIsTrue shows that each function docs/architecture.md names stands in the file
// it names, and that each package of the tree has its line there.
func TestTheArchitecturePageIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	faults, named := pageFaults(os.DirFS("../.."), string(page))
	for _, f := range faults {
		t.Error(f)
	}
	if named < 20 {
		t.Errorf("the page names %d functions, want the whole walk of a callback and of a document", named)
	}
}

func TestAPageThatIsNotTrueIsFound(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{
		"model/decide.go":     {Data: []byte("package model\n\nfunc Decide() {}\n\nfunc (r Rules) Forward() {}\n")},
		"worker/pdf/whole.go": {Data: []byte("package pdf\n")},
	}
	for _, test := range []struct{ page, want string }{
		{"`model` `worker/pdf` | `model/decide.go` | `Decide` |", ""},
		{"`model` `worker/pdf` | `model/decide.go` | `Rules.Forward` |", ""},
		{"`model` `worker/pdf` | `model/decide.go` | `Settle` |", "model/decide.go has no Settle"},
		{"`model` `worker/pdf` | `model/settle.go` | `Settle` |", "there is no file model/settle.go"},
		{"`model` | `model/decide.go` | `Decide` |", "the page does not name `worker/pdf`"},
	} {
		faults, _ := pageFaults(tree, test.page)
		if got := strings.Join(faults, "\n"); got != test.want {
			t.Errorf("%s\n got: %s\nwant: %s", test.page, got, test.want)
		}
	}
}

// namedFunctions are a table's cells with a file and functions of it.
var namedFunctions = regexp.MustCompile("\\| `([a-z/_]+\\.go)` \\| ((?:`[A-Za-z.]+`(?:, )?)+) \\|")

// pageFaults says what a page names that the tree does not have, and how many functions it names.
func pageFaults(tree fs.FS, page string) (faults []string, named int) {
	for _, m := range namedFunctions.FindAllStringSubmatch(page, -1) {
		code, err := fs.ReadFile(tree, m[1])
		if err != nil {
			faults = append(faults, "there is no file "+m[1])
			continue
		}
		have := functionsOf(code)
		for name := range strings.SplitSeq(m[2], ", ") {
			named++
			if name = strings.Trim(name, "`"); !have[name] {
				faults = append(faults, m[1]+" has no "+name)
			}
		}
	}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			return err
		}
		if p := "`" + path.Dir(name) + "`"; !strings.Contains(page, p) {
			faults = append(faults, "the page does not name "+p)
			page += p
		}
		return nil
	})
	if err != nil {
		faults = append(faults, err.Error())
	}
	return faults, named
}

// functionsOf are a file's functions, and its methods as Type.Method.
func functionsOf(code []byte) map[string]bool {
	have := map[string]bool{}
	tree, err := goparser.ParseFile(token.NewFileSet(), "", code, goparser.SkipObjectResolution)
	if err != nil {
		return have
	}
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := fn.Name.Name
		if fn.Recv != nil {
			name = receiver(fn.Recv.List[0].Type) + "." + name
		}
		have[name] = true
	}
	return have
}

// receiver is the name of a method's type.
func receiver(t ast.Expr) string {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
