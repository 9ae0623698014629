package main

import (
	"bytes"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	fileLines = 400 // the most that a file may have
	funcLines = 60  // and a function that is no test, from func to its last brace

	roomLines   = 1500 // the most that a package may have in files that are not tests
	roomMethods = 40   // and a receiver
)

// more is how many lines of code a package may have that may have more; 0: any. docs/decisions/0017-rooms.md says why.
var more = map[string]int{"model/store": 0, "model": 2750, "provider/NAME": 2400, "cmd/countersign": 4000}

// freeReceivers may have any number of methods.
var freeReceivers = []string{"model/store.Store", "model/store.Batch"}

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
		{"model/a.go", "package model\nimport _ \"gorm.io/gorm\"",
			"model/a.go:2: model may not import gorm.io/gorm, it is pure"},
		{"model/store/a.go", "package store\nimport _ \"countersign/worker\"",
			"model/store/a.go:2: model/store may not import worker"},
		{"provider/onespan/a.go", "package onespan\nimport _ \"countersign/provider/dropboxsign\"",
			"provider/onespan/a.go:2: provider/onespan may not import provider/dropboxsign"},
		{"provider/simulator/a.go", "package simulator\nimport _ \"countersign/model\"",
			"provider/simulator/a.go:2: provider/simulator may not import model"},
		{"provider/simulator/world/a.go", "package world\nimport _ \"countersign/provider\"",
			"provider/simulator/world/a.go:2: provider/simulator/world may not import provider"},
		{"provider/simulator/demo.go", "package simulator\nimport _ \"countersign/provider/onespan\"",
			"provider/simulator/demo.go:2: provider/simulator may not import provider/onespan"},
		{"provider/simulator/b.go", "package simulator\nimport _ \"countersign/provider/simulator/onespan\"", ""},
		{"provider/simulator/onespan/a.go", "package onespan\nimport _ \"countersign/provider/simulator/allsign\"",
			"provider/simulator/onespan/a.go:2: provider/simulator/onespan may not import provider/simulator/allsign"},
		{"worker/a.go", "package worker\nimport _ \"countersign/worker/callback\"",
			"worker/a.go:2: worker may not import worker/callback"},
		{"worker/console/a.go", "package console\nimport _ \"countersign/provider\"",
			"worker/console/a.go:2: worker/console may not import provider"},
		{"cmd/countersign/config/a.go", "package config\nimport _ \"countersign/cmd/countersign/output\"",
			"cmd/countersign/config/a.go:2: cmd/countersign/config may not import cmd/countersign/output"},
		{"cmd/countersign/output/a.go", "package output\nimport _ \"countersign/cmd/countersign/config\"",
			"cmd/countersign/output/a.go:2: cmd/countersign/output may not import cmd/countersign/config"},
		{"cmd/countersign/engine/a.go", "package engine\nimport _ \"countersign/cmd/countersign/doctor\"",
			"cmd/countersign/engine/a.go:2: cmd/countersign/engine may not import cmd/countersign/doctor"},
		{"cmd/countersign/sandbox/a.go", "package sandbox\nimport _ \"countersign/model/store\"",
			"cmd/countersign/sandbox/a.go:2: cmd/countersign/sandbox may not import model/store"},
		{"worker/poll/a.go", "package poll\nimport _ \"countersign/worker/verify\"",
			"worker/poll/a.go:2: worker/poll may not import worker/verify"},
		{"model/store/database/a.go", "package database\nimport _ \"countersign/model\"",
			"model/store/database/a.go:2: model/store/database may not import model"},
		{"worker/mail/a.go", "package mail", "worker/mail/a.go: no package worker/mail is in the table of arrows"},
		{"web/a.go", "package web", "web/a.go: code lives in cmd, model, provider and worker"},
		{"tools.go", "package tools", "tools.go: code lives in cmd, model, provider and worker"},
		{"worker/internal/a.go", "package internal", "worker/internal/a.go: no folder is called internal here"},
		{"worker/a.go", "package worker\nfunc init() {}", "worker/a.go:2: no init functions here"},
		{"worker/a.go", "package worker\nimport clock \"time\"\nvar at = clock.Now",
			"worker/a.go:3: time.Now is for cmd to name: take the time or a clock"},
		{"worker/a.go", "package worker\nimport \"time\"\nvar ago = time.Since(time.Time{})",
			"worker/a.go:3: time.Since is for cmd to name: take the time or a clock"},
		{"worker/a_test.go", "package worker\n" + strings.Repeat("\n", fileLines),
			"worker/a_test.go: 401 lines, 400 is the most"},
		{"model/store/a.go", long, "model/store/a.go:3: long has 62 lines, 60 is the most"},
		// What is allowed, beside what is not.
		{"cmd/countersign/a.go",
			"package main\nimport (\n\"time\"\n_ \"countersign/worker/callback\"\n)\nvar now = time.Now", ""},
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

func TestARoomThatIsTooLargeIsFound(t *testing.T) {
	t.Parallel()
	file := func(pkg string, lines int) string { return "package " + pkg + strings.Repeat("\n", lines) }
	methods := func(pkg, of string, n int) string {
		code := "package " + pkg + "\ntype " + of + " struct{}\n"
		for i := range n {
			code += fmt.Sprintf("func (*%s) m%d() {}\n", of, i)
		}
		return code
	}
	for _, test := range []struct {
		folder, code string
		files        int
		want         string
	}{
		{"worker/ask", file("ask", 400), 4, "worker/ask, lines: 1600, 1500 is the most"},
		{"worker/ask", file("ask", 375), 4, ""},
		{"provider/onespan", file("onespan", 400), 6, ""},
		{"provider/onespan", file("onespan", 400), 7, "provider/onespan, lines: 2800, 2400 is the most"},
		{"provider/lenient", file("lenient", 400), 4, "provider/lenient, lines: 1600, 1500 is the most"},
		{"model/store", file("store", 400), 20, ""},
		{"model", file("model", 400), 6, ""},
		{"model", file("model", 400), 7, "model, lines: 2800, 2750 is the most"},
		{"cmd/countersign", file("main", 400), 10, ""},
		{"cmd/countersign", file("main", 400), 11, "cmd/countersign, lines: 4400, 4000 is the most"},
		{"worker/ask", methods("ask", "Gate", 41), 1, "worker/ask.Gate, methods: 41, 40 is the most"},
		{"worker/ask", methods("ask", "Gate", 40), 1, ""},
		{"model/store", methods("store", "Batch", 80), 1, ""},
		{"model/store", methods("store", "Other", 41), 1, "model/store.Other, methods: 41, 40 is the most"},
	} {
		tree := fstest.MapFS{}
		for i := range test.files {
			tree[fmt.Sprintf("%s/f%d.go", test.folder, i)] = &fstest.MapFile{Data: []byte(test.code)}
		}
		got, _, err := treeFaults(tree)
		if err != nil {
			t.Errorf("%s: %v", test.folder, err)
		}
		if all := strings.Join(got, "\n"); all != test.want {
			t.Errorf("%d files of %s\n got: %s\nwant: %s", test.files, test.folder, all, test.want)
		}
	}
}

// treeFaults says what in a module's tree is out of shape, and how many Go files it has. It reads the files itself:
// what `go list` says would come from the test cache after a bad import.
func treeFaults(root fs.FS) (faults []string, files int, err error) {
	rooms := map[string]*room{}
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
		f, err := readSource(name, code)
		if err != nil {
			return err
		}
		faults = append(faults, f.faults...)
		if rooms[f.folder] == nil {
			rooms[f.folder] = &room{methods: map[string]int{}}
		}
		rooms[f.folder].add(f)
		return nil
	})
	for _, folder := range slices.Sorted(maps.Keys(rooms)) {
		faults = append(faults, rooms[folder].faults(folder)...)
	}
	return faults, files, err
}

// room is how large a package is.
type room struct {
	lines   int
	methods map[string]int // of each receiver
}

func (r *room) add(f *sourceFile) {
	if f.test {
		return
	}
	r.lines += f.lines
	for _, receiver := range f.receivers {
		r.methods[receiver]++
	}
}

// faults says what in a package is over its limit.
func (r *room) faults(folder string) (out []string) {
	most, may := more[folder]
	if path.Dir(folder) == "provider" && folder != "provider/transport" && folder != "provider/lenient" &&
		folder != "provider/providertest" && folder != "provider/simulator" {
		most, may = more["provider/NAME"]
	}
	if !may {
		most = roomLines
	}
	over := func(what string, n, most int) {
		if most > 0 && n > most {
			out = append(out, fmt.Sprintf("%s: %d, %d is the most", what, n, most))
		}
	}
	over(folder+", lines", r.lines, most)
	for _, receiver := range slices.Sorted(maps.Keys(r.methods)) {
		if name := folder + "." + receiver; !slices.Contains(freeReceivers, name) {
			over(name+", methods", r.methods[receiver], roomMethods)
		}
	}
	return out
}

// sourceFile is one Go file and what was found in it.
type sourceFile struct {
	name, folder string
	test         bool
	set          *token.FileSet
	faults       []string
	lines        int
	receivers    []string // of its methods, one each
}

func readSource(name string, code []byte) (*sourceFile, error) {
	f := &sourceFile{name: name, folder: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		set: token.NewFileSet()}
	tree, err := goparser.ParseFile(f.set, name, code, goparser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.place()
	if !f.test {
		f.imports(tree)
	}
	if f.lines = bytes.Count(code, []byte("\n")); f.lines > fileLines {
		f.faults = append(f.faults, fmt.Sprintf("%s: %d lines, %d is the most", name, f.lines, fileLines))
	}
	f.functions(tree)
	f.clock(tree)
	return f, nil
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
	may, ok := arrows[nameOf(folder)]
	return may, ok
}

// nameOf returns the name that a package has in the table of arrows.
func nameOf(folder string) string {
	parent := path.Dir(folder)
	if _, own := arrows[folder]; !own && (parent == "provider" || parent == "provider/simulator") {
		return parent + "/NAME"
	}
	return folder
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
		case isOurs && !slices.Contains(may, ours) && !slices.Contains(may, nameOf(ours)) && !slices.Contains(may, anything):
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
		if fn.Recv != nil {
			f.receivers = append(f.receivers, receiverOf(fn.Recv.List[0].Type))
		}
		if fn.Name.Name == "init" && fn.Recv == nil {
			f.fault(fn.Pos(), "no init functions here")
		}
		if n := f.set.Position(fn.End()).Line - f.set.Position(fn.Type.Pos()).Line + 1; n > funcLines && !f.test {
			f.fault(fn.Type.Pos(), "%s has %d lines, %d is the most", fn.Name.Name, n, funcLines)
		}
	}
}

// receiverOf is the name of a receiver's type.
func receiverOf(t ast.Expr) string {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
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
		if x, ok := sel.X.(*ast.Ident); ok && name != "" && x.Name == name &&
			slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
			f.fault(sel.Pos(), "time.%s is for cmd to name: take the time or a clock", sel.Sel.Name)
		}
		return true
	})
}
