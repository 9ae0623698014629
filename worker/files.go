package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"countersign/model/store/durable"
)

// Files keeps documents in a folder. What is stored was synced, file and folder, before it got its
// name; a name is never given twice. Safe for concurrent use.
type Files struct {
	root string
	sync func(*os.File) error // puts a file or a folder on disk
}

const (
	tempFolder       = ".incoming"
	linkFolder       = ".hold" // files that links brought, until the provider confirms
	quarantineFolder = "quarantine"
)

// FilesIn reads a folder that may not be there.
func FilesIn(root string) *Files { return &Files{root: filepath.Clean(root), sync: (*os.File).Sync} }

// OpenFiles makes the folder, with those inside that are the daemon's own, where it is missing.
func OpenFiles(root string) (*Files, error) {
	f := FilesIn(root)
	for _, dir := range []string{tempFolder, linkFolder} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return nil, fmt.Errorf("document folder: %w", err)
		}
	}
	for _, dir := range []string{f.root, filepath.Dir(f.root)} { // where one was just made; some may not be read, or not be synced
		if err := f.syncDir(dir); errors.Is(err, unix.EIO) {
			return nil, fmt.Errorf("document folder: %w", err)
		}
	}
	return f, nil
}

// Sweep removes what a killed process left half written. Only the process that holds the work lock
// may call it.
func (f *Files) Sweep() error {
	left, err := os.ReadDir(filepath.Join(f.root, tempFolder))
	if err != nil {
		return err
	}
	for _, e := range left {
		if err := os.Remove(filepath.Join(f.root, tempFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Temp opens a temporary file in the folder's own file system.
func (f *Files) Temp() (*os.File, error) {
	return os.CreateTemp(filepath.Join(f.root, tempFolder), "document-*")
}

// Place gives a temporary file, already synced and closed, its name. fs.ErrExist if the name is taken.
func (f *Files) Place(temp, name string) error {
	to, err := f.inside(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	durable.CrashPoint("keep before link")
	if err := os.Link(temp, to); err != nil { // a rename would replace what is there
		return err
	}
	durable.CrashPoint("keep linked")
	if err := os.Remove(temp); err != nil {
		return err
	}
	durable.CrashPoint("keep unlinked")
	return f.syncNames(to)
}

// Secure makes sure of a file that already has its name: who gave it may have been killed, or have failed, before the
// name was on disk.
func (f *Files) Secure(name string) error {
	p, err := f.inside(name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(p, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.sync(file), file.Close()); err != nil {
		return err
	}
	return f.syncNames(p)
}

// link gives a stored file a second name, on disk once it returns. fs.ErrExist if the name is taken.
func (f *Files) link(from, name string) error {
	old, err := f.inside(from)
	if err != nil {
		return err
	}
	to, err := f.inside(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Link(old, to); err != nil {
		return err
	}
	return f.syncNames(to)
}

// drop takes a name away for good. One that is gone is no error.
func (f *Files) drop(name string) error {
	p, err := f.inside(name)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return f.syncDir(filepath.Dir(p))
}

// syncNames puts a file's name on disk, and those of the folders above it: who made one of them may not have come
// to sync it.
func (f *Files) syncNames(file string) error {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if err := f.syncDir(dir); err != nil {
			return err
		}
		if len(dir) <= len(f.root) {
			return nil
		}
	}
}

// Open reads a stored file. fs.ErrNotExist if it is gone.
func (f *Files) Open(name string) (*os.File, error) {
	p, err := f.inside(name)
	if err != nil {
		return nil, err
	}
	return os.Open(p)
}

// Hash reads a stored file through and returns its SHA-256 and size.
func (f *Files) Hash(name string) (string, int64, error) {
	in, err := f.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer in.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// Free says how many bytes the folder's file system still takes.
func (f *Files) Free() (int64, error) { return durable.Free(f.root) }

func (f *Files) inside(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("document path %q leaves the folder", name)
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}

func (f *Files) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only synced
	return f.sync(d)
}

// documentPath is where a document lies: ACCOUNT/YYYY/MM/REF/DOCUMENT.pdf, from the second version
// on DOCUMENT.v2.pdf. The month is of the transaction's creation.
func documentPath(account, ref, doc string, created time.Time, version int) string {
	suffix := ".pdf"
	if version > 1 {
		suffix = fmt.Sprintf(".v%d.pdf", version)
	}
	return path.Join(part(account), created.UTC().Format("2006"), created.UTC().Format("01"), part(ref), part(doc)+suffix)
}

// part makes one path part of an opaque string: what is not plain is percent-encoded, and a part
// over 120 bytes is its first 100, ~ and 16 hex of its SHA-256. Different strings stay different.
func part(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '=' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	out := b.String()
	if out == "" {
		return "%"
	}
	if len(out) > 120 {
		sum := sha256.Sum256([]byte(out))
		return out[:100] + "~" + hex.EncodeToString(sum[:8])
	}
	return out
}
