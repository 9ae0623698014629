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

// holdName is where a file waits for the provider's word: by the document's id and what it holds, so
// that two that came for one document do not meet.
func holdName(id, sum string) string { return path.Join(holdFolder, id+"-"+sum[:16]+".pdf") }

// Hold gives a temporary file, already synced and closed, its place in the hold folder.
func (f *Files) Hold(temp, name string) error {
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

// Holds finds the file that is held for a document, by the document's id.
func (f *Files) Holds(id string) (name string, ok bool) {
	all, err := os.ReadDir(filepath.Join(f.root, holdFolder))
	if err != nil {
		return "", false
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), id+"-") {
			return path.Join(holdFolder, e.Name()), true
		}
	}
	return "", false
}

// dropHeld removes a held file that nobody waits for.
func (f *Files) dropHeld(name string) error {
	p, err := f.inside(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweepHold removes the held files of documents that do not wait for one.
func (f *Files) sweepHold(waits func(id string) bool) error {
	left, err := os.ReadDir(filepath.Join(f.root, holdFolder))
	if err != nil {
		return err
	}
	for _, e := range left {
		if id, _, ok := strings.Cut(e.Name(), "-"); ok && waits(id) {
			continue
		}
		if err := f.dropHeld(path.Join(holdFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
