package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// System is the set of file system operations, besides reading and writing, that a folder needs. Not every file system
// has all of them: network shares and memory cards have no hard links, and cloud mounts do not sync folders.
type System struct {
	Link       func(from, to string) error // a second name; fs.ErrExist if it is taken
	RenameNew  func(from, to string) error // another name; fs.ErrExist if it is taken
	Rename     func(from, to string) error // another name; what has it gives way
	SyncFile   func(*os.File) error
	SyncFolder func(*os.File) error
}

// OS is the system that the program runs on.
func OS() System {
	sync := (*os.File).Sync
	return System{Link: os.Link, RenameNew: renameNew, Rename: os.Rename, SyncFile: sync, SyncFolder: sync}
}

// cannot reports whether an error means that the file system lacks an operation for every file.
func cannot(err error) bool {
	lacking := []unix.Errno{unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.ENOTTY, unix.EMLINK}
	for _, number := range lacking {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}

// give names a file that is already on disk, and never replaces another file, by the best operation that the file
// system has. linked reports that the file has its old name as well.
func (f *Folder) give(temp, to string) (linked bool, err error) {
	info, err := os.Lstat(to)
	if err == nil && info.Mode().IsRegular() && info.Size() == 0 { // a killed process left it: see reserve
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	if err = f.system.Link(temp, to); !cannot(err) { // a plain rename would replace what is there
		return err == nil, err
	}
	if err = f.system.RenameNew(temp, to); !cannot(err) {
		return false, err
	}
	return false, f.reserve(temp, to)
}

// reserve creates an empty file under the name and then replaces it by the file. A kill in between leaves the empty
// file, which counts as no document and is replaced later.
func (f *Folder) reserve(temp, to string) error {
	empty, err := os.OpenFile(filepath.Clean(to), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = empty.Close(); err == nil {
		err = f.system.Rename(temp, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// syncFile puts a file on disk, where the file system can.
func (f *Folder) syncFile(file *os.File) error {
	if err := f.system.SyncFile(file); !cannot(err) {
		return err
	}
	return nil
}

// syncFolder puts the names in a folder on disk, where the file system can.
func (f *Folder) syncFolder(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only synced
	if err := f.system.SyncFolder(d); !cannot(err) {
		return err
	}
	return nil
}

// Lost tests the folder's file system and returns, a sentence each, what is lost by the operations that it lacks. The
// folder must exist and be writable.
func (f *Folder) Lost(context.Context) (lost []string, err error) {
	one, err := newTemp(f.root, ".tried-*")
	if err != nil {
		return nil, err
	}
	other := one.Name() + "-2"
	defer func() {
		err = errors.Join(err, one.Close())
		for _, name := range []string{one.Name(), other} {
			if rerr := os.Remove(name); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}()
	err = f.system.SyncFile(one)
	if cannot(err) {
		lost = append(lost, "files cannot be synced: a power cut may take the content of files stored shortly before")
	} else if err != nil {
		return nil, err
	}
	dir, err := os.Open(f.root)
	if err != nil {
		return nil, err
	}
	err = f.system.SyncFolder(dir)
	dir.Close() //nolint:errcheck // only synced
	if cannot(err) {
		lost = append(lost, "folders cannot be synced: a power cut may take the names of files stored shortly before")
	} else if err != nil {
		return nil, err
	}
	if err = f.system.Link(one.Name(), other); err == nil || !cannot(err) {
		return lost, err
	}
	if err = f.system.RenameNew(one.Name(), other); err == nil || !cannot(err) {
		return lost, err // documents can be renamed into place, so nothing is lost
	}
	lost = append(lost, "no hard links, and no rename that replaces nothing: "+
		"a file that another program puts at a document's name in the same instant is replaced")
	return lost, nil
}
