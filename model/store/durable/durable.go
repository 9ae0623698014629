// Package durable gives a file its name only once the file is whole and on disk. Whoever looks, after a kill or a
// power loss too, finds under the name what was there before or what was written, never a part of it.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// How says how Write names a file. The zero value is for a new file that only its owner may read.
type How struct {
	Replace bool        // a file that has the name gives way; otherwise it stays and Write returns fs.ErrExist
	Mode    fs.FileMode // 0600 if zero
}

// Write makes a file with what fill writes to it, or what others write to its path meanwhile. The file has the name
// when Write returns nil, and the name is on disk; after an error nothing of it is left. A kill on the way can leave
// a file .NAME.partial-* in the folder, which is of no use.
func Write(name string, how How, fill func(f *os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".partial-*")
	if err != nil {
		return ofName(err, name)
	}
	temp := f.Name()
	defer func() {
		err = ofName(err, name)
	}()
	defer func() {
		if rerr := os.Remove(temp); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	err = fill(f)
	if err == nil && how.Mode != 0 {
		err = f.Chmod(how.Mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if how.Replace {
		err = os.Rename(temp, name)
	} else {
		err = os.Link(temp, name) // a rename would replace what is there
	}
	if err != nil {
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// ofName makes an error speak of the name that a file was to have: nobody knows the temporary one.
func ofName(err error, name string) error {
	part := string(filepath.Separator) + "." + filepath.Base(name) + ".partial-"
	if file := (*fs.PathError)(nil); errors.As(err, &file) &&
		strings.Contains(string(filepath.Separator)+file.Path, part) {
		file.Path = name
	}
	if link := (*os.LinkError)(nil); errors.As(err, &link) && strings.Contains(string(filepath.Separator)+link.Old, part) {
		return &fs.PathError{Op: "create", Path: name, Err: link.Err}
	}
	return err
}

// Rename gives a file, which must be on disk, another name in the same folder. A file that has the name gives way.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir puts the names in a folder on disk: those that were given, and that others were taken away.
func SyncDir(dir string) error { return syncPath(dir, os.O_RDONLY) }

// SyncFile puts on disk what a file holds, whoever wrote it.
func SyncFile(name string) error { return syncPath(name, os.O_RDWR) }

func syncPath(name string, flag int) error {
	f, err := os.OpenFile(filepath.Clean(name), flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Free says how many bytes the file system that a path lies on still takes.
func Free(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil //nolint:gosec // no file system is that large
}
