package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"countersign/model/store/durable"
)

// LinkFileName returns where a link's file waits for the provider's confirmation. The name has the document's id and
// the file's hash, so that two files for one document do not collide.
func LinkFileName(id, sum string) string { return path.Join(linkFolder, id+"-"+sum[:16]+".pdf") }

// PutLinkFile gives a temporary file, already synced and closed, its place among the files that links brought.
func (f *Folder) PutLinkFile(_ context.Context, temp, name string) error {
	to, err := f.Path(name)
	if err != nil {
		return err
	}
	durable.CrashPoint("hold before rename")
	if err := f.system.Rename(temp, to); err != nil {
		return err
	}
	durable.CrashPoint("hold renamed")
	return f.syncFolder(filepath.Dir(to))
}

// PlaceLinkFile gives a link's file its name as a document. The name it waited under is gone then.
func (f *Folder) PlaceLinkFile(ctx context.Context, held, name, sum string) error {
	p, err := f.Path(held)
	if err != nil {
		return err
	}
	return f.Place(ctx, p, name, sum)
}

// LinkFileOf finds the waiting link file of a document by the document's id.
func (f *Folder) LinkFileOf(_ context.Context, id string) (name string, ok bool, err error) {
	all, err := os.ReadDir(filepath.Join(f.root, linkFolder))
	if err != nil {
		return "", false, nil // it is fetched again
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), id+"-") {
			return path.Join(linkFolder, e.Name()), true, nil
		}
	}
	return "", false, nil
}

// DropLinkFile removes a link file that no document needs any more.
func (f *Folder) DropLinkFile(_ context.Context, name string) error { return f.drop(name) }

// drop removes a file whose name need not be off the disk at once.
func (f *Folder) drop(name string) error {
	p, err := f.Path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SweepLinkFiles removes the link files of documents that do not wait for one.
func (f *Folder) SweepLinkFiles(_ context.Context, waits func(id string) bool) error {
	left, err := os.ReadDir(filepath.Join(f.root, linkFolder))
	if err != nil {
		return err
	}
	for _, e := range left {
		if id, _, ok := strings.Cut(e.Name(), "-"); ok && waits(id) {
			continue
		}
		if err := f.drop(path.Join(linkFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// arrivedName is the name of a whole file that could not be placed or checked yet, by the document's id and what the
// file was fetched as.
func arrivedName(id, as string) string {
	sum := sha256.Sum256([]byte(as))
	return path.Join(tempFolder, id+"-"+hex.EncodeToString(sum[:8])+".pdf")
}

// Leave puts a complete, synced temporary file aside for the next try, so that it need not be fetched again. The next
// start of the daemon removes it.
func (f *Folder) Leave(temp, id, as string) error {
	to, err := f.Path(arrivedName(id, as))
	if err != nil {
		return err
	}
	return f.system.Rename(temp, to)
}

// Arrived opens the file that Leave put aside; fs.ErrNotExist if there is none.
func (f *Folder) Arrived(id, as string) (*os.File, error) {
	return f.Open(context.Background(), arrivedName(id, as))
}

// DropArrived removes the file that Leave put aside, if there is one.
func (f *Folder) DropArrived(id, as string) error { return f.drop(arrivedName(id, as)) }
