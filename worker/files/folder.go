// Package files is the document folder: temporary files, files that links brought, documents under their names and in
// quarantine. What has its name is on disk, as far as the file system can say so, and a name is never given twice.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"countersign/model/store/durable"
)

// Folder is a document folder. Safe for concurrent use.
type Folder struct {
	root   string
	system System
}

const (
	tempFolder       = ".incoming"
	linkFolder       = ".hold" // files that links brought, until the provider confirms
	quarantineFolder = "quarantine"
)

// At returns a folder that may not exist yet.
func At(root string) *Folder { return On(root, OS()) }

// On is At with another file system than the machine's own, for tests.
func On(root string, system System) *Folder {
	return &Folder{root: filepath.Clean(root), system: system}
}

// Open creates the folder and the daemon's own folders in it, where they are missing.
func Open(root string) (*Folder, error) {
	f := At(root)
	return f, f.Make()
}

// Make makes the folder where it is missing.
func (f *Folder) Make() error {
	for _, dir := range []string{tempFolder, linkFolder} {
		if err := os.MkdirAll(filepath.Join(f.root, dir), 0o700); err != nil {
			return fmt.Errorf("document folder: %w", err)
		}
	}
	for _, dir := range []string{f.root, filepath.Dir(f.root)} { // some folders may not be readable, or not be synced
		if err := f.syncFolder(dir); errors.Is(err, unix.EIO) {
			return fmt.Errorf("document folder: %w", err)
		}
	}
	return nil
}

// Sweep removes the temporary files that killed processes left: those last written before a time. Only a process that
// has the work lock alone may have it remove younger ones than any download takes.
func (f *Folder) Sweep(before time.Time) error {
	left, err := os.ReadDir(filepath.Join(f.root, tempFolder))
	if err != nil {
		return err
	}
	for _, e := range left {
		if info, err := e.Info(); err != nil || info.ModTime().After(before) {
			continue // gone meanwhile, or in work
		}
		if err := os.Remove(filepath.Join(f.root, tempFolder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Temp opens a temporary file in the folder's own file system.
func (f *Folder) Temp() (*os.File, error) {
	return newTemp(filepath.Join(f.root, tempFolder), "document-*")
}

// newTemp makes a temporary file. Its error names the folder, since the file's own random name helps nobody.
func newTemp(folder, pattern string) (*os.File, error) {
	f, err := os.CreateTemp(folder, pattern)
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		of.Path = folder
	}
	return f, err
}

// Place gives a temporary file, already synced and closed, its name. fs.ErrExist if the name is taken.
func (f *Folder) Place(_ context.Context, temp, name, _ string) error {
	to, err := f.Path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	durable.CrashPoint("keep before link")
	linked, err := f.give(temp, to)
	if err != nil {
		return err
	}
	durable.CrashPoint("keep linked")
	if err := f.syncNames(to); err != nil { // the temporary file stays, so that the next try need not fetch it again
		return err
	}
	if linked {
		err = os.Remove(temp)
	}
	durable.CrashPoint("keep unlinked")
	return err
}

// Secure makes sure that the name of an already named file is on disk: the process that named it may have been killed,
// or have failed, before that.
func (f *Folder) Secure(_ context.Context, name string) error {
	p, err := f.Path(name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(p, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.syncFile(file), file.Close()); err != nil {
		return err
	}
	return f.syncNames(p)
}

// Copy gives a stored file a second name, on disk once Copy returns. Where the file system has no second names, the
// second name is a copy of the content. fs.ErrExist if the name is taken.
func (f *Folder) Copy(ctx context.Context, from, name string) error {
	old, err := f.Path(from)
	if err != nil {
		return err
	}
	to, err := f.Path(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := f.system.Link(old, to); !cannot(err) {
		if err == nil {
			err = f.syncNames(to)
		}
		return err
	}
	return f.copyContent(ctx, old, name)
}

func (f *Folder) copyContent(ctx context.Context, old, name string) error {
	in, err := os.Open(filepath.Clean(old))
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	temp, err := f.Temp()
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // mostly gone already
	_, err = io.Copy(temp, in)
	if err == nil {
		err = f.syncFile(temp)
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return f.Place(ctx, temp.Name(), name, "")
}

// Drop removes a name. A name that does not exist is no error.
func (f *Folder) Drop(_ context.Context, name string) error {
	p, err := f.Path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return f.syncFolder(filepath.Dir(p))
}

// syncNames puts a file's name on disk, and the names of the folders above it: the process that created one of those
// may have been killed before syncing it.
func (f *Folder) syncNames(file string) error {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if err := f.syncFolder(dir); err != nil {
			return err
		}
		if len(dir) <= len(f.root) {
			return nil
		}
	}
}

// Open reads a stored file. fs.ErrNotExist if it is gone.
func (f *Folder) Open(_ context.Context, name string) (*os.File, error) {
	p, err := f.Path(name)
	if err != nil {
		return nil, err
	}
	return os.Open(p)
}

// Hash reads a stored file through and returns its SHA-256 and size.
func (f *Folder) Hash(ctx context.Context, name string) (string, int64, error) {
	in, err := f.Open(ctx, name)
	if err != nil {
		return "", 0, err
	}
	defer in.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// Taken is Hash for a name that is about to be given. An empty file that a killed process left counts as absent
// (fs.ErrNotExist), since it is replaced.
func (f *Folder) Taken(ctx context.Context, name string) (string, error) {
	sum, size, err := f.Hash(ctx, name)
	if err == nil && size == 0 {
		return "", fs.ErrNotExist
	}
	return sum, err
}

// Sync puts a temporary file on disk.
func (f *Folder) Sync(file *os.File) error { return f.syncFile(file) }

// Ready is nil: what keeps a folder from taking a file shows when it is written.
func (f *Folder) Ready(context.Context) error { return nil }

// Free returns how many bytes are free in the folder's file system.
func (f *Folder) Free() (int64, error) { return durable.Free(f.root) }

// Path is where a name of the folder lies in the file system.
func (f *Folder) Path(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("document path %q leaves the folder", name)
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}
