package config

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// IsText says whether a file begins as text does: a config, whole or not, and neither a database nor a key.
func IsText(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head = head[:n]
	for cut := 0; cut < utf8.UTFMax && len(head) == 4096-cut && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1] // a letter that the bound cut in two
	}
	return utf8.Valid(head) && bytes.IndexByte(head, 0) < 0, nil
}

// Quote is a string as it stands in a config, where a dollar sign is doubled.
func Quote(s string) string { return strconv.Quote(strings.ReplaceAll(s, "$", "$$")) }
