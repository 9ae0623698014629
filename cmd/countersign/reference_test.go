package main

import (
	"database/sql"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"countersign/cmd/countersign/health"
	"countersign/model"
)

// docs/reference.md explains each key of each JSON object, each column of each view and each word that may stand in
// them, and no other.
func TestReferenceExplainsEverything(t *testing.T) {
	t.Parallel()
	want := jsonObjects(t)
	maps.Copy(want, viewColumns(t))
	words := modelWords(t)
	for _, of := range []string{"Status", "SignerStatus", "AttentionKind", "GapKind", "GapChange", "DocumentKind",
		"DocumentState", "Verdict",
		"Outcome", "ChangeKind", "Channel", "Signature", "Integrity", "Coverage", "Trust",
		"Addition", "Certification", "Seal"} {
		if len(words[of]) == 0 {
			t.Errorf("package model has no words of the type %s", of)
		}
		want[of] = words[of]
	}
	want["incident"] = model.IncidentKinds()
	want["problem"] = []string{health.DaemonDied, health.NotReady, health.Documents, health.PollOverdue}

	page := pageOf(t, "docs", "reference.md")
	explained := tablesOf(t, page)
	for name, keys := range want {
		got, some := explained[name]
		if !some {
			t.Errorf("docs/reference.md has no table for %s: %s", name, strings.Join(keys, " "))
			continue
		}
		for _, k := range keys {
			if !slices.Contains(got, k) {
				t.Errorf("docs/reference.md does not explain %s of %s", k, name)
			}
		}
		for _, k := range got {
			if !slices.Contains(keys, k) {
				t.Errorf("docs/reference.md explains %s of %s, which there is not", k, name)
			}
		}
	}
	for name := range explained {
		if _, some := want[name]; !some {
			t.Errorf("docs/reference.md has a table for %s, which there is not", name)
		}
	}
}

// tablesOf reads the tables of the page behind their marks: by what they explain, the words in their first column.
func tablesOf(t *testing.T, page string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	mark := regexp.MustCompile(`(?m)^<!-- (?:keys|words): (.+) -->\n\n((?:\|.*\n)+)`)
	word := regexp.MustCompile("`([^`]+)`")
	for _, found := range mark.FindAllStringSubmatch(page, -1) {
		var keys []string
		for i, line := range strings.Split(strings.TrimSpace(found[2]), "\n") {
			cells := strings.Split(line, "|")
			if i < 2 {
				continue
			}
			if len(cells) != 4 || strings.TrimSpace(cells[2]) == "" {
				t.Errorf("docs/reference.md: %q has no explanation", line)
				continue
			}
			for _, w := range word.FindAllStringSubmatch(cells[1], -1) {
				keys = append(keys, w[1])
			}
		}
		for _, name := range strings.Fields(found[1]) {
			out[name] = keys
		}
	}
	if marks := strings.Count(page, "<!--"); marks != len(mark.FindAllString(page, -1)) {
		t.Errorf("docs/reference.md has %d marks, and not each stands before a table", marks)
	}
	return out
}

// jsonObjects are the objects that are printed: by package and type, the keys of each. In cmd that is every struct with
// tags; elsewhere those that are named here.
func jsonObjects(t *testing.T) map[string][]string {
	t.Helper()
	printed := map[string][]string{
		"../../worker/verify": {"Verified"}, "../../worker/documents": {"Difference"}, "../../worker/poll": {"Plan"},
		"../../worker/console": {"state", "readiness"}, "../../worker/console/objects": nil,
	}
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && !strings.Contains(path, "testdata") {
			structsOf(t, path, nil, out)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, names := range printed {
		before := len(out)
		structsOf(t, dir, names, out)
		if len(out) == before || names != nil && len(out) != before+len(names) {
			t.Errorf("%s has not all of the objects %v", dir, names)
		}
	}
	return out
}

// structsOf adds the named structs of a package, or all that have tags.
func structsOf(t *testing.T, dir string, names []string, out map[string][]string) {
	t.Helper()
	eachFile(t, dir, func(f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || names != nil && !slices.Contains(names, spec.Name.Name) {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				if keys := tagsOf(s); len(keys) > 0 {
					out[f.Name.Name+"."+spec.Name.Name] = keys
				}
			}
			return true
		})
	})
}

// tagsOf are the names of a struct's members in JSON.
func tagsOf(s *ast.StructType) (keys []string) {
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			continue
		}
		if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// eachFile calls do for each file of a package that is no test.
func eachFile(t *testing.T, dir string, do func(*ast.File)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		do(f)
	}
}

// modelWords are the words of package model, by their types.
func modelWords(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	eachFile(t, "../../model", func(f *ast.File) {
		for _, d := range f.Decls {
			consts, ok := d.(*ast.GenDecl)
			if !ok || consts.Tok != token.CONST {
				continue
			}
			for _, s := range consts.Specs {
				spec := s.(*ast.ValueSpec)
				of, ok := spec.Type.(*ast.Ident)
				if !ok || len(spec.Values) != 1 {
					continue
				}
				if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
					if word, err := strconv.Unquote(value.Value); err == nil && word != "" {
						out[of.Name] = append(out[of.Name], word)
					}
				}
			}
		}
	})
	return out
}

// viewColumns are the columns of each view.
func viewColumns(t *testing.T) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	if err := seed(t.Context(), dir, nine, false); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "countersign.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	rows, err := db.QueryContext(t.Context(),
		`SELECT v.name, c.name FROM sqlite_master v, pragma_table_info(v.name) c WHERE v.type = 'view'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // only read
	out := map[string][]string{}
	for rows.Next() {
		var view, column string
		if err := rows.Scan(&view, &column); err != nil {
			t.Fatal(err)
		}
		out[view] = append(out[view], column)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%d views: %v", len(out), err)
	}
	return out
}
