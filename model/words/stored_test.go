package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var verbs = regexp.MustCompile(`%(\[\d+\])?[-+#.0-9]*[dqsvwTx]`)

// chain is a text of the source, {} for each value in it.
func chain(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return verbs.ReplaceAllString(s, "{}")
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return chain(e.X) + chain(e.Y)
		}
	case *ast.ParenExpr:
		return chain(e.X)
	}
	return "{}"
}

// bare leaves out the values at the ends of a text, and what binds them to it.
func bare(s string) string {
	for {
		t := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(s, "{}"), "{}"), ":; ")
		if t == s {
			return s
		}
		s = t
	}
}

// A stored sentence is looked up as the source says it: whoever changes it there changes it here.
func TestStoredSentencesAreOfTheSource(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	var add func(s string)
	add = func(s string) {
		said[bare(s)] = true
		for _, between := range []string{"; ", ": "} {
			if first, rest, ok := strings.Cut(s, between); ok {
				said[bare(first)] = true
				add(rest)
			}
		}
	}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if s := chain(e); s != "{}" {
					add(s)
					_, sum := e.(*ast.BinaryExpr)
					return !sum
				}
			}
			return true
		})
		return nil
	}))
	for key, text := range read(english) {
		if !strings.HasPrefix(key, storedArea) {
			continue
		}
		require.Empty(t, text.one, "%s: the source says it once", key)
		assert.True(t, said[bare(places.ReplaceAllString(text.other, "{}"))],
			"%s: no source says %q: give the key the words of the source, or take it out", key, text.other)
	}
}

func TestStored(t *testing.T) {
	t.Parallel()
	es := For("es")
	for in, want := range map[string]string{
		"":                                      "",
		"what a provider said, as it came":      "what a provider said, as it came",
		"released by operator":                  "liberado por un operador",
		"released by operator ana: seen: by me": "liberado por operator ana: seen: by me",
		"the provider is still making the file": "el proveedor todavía está haciendo el archivo",
		"download failed, trying again: no route to host":              "la descarga falló, se intenta de nuevo: no route to host",
		"callback not verified: signed with none of our secrets":       "notificación sin verificar: no está firmada con ninguno de nuestros secretos",
		"a copy of c000000000042; replayed at 2026-01-31, was refused": "copia de c000000000042; vuelta a entregar el 2026-01-31, era rechazada",
	} {
		require.Equal(t, want, es.Stored(in))
		require.Equal(t, in, For("en").Stored(in))
	}
}

func BenchmarkStored(b *testing.B) {
	es := For("es")
	for b.Loop() {
		es.Stored("a reason that a provider gave, which none of ours is; and another")
	}
}
