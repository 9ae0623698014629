package files_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/worker/files"
	"countersign/worker/files/filestest"
)

// lying lists the files below a folder, but for those that have not their names yet.
func lying(t *testing.T, root string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, p)
		if err == nil && !e.IsDir() && !strings.HasPrefix(rel, ".incoming") {
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestFolderKeepsTheContract(t *testing.T) {
	filestest.Contract(t, func(t *testing.T) (files.Archive, func(t *testing.T) []string) {
		root := filepath.Join(t.TempDir(), "documents")
		a, err := files.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		return a, func(t *testing.T) []string { return lying(t, root) }
	})
}
