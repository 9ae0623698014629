package main

import (
	"bytes"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// anything stands in arrows for a package that may import all of ours.
const anything = "*"

// arrows is who may import whom, of ours, in files that are not tests. provider/NAME stands for each
// provider. docs/decisions/0001-tree-and-arrows.md says why; a new arrow is argued for there.
var arrows = map[string][]string{
	"model":                  {},
	"model/words":            {"model"},
	"model/store/durable":    {},
	"model/store/sqlitefile": {"model/store/durable"},
	"model/store/database":   {"model/store/sqlitefile", "model/store/durable"},
	"model/store":            {"model", "model/store/database", "model/store/sqlitefile", "model/store/durable"},
	"provider":               {"model"},
	"provider/transport":     {"provider", "provider/lenient"},
	"provider/lenient":       {},
	"provider/NAME":          {"model", "provider", "provider/transport", "provider/lenient"},
	"provider/providertest":  {"model", "provider", "provider/transport", "provider/lenient"},
	"provider/simulator": {
		"provider/simulator/onespan", "provider/simulator/dropboxsign", "provider/simulator/allsign", "provider/simulator/autosign",
		"provider/simulator/documenso", "provider/simulator/world", "provider/simulator/world/pdf", "provider/simulator/world/wire",
	},
	"provider/simulator/NAME": {
		"provider/simulator/world", "provider/simulator/world/chance", "provider/simulator/world/life", "provider/simulator/world/pdf",
		"provider/simulator/world/wire",
	},
	"provider/simulator/simulatortest": {"provider/simulator", "provider/simulator/world"},
	"provider/simulator/world": {
		"provider/simulator/world/chance", "provider/simulator/world/life", "provider/simulator/world/pdf", "provider/simulator/world/wire",
	},
	"provider/simulator/world/chance": {}, "provider/simulator/world/life": {"provider/simulator/world/chance"}, "provider/simulator/world/pdf": {}, "provider/simulator/world/wire": {},
	"worker/pdf":                        {"model"},
	"worker/pdf/pdftest":                {},
	"worker/files":                      {"model", "model/store/durable"},
	"worker/hook":                       {"model", "model/store/durable"},
	"worker/apply":                      {"model", "model/store", "model/store/durable", "provider"},
	"worker/ask":                        {"model", "model/store", "model/store/durable", "provider", "worker/apply"},
	"worker/workertest":                 {"model", "model/store", "provider", "provider/providertest", "worker/apply", "worker/ask"}, // only tests import it
	"worker/poll":                       {"model", "model/store", "provider", "worker/apply", "worker/ask"},
	"worker/verify":                     {"model", "model/store", "provider", "worker/apply", "worker/ask", "worker/files"},
	"worker/documents":                  {"model", "model/store", "model/store/durable", "provider", "worker/apply", "worker/ask", "worker/files", "worker/pdf"},
	"worker":                            {"model", "model/store", "model/store/durable", "provider", "worker/apply", "worker/ask", "worker/poll", "worker/verify", "worker/documents", "worker/hook", "worker/files", "worker/pdf"},
	"worker/callback":                   {"model", "provider", "worker/apply"},
	"worker/console":                    {"model", "model/words", "model/store"},
	"cmd/countersign/config":            {"model", "provider"},
	"cmd/countersign/config/configtest": {"provider"},
	"cmd/countersign/output":            {"model", "model/store"},
	"cmd/countersign/sandbox":           {"worker/pdf"},
	"cmd/countersign/sandbox/pdftest":   {},
	"cmd/countersign/engine": {
		"cmd/countersign/config", "cmd/countersign/output", "cmd/countersign/sandbox", "model", "model/store", "model/store/database", "model/store/durable",
		"model/store/sqlitefile", "provider", "provider/transport", "worker", "worker/apply", "worker/ask", "worker/poll", "worker/verify",
		"worker/documents", "worker/files", "worker/pdf", "worker/callback", "worker/console",
	},
	"cmd/countersign/bench":  {"cmd/countersign/engine", "model", "model/store", "provider", "worker/apply", "worker/callback"},
	"cmd/countersign/demo":   {"cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/output", "model", "model/store", "model/store/database", "provider", "provider/simulator", "worker/apply"},
	"cmd/countersign/doctor": {"cmd/countersign/config", "cmd/countersign/engine", "cmd/countersign/output", "cmd/countersign/sandbox", "model", "model/store", "model/store/database", "model/store/durable", "model/store/sqlitefile", "provider", "worker/files", "worker/pdf"},
	"cmd/countersign":        {anything},
}

const (
	fileLines = 400 // the most that a file may have
	funcLines = 60  // and a function that is no test, from func to its last brace
)

func TestTheTreeKeepsItsShape(t *testing.T) {
	t.Parallel()
	faults, files, err := treeFaults(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
	if files < 50 {
		t.Errorf("only %d Go files were read: is this still the module's root?", files)
	}
}

func TestATreeOutOfShapeIsFound(t *testing.T) {
	t.Parallel()
	long := "package store\n\nfunc long() {\n" + strings.Repeat("\tprintln()\n", funcLines) + "}\n"
	for _, test := range []struct{ file, code, want string }{
		{"model/a.go", "package model\nimport _ \"countersign/provider\"", "model/a.go:2: model may not import provider"},
		{"model/a.go", "package model\nimport _ \"gorm.io/gorm\"", "model/a.go:2: model may not import gorm.io/gorm, it is pure"},
		{"model/store/a.go", "package store\nimport _ \"countersign/worker\"", "model/store/a.go:2: model/store may not import worker"},
		{"provider/onespan/a.go", "package onespan\nimport _ \"countersign/provider/dropboxsign\"", "provider/onespan/a.go:2: provider/onespan may not import provider/dropboxsign"},
		{"provider/simulator/a.go", "package simulator\nimport _ \"countersign/model\"", "provider/simulator/a.go:2: provider/simulator may not import model"},
		{"provider/simulator/world/a.go", "package world\nimport _ \"countersign/provider\"", "provider/simulator/world/a.go:2: provider/simulator/world may not import provider"},
		{"provider/simulator/onespan/a.go", "package onespan\nimport _ \"countersign/provider/simulator/allsign\"", "provider/simulator/onespan/a.go:2: provider/simulator/onespan may not import provider/simulator/allsign"},
		{"worker/a.go", "package worker\nimport _ \"countersign/worker/callback\"", "worker/a.go:2: worker may not import worker/callback"},
		{"worker/console/a.go", "package console\nimport _ \"countersign/provider\"", "worker/console/a.go:2: worker/console may not import provider"},
		{"worker/mail/a.go", "package mail", "worker/mail/a.go: no package worker/mail is in the table of arrows"},
		{"web/a.go", "package web", "web/a.go: code lives in cmd, model, provider and worker"},
		{"tools.go", "package tools", "tools.go: code lives in cmd, model, provider and worker"},
		{"worker/internal/a.go", "package internal", "worker/internal/a.go: no folder is called internal here"},
		{"worker/a.go", "package worker\nfunc init() {}", "worker/a.go:2: no init functions here"},
		{"worker/a.go", "package worker\nimport clock \"time\"\nvar at = clock.Now", "worker/a.go:3: time.Now is for cmd to name: take the time or a clock"},
		{"worker/a.go", "package worker\nimport \"time\"\nvar ago = time.Since(time.Time{})", "worker/a.go:3: time.Since is for cmd to name: take the time or a clock"},
		{"worker/a_test.go", "package worker\n" + strings.Repeat("\n", fileLines), "worker/a_test.go: 401 lines, 400 is the most"},
		{"model/store/a.go", long, "model/store/a.go:3: long has 62 lines, 60 is the most"},
		// What is allowed, beside what is not.
		{"cmd/countersign/a.go", "package main\nimport (\n\"time\"\n_ \"countersign/worker/callback\"\n)\nvar now = time.Now", ""},
		{"provider/simulator/a.go", "package simulator\nimport \"time\"\nvar now = time.Now", ""},
		{"provider/simulator/world/a.go", "package world\nimport \"time\"\nvar now = time.Now", ""},
		{"provider/onespan/a_test.go", "package onespan\nimport _ \"countersign/provider/simulator\"", ""},
		{"model/store/a_test.go", long, ""},
		{"model/testdata/a.go", "no code", ""},
	} {
		got, _, err := treeFaults(fstest.MapFS{test.file: {Data: []byte(test.code)}})
		if err != nil {
			t.Errorf("%s: %v", test.file, err)
		}
		if all := strings.Join(got, "\n"); all != test.want {
			t.Errorf("%s: %.99q\n got: %s\nwant: %s", test.file, test.code, all, test.want)
		}
	}
}

// treeFaults says what in a module's tree is out of shape, and how many Go files it has. It reads the
// files itself: what `go list` says would come from the test cache after a bad import.
func treeFaults(root fs.FS) (faults []string, files int, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		code, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		files++
		of, err := fileFaults(name, code)
		faults = append(faults, of...)
		return err
	})
	return faults, files, err
}

// sourceFile is one Go file and what was found in it.
type sourceFile struct {
	name, folder string
	test         bool
	set          *token.FileSet
	faults       []string
}

func fileFaults(name string, code []byte) ([]string, error) {
	f := &sourceFile{name: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet()}
	tree, err := goparser.ParseFile(f.set, name, code, goparser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.place()
	if !f.test {
		f.imports(tree)
	}
	if n := bytes.Count(code, []byte("\n")); n > fileLines {
		f.faults = append(f.faults, fmt.Sprintf("%s: %d lines, %d is the most", name, n, fileLines))
	}
	f.functions(tree)
	f.clock(tree)
	return f.faults, nil
}

func (f *sourceFile) fault(at token.Pos, format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf("%s:%d: ", f.name, f.set.Position(at).Line)+fmt.Sprintf(format, args...))
}

// place judges where the file lies.
func (f *sourceFile) place() {
	parts := strings.Split(f.folder, "/")
	if !slices.Contains([]string{"cmd", "model", "provider", "worker"}, parts[0]) {
		f.faults = append(f.faults, f.name+": code lives in cmd, model, provider and worker")
		return
	}
	for _, bad := range []string{"internal", "pkg", "util", "utils", "common", "types"} {
		if slices.Contains(parts, bad) {
			f.faults = append(f.faults, fmt.Sprintf("%s: no folder is called %s here", f.name, bad))
			return
		}
	}
	if _, ok := arrowsOf(f.folder); !ok {
		f.faults = append(f.faults, fmt.Sprintf("%s: no package %s is in the table of arrows", f.name, f.folder))
	}
}

// arrowsOf returns what a package may import.
func arrowsOf(folder string) ([]string, bool) {
	may, ok := arrows[folder]
	if parent := path.Dir(folder); !ok && (parent == "provider" || parent == "provider/simulator") {
		may, ok = arrows[parent+"/NAME"]
	}
	return may, ok
}

func (f *sourceFile) imports(tree *ast.File) {
	may, ok := arrowsOf(f.folder)
	if !ok {
		return // place has told
	}
	for _, i := range tree.Imports {
		what, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			f.fault(i.Pos(), "%v", err)
			continue
		}
		ours, isOurs := strings.CutPrefix(what, "countersign/")
		switch {
		case isOurs && !slices.Contains(may, ours) && !slices.Contains(may, anything):
			f.fault(i.Pos(), "%s may not import %s", f.folder, ours)
		case !isOurs && f.folder == "model" && strings.Contains(strings.Split(what, "/")[0], "."):
			f.fault(i.Pos(), "model may not import %s, it is pure", what)
		}
	}
}

func (f *sourceFile) functions(tree *ast.File) {
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if fn.Name.Name == "init" && fn.Recv == nil {
			f.fault(fn.Pos(), "no init functions here")
		}
		if n := f.set.Position(fn.End()).Line - f.set.Position(fn.Type.Pos()).Line + 1; n > funcLines && !f.test {
			f.fault(fn.Type.Pos(), "%s has %d lines, %d is the most", fn.Name.Name, n, funcLines)
		}
	}
}

// clock finds who looks at the clock and is neither cmd, nor the simulated world, nor a test.
func (f *sourceFile) clock(tree *ast.File) {
	if f.test || strings.HasPrefix(f.folder, "cmd/") || strings.HasPrefix(f.folder+"/", "provider/simulator/") {
		return
	}
	name := ""
	for _, i := range tree.Imports {
		if i.Path.Value != `"time"` {
			continue
		}
		if name = "time"; i.Name != nil {
			name = i.Name.Name
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && name != "" && x.Name == name && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
			f.fault(sel.Pos(), "time.%s is for cmd to name: take the time or a clock", sel.Sel.Name)
		}
		return true
	})
}
