// Package keyfile has the installation key: where it rests, how it is read, made and changed.
package keyfile

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/output"
	"countersign/model/store/durable"
)

// What a key is, and where the environment holds some.
const (
	Size     = 32                // bytes of a key
	Variable = "COUNTERSIGN_KEY" // where the environment holds keys
)

// ErrNone says that there is no installation key where one belongs.
var ErrNone = errors.New("no installation key")

// Load returns the current key and those before it: COUNTERSIGN_KEY, or what the key file holds. It is
// ErrNoKey where there is none.
func Load(c *config.Config, lookup func(string) (string, bool)) ([][]byte, error) {
	if text, set := lookup(Variable); set && text != "" {
		key, err := parseKeys(text)
		if err != nil {
			return nil, output.Usagef("%s %w", Variable, err)
		}
		return key, nil
	}
	file := c.InstallationKeyFile()
	if file == "" {
		return nil, output.Usagef("%w: PostgreSQL has no folder to keep it in; set key_file or %s", ErrNone, Variable)
	}
	text, err := tree.ReadSecret(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, output.Usagef("%w: %s is not there; restore it from the backup, or set %s", ErrNone, file, Variable)
	}
	if err != nil {
		return nil, output.Usagef("installation key: %w", err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, output.Usagef("%s %w", file, err)
	}
	return keys, nil
}

// LoadOrMake returns the installation keys and makes one at the first start, when there is no database
// that another key may have been used on.
func LoadOrMake(c *config.Config, lookup func(string) (string, bool)) ([][]byte, error) {
	key, err := Load(c, lookup)
	if !errors.Is(err, ErrNone) || c.InstallationKeyFile() == "" {
		return key, err
	}
	if file, ok := c.SQLiteFile(); ok {
		if _, there := os.Stat(file); there == nil {
			return nil, err
		}
	}
	key = [][]byte{New()}
	return key, writeKeys(c.InstallationKeyFile(), key)
}

// New makes an installation key.
func New() []byte {
	key := make([]byte, Size)
	rand.Read(key) //nolint:errcheck // it never fails: the program ends before
	return key
}

// writeKeys makes a new key file, which only we may read, the current key first. It never replaces other keys.
func writeKeys(file string, keys [][]byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := durable.Write(file, durable.How{}, func(f *os.File) error { return printKeys(f, keys) }); err != nil {
		return err
	}
	durable.CrashPoint("key linked")
	return nil
}

func printKeys(f *os.File, keys [][]byte) error {
	for _, key := range keys {
		if _, err := fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key)); err != nil {
			return err
		}
	}
	durable.CrashPoint("key written")
	return nil
}

// Replace puts other keys in the place of those in a key file, at once: whoever reads it meanwhile, or after a power
// loss, finds the ones or the others. Its rights and its owner stay.
func Replace(file string, keys [][]byte) error {
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return durable.Write(file, durable.How{Replace: true, Mode: info.Mode().Perm()}, func(f *os.File) error {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
				return err
			}
		}
		return printKeys(f, keys)
	})
}

// parseKeys reads one key or several, apart by spaces, commas or lines.
func parseKeys(text string) ([][]byte, error) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(parts) == 0 {
		parts = []string{""}
	}
	keys := make([][]byte, len(parts))
	for i, part := range parts {
		key, err := parseKey(part)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// parseKey reads 32 bytes in base64 or hex. Its error never repeats them.
func parseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == Size {
			return key, nil
		}
	}
	return nil, errors.New("is not a key: 32 bytes in base64 or hex, as `openssl rand -base64 32` makes")
}
