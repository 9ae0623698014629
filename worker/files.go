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
)

// Files keeps documents in a folder. What is stored was synced, file and folder, before it got its
// name; a name is never given twice. Safe for concurrent use.
type Files struct{ root string }

const (
	tempFolder       = ".incoming"
	holdFolder       = ".hold"
	quarantineFolder = "quarantine"
)

// FilesIn reads a folder that may not be there.
func FilesIn(root string) *Files { return &Files{root: root} }

// OpenFiles makes the folder where it is missing and removes what a killed process left half written.
func OpenFiles(root string) (*Files, error) {
	f := &Files{root: root}
	for _, dir := range []string{tempFolder, holdFolder} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
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

// Keep gives a temporary file, already synced and closed, its name. fs.ErrExist if the name is taken.
func (f *Files) Keep(temp, name string) error {
	to, err := f.inside(name)
	if err != nil {
		return err
	}
	made, err := makeFolders(f.root, filepath.Dir(to))
	if err != nil {
		return err
	}
	if err := os.Link(temp, to); err != nil { // a rename would replace what is there
		return err
	}
	if err := os.Remove(temp); err != nil {
		return err
	}
	for _, dir := range append(made, filepath.Dir(to)) {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
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
func (f *Files) Free() (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(f.root, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil //nolint:gosec // no file system is that large
}

func (f *Files) inside(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("document path %q leaves the folder", name)
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}

// makeFolders makes dir below root and returns the folders that got a new entry.
func makeFolders(root, dir string) ([]string, error) {
	var touched []string
	for d := dir; len(d) > len(root); d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		touched = append(touched, filepath.Dir(d))
	}
	return touched, os.MkdirAll(dir, 0o700)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only synced
	return d.Sync()
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
