package worker

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"countersign/model/store/durable"
)

// linkFileName is where a link's file waits for the provider's word: by the document's id and what it holds, so that two
// that came for one document do not meet.
func linkFileName(id, sum string) string { return path.Join(linkFolder, id+"-"+sum[:16]+".pdf") }

// PutLinkFile gives a temporary file, already synced and closed, its place among the files that links brought.
func (f *Files) PutLinkFile(temp, name string) error {
	to, err := f.inside(name)
	if err != nil {
		return err
	}
	durable.CrashPoint("hold before rename")
	if err := os.Rename(temp, to); err != nil {
		return err
	}
	durable.CrashPoint("hold renamed")
	return f.syncDir(filepath.Dir(to))
}

// LinkFileOf finds the file that a link brought for a document, by the document's id.
func (f *Files) LinkFileOf(id string) (name string, ok bool) {
	all, err := os.ReadDir(filepath.Join(f.root, linkFolder))
	if err != nil {
		return "", false
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), id+"-") {
			return path.Join(linkFolder, e.Name()), true
		}
	}
	return "", false
}

// dropLinkFile removes a link's file that no document waits for.
func (f *Files) dropLinkFile(name string) error {
	p, err := f.inside(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweepLinkFiles removes the link files of documents that do not wait for one.
func (f *Files) sweepLinkFiles(waits func(id string) bool) error {
	left, err := os.ReadDir(filepath.Join(f.root, linkFolder))
	if err != nil {
		return err
	}
	for _, e := range left {
		if id, _, ok := strings.Cut(e.Name(), "-"); ok && waits(id) {
			continue
		}
		if err := f.dropLinkFile(path.Join(linkFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
