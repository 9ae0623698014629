package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// System is what a folder asks of its file system besides reading and writing. Not every one can do all of it: shares
// and memory cards have no hard links, and mounted clouds sync no folders.
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

// cannot says whether an error means that the file system has no such operation, for any file.
func cannot(err error) bool {
	lacking := []unix.Errno{unix.ENOTSUP, unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.ENOTTY, unix.EMLINK}
	for _, number := range lacking {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}

// give gives a file, already on disk, a name that none may have, in the best way that the file system knows. linked
// says that the file has its old name too.
func (f *Folder) give(temp, to string) (linked bool, err error) {
	info, err := os.Lstat(to)
	if err == nil && info.Mode().IsRegular() && info.Size() == 0 { // a kill left it: see reserve
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

// reserve takes a name with an empty file of ours and lets the file replace that. A kill in between leaves the empty
// file, which is no document and gives way.
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

// Lost tries out what the folder's file system cannot do, and says what is lost by it, a sentence each; none where
// nothing is. The folder must be there and writable.
func (f *Folder) Lost() (lost []string, err error) {
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
		return lost, err // documents are renamed into their place: nothing is lost
	}
	lost = append(lost, "no hard links, and no rename that replaces nothing: "+
		"a file that another program puts at a document's name in the same instant is replaced")
	return lost, nil
}
