package store

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
func (s *Store) lockPath(name string) string { return s.path + "." + name + ".lock" }

func (s *Store) lockFile(_ context.Context, name string) (let func() error, alive func(context.Context) error, err error) {
	path := s.lockPath(name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, s.lockMode())
	if err != nil {
		return nil, nil, fmt.Errorf("lock: %w", err)
	}
	if err := flock(f, unix.LOCK_EX); err != nil {
		f.Close() //nolint:errcheck // nothing was written
		return nil, nil, err
	}
	mine, err := f.Stat()
	if err != nil {
		f.Close() //nolint:errcheck // nothing was written
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
		f.Close() //nolint:errcheck // nothing was written
		return nil, nil, ErrHeld
	}
	return f.Close, alive, nil
}

// lockMode lets whoever may write the database take its locks.
func (s *Store) lockMode() fs.FileMode {
	info, err := os.Stat(s.path)
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}

func (s *Store) fileHeld(_ context.Context, name string) (bool, error) {
	f, err := os.Open(s.lockPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	err = flock(f, unix.LOCK_SH)
	if errors.Is(err, ErrHeld) {
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
			return ErrHeld
		default:
			return err
		}
	}
}
