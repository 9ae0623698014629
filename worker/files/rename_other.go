//go:build !linux

package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// renameNew is not known to this system.
func renameNew(from, to string) error {
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: unix.ENOTSUP}
}
