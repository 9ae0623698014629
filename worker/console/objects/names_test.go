package objects

import (
	"testing"

	"countersign/model"
)

// A file that never came has no path to take an ending from: its name gains none.
func TestNamesOfFilesThatNeverCame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, want string }{
		{"anexo-2.pdf", "", "anexo-2.pdf"},
		{"anexo-2", "", "anexo-2"},
		{"anexo-2", "a/b.pdf", "anexo-2.pdf"},
		{"anexo-2.pdf", "a/b.pdf", "anexo-2.pdf"},
		{"", "", "document"},
	} {
		if got := FileName(model.Document{Name: c.name, Path: c.path}); got != c.want {
			t.Errorf("%q at %q: %q, want %q", c.name, c.path, got, c.want)
		}
	}
}
