package sqlitefile

import (
	"os"
	"syscall"
)

// ID tells one file from another that took its name.
type ID struct {
	dev, inode uint64
}

// Identify returns the ID of the file that has a name now.
func Identify(path string) (ID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return ID{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}, nil
	}
	return ID{uint64(st.Dev), st.Ino}, nil //nolint:unconvert // Dev is int32 elsewhere
}
