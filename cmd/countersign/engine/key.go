package engine

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
	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

const (
	KeySize     = 32
	KeyVariable = "COUNTERSIGN_KEY"
)

// ErrNoKey says that there is no installation key where one belongs.
var ErrNoKey = errors.New("no installation key")

// InstallationKey returns the key that secrets in the database are encrypted with.
func (a *Env) InstallationKey(c *config.Config) ([]byte, error) {
	keys, err := a.InstallationKeys(c)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// InstallationKeys returns the current key and those before it: COUNTERSIGN_KEY, or what the key file holds. It is
// errNoKey where there is none.
func (a *Env) InstallationKeys(c *config.Config) ([][]byte, error) {
	if text, set := a.Lookup(KeyVariable); set && text != "" {
		key, err := parseKeys(text)
		if err != nil {
			return nil, output.Usagef("%s %w", KeyVariable, err)
		}
		return key, nil
	}
	file := c.InstallationKeyFile()
	if file == "" {
		return nil, output.Usagef("%w: PostgreSQL has no folder to keep it in; set key_file or %s", ErrNoKey, KeyVariable)
	}
	text, err := config.ReadSecret(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, output.Usagef("%w: %s is not there; restore it from the backup, or set %s", ErrNoKey, file, KeyVariable)
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

// makeKey returns the installation key and makes one at the first start, when there is no database
// that another key may have been used on.
func (a *Env) makeKey(c *config.Config) ([][]byte, error) {
	key, err := a.InstallationKeys(c)
	if !errors.Is(err, ErrNoKey) || c.InstallationKeyFile() == "" {
		return key, err
	}
	if file, ok := c.SQLiteFile(); ok {
		if _, there := os.Stat(file); there == nil {
			return nil, err
		}
	}
	key = [][]byte{NewKey()}
	return key, writeKeys(c.InstallationKeyFile(), key)
}

// NewKey makes an installation key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) //nolint:errcheck // it never fails: the program ends before
	return key
}

// writeKeys keeps keys in a new file that only we may read, the current one first.
func writeKeys(file string, keys [][]byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	for _, key := range keys {
		_, werr := fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key))
		err = errors.Join(err, werr)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has its name, or is of no use
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	store.CrashPoint("key written")
	if err := os.Link(f.Name(), file); err != nil { // whole or not at all, and never over another key
		return err
	}
	store.CrashPoint("key linked")
	return SyncFolder(filepath.Dir(file))
}

// ReplaceKeys puts other keys in the place of those in a key file, at once: whoever reads it meanwhile, or after a power
// loss, finds the ones or the others. Its rights and its owner stay.
func ReplaceKeys(file string, keys [][]byte) error {
	if to, err := filepath.EvalSymlinks(file); err == nil {
		file = to
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	next := file + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeKeys(next, keys); err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		err = os.Chown(next, int(st.Uid), int(st.Gid))
	}
	if err = errors.Join(err, os.Chmod(next, info.Mode().Perm())); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, file); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(file))
}

// SyncFolder makes a new name in a folder outlive a power loss.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
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
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.URLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == KeySize {
			return key, nil
		}
	}
	return nil, errors.New("is not a key: 32 bytes in base64 or hex, as `openssl rand -base64 32` makes")
}
