package words

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
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
	for _, err := range systems() {
		add(strings.ReplaceAll(err.Error(), "192.0.2.1:443", "{}"))
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

// systems are errors that Go, the operating system and the database say: they follow sentences of ours.
func systems() []error {
	all := []error{
		&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		context.Canceled, io.EOF, io.ErrUnexpectedEOF, &net.DNSError{Err: "no such host", Name: "192.0.2.1:443"},
		errors.New("net/http: TLS handshake timeout"),                                                          // which net/http keeps to itself
		errors.New("database is locked"), errors.New("disk I/O error"), errors.New("database or disk is full"), // SQLite
	}
	for n := range syscall.Errno(134) {
		all = append(all, n)
	}
	return all
}

// What a comparison of two revisions finds is said in other languages too, all of it.
func TestChangesOfFilesAreTranslated(t *testing.T) {
	t.Parallel()
	formats, err := filepath.Glob("../../worker/pdf/difference/*.go")
	require.NoError(t, err)
	made, found := MadeUp(), 0
	for _, path := range formats {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if of, ok := call.Fun.(*ast.SelectorExpr); !ok || of.Sel.Name != "change" && of.Sel.Name != "doubt" {
				return true
			}
			said := chain(call.Args[0])
			if said == "{}" {
				return true
			}
			found++
			in := strings.ReplaceAll(said, "pages: {} were signed and there are {}", "pages: 3 were signed and there are 4")
			in = strings.ReplaceAll(strings.ReplaceAll(in, "page {}", "page 3"), "{}", "Xtz")
			for _, word := range regexp.MustCompile(`[A-Za-z]{3,}`).FindAllString(made.Stored(in), -1) {
				assert.False(t, strings.ContainsAny(word, "aeioucny"), "%s: %q is not said whole: %s", path, in, word)
			}
			return true
		})
	}
	require.Greater(t, found, 50)
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
		"download failed, trying again: no route to host":     "la descarga falló, se intenta de nuevo: no hay ruta hasta el servidor",
		"callback not verified: what a provider is":           "notificación sin verificar: what a provider is",
		"dial tcp 192.0.2.1:443: connect: connection refused": "al llamar a 192.0.2.1:443: conexión: conexión rechazada",
		"altered after it was signed: changed after the last signature: page 2: its size; the field without a name is gone; and 3 more": "alterado después de firmarse: cambiado después de la última firma: página 2: su tamaño; falta el campo sin nombre; y 3 más",
		"the certificate of Ana Ruiz was expired when it was signed":                                                                    "el certificado de Ana Ruiz estaba vencido cuando se firmó",
		"callback not verified: signed with none of our secrets":                                                                        "notificación sin verificar: no está firmada con ninguno de nuestros secretos",
		"a copy of c000000000042; replayed at 2026-01-31, was refused":                                                                  "copia de c000000000042; vuelta a entregar el 2026-01-31, era rechazada",
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
