package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ErrThere says that a file is there that was not to be written over.
var ErrThere = errors.New("is there already")

// WriteNew writes a config that only we may read, and never over one that is there unless forced: that is ErrThere.
func WriteNew(file, text string, force bool) error {
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, how, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s %w: name another file, or --force", file, ErrThere)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(f, text)
	return errors.Join(err, f.Close())
}

// Quote is a string as it stands in a config, where a dollar sign is doubled.
func Quote(s string) string { return strconv.Quote(strings.ReplaceAll(s, "$", "$$")) }
