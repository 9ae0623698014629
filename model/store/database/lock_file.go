package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockPath is the file beside the database whose system lock is ours: it goes with the process,
// however that ends.
func (d *DB) lockPath(name string) string { return d.path + "." + name + ".lock" }

func (d *DB) lockFile(_ context.Context, name string) (let func() error, alive func(context.Context) error, err error) {
	path := d.lockPath(name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, d.lockMode())
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
	alive = func(context.Context) error {
		now, err := os.Stat(path)
		if err == nil && !os.SameFile(mine, now) {
			err = fs.ErrNotExist
		}
		return err
	}
	if err := alive(context.Background()); err != nil { // removed between open and lock
		f.Close()
		return nil, nil, ErrLocked
	}
	return f.Close, alive, nil
}

// lockMode lets whoever may write the database take its locks.
func (d *DB) lockMode() fs.FileMode {
	info, err := os.Stat(d.path)
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}

func (d *DB) fileLocked(_ context.Context, name string) (bool, error) {
	f, err := os.Open(d.lockPath(name))
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

// LockFiles takes the locks of a SQLite database that need not be there or be whole: no daemon and no verb that
// asks providers uses it until release. ErrLocked if one does.
func LockFiles(path string) (release func() error, err error) {
	d := &DB{path: path}
	var locks []func() error
	release = func() (err error) {
		for _, let := range locks {
			err = errors.Join(err, let())
		}
		return err
	}
	for _, name := range []string{LockServe, LockWork} {
		let, _, err := d.lockFile(context.Background(), name)
		if err != nil {
			return nil, errors.Join(err, release())
		}
		locks = append(locks, let)
	}
	return release, nil
}
