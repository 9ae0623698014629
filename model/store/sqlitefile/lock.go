package sqlitefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrLocked says that somebody has a lock.
var ErrLocked = errors.New("lock is held")

// LockPath is the file beside the database whose system lock is ours: it goes with the process,
// however that ends.
func LockPath(path, name string) string { return path + "." + name + ".lock" }

// Lock takes a lock of a database, which need not be there, or says that it is taken (ErrLocked). let gives it back,
// alive says whether it is still ours.
func Lock(database, name string) (let, alive func() error, err error) {
	path := LockPath(database, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, lockMode(database))
	if err != nil {
		return nil, nil, fmt.Errorf("lock: %w", err)
	}
	if err := flock(f, unix.LOCK_EX); err != nil {
		f.Close()
		return nil, nil, err
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	alive = func() error {
		now, err := os.Stat(path)
		if err == nil && !os.SameFile(mine, now) {
			err = fs.ErrNotExist
		}
		return err
	}
	if err := alive(); err != nil { // removed between open and lock
		f.Close()
		return nil, nil, ErrLocked
	}
	return f.Close, alive, nil
}

// lockMode lets whoever may write the database take its locks.
func lockMode(database string) fs.FileMode {
	info, err := os.Stat(database)
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}

// Locked says whether somebody has a lock of a database.
func Locked(database, name string) (bool, error) {
	f, err := os.Open(LockPath(database, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock: %w", err)
	}
	defer f.Close()
	err = flock(f, unix.LOCK_SH)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	return false, err
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB) //nolint:gosec // a descriptor fits
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}

// LockAll takes locks of a database that need not be there or be whole: nobody has any of them until release. ErrLocked
// if somebody does.
func LockAll(path string, names ...string) (release func() error, err error) {
	var locks []func() error
	release = func() (err error) {
		for _, let := range locks {
			err = errors.Join(err, let())
		}
		return err
	}
	for _, name := range names {
		let, _, err := Lock(path, name)
		if err != nil {
			return nil, errors.Join(err, release())
		}
		locks = append(locks, let)
	}
	return release, nil
}
