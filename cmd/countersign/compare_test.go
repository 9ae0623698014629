package main

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mayBeSecret is how things are called that a proof is compared with.
var mayBeSecret = regexp.MustCompile(`(?i)(secret|signature|hmac|\bmac|\bsum\b|given|password|callbackKey|\bhash\b|\btoken\b)`)

// isName is how settings are called that say where and in which form a proof stands.
var isName = regexp.MustCompile(`(Encoding|Prefix|Header|^reports)`)

// Proofs are compared in constant time: no file of a provider or of the listener compares what may be a secret with ==,
// but with a literal, which tells only whether it is there.
func TestNoSecretIsComparedPlainly(t *testing.T) {
	t.Parallel()
	files, looked := token.NewFileSet(), 0
	for _, root := range []string{"../../provider", "../../worker/callback", "../../worker/console"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "simulator") || strings.Contains(path, "providertest") {
				return err
			}
			f, err := goparser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(*ast.BinaryExpr)
				if !ok || e.Op != token.EQL && e.Op != token.NEQ {
					return true
				}
				looked++
				secret := func(e ast.Expr) bool { return mayBeSecret.MatchString(named(e)) && !isName.MatchString(named(e)) }
				if (secret(e.X) || secret(e.Y)) && !literal(e.X) && !literal(e.Y) {
					t.Errorf("%s compares what may be a secret with %s", files.Position(e.Pos()), e.Op)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 100 {
		t.Errorf("only %d comparisons were looked at", looked)
	}
}

func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return named(e.X) + "." + e.Sel.Name
	case *ast.CallExpr:
		return named(e.Fun)
	case *ast.IndexExpr:
		return named(e.X)
	}
	return ""
}

// literal says whether an expression is written out: "", nil, a number, a constant of ours.
func literal(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.SelectorExpr: // a word of the model's, which is no secret
		of, ok := e.X.(*ast.Ident)
		return ok && of.Name == "model"
	case *ast.Ident:
		return e.Name == "nil" || e.Name == "true" || e.Name == "false" || e.Obj != nil && e.Obj.Kind == ast.Con
	case *ast.CallExpr: // how long it is
		f, ok := e.Fun.(*ast.Ident)
		return ok && f.Name == "len"
	}
	return false
}
