package main

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

	"countersign/model/store"
)

const (
	keySize = 32
	keyName = "COUNTERSIGN_KEY"
)

// errNoKey says that there is no installation key where one belongs.
var errNoKey = errors.New("no installation key")

// keyFile is where the installation key rests: key_file, or beside an SQLite database; "" where
// neither says.
func (c *Config) keyFile() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	if file, ok := c.sqliteFile(); ok {
		return filepath.Join(filepath.Dir(file), "countersign.key")
	}
	return ""
}

// sqliteFile is the database's file, where it is one.
func (c *Config) sqliteFile() (string, bool) { return strings.CutPrefix(c.Database, "sqlite:") }

// installationKey returns the key that secrets in the database are encrypted with: COUNTERSIGN_KEY,
// or what the key file holds. It is errNoKey where there is none.
func (a *app) installationKey(c *Config) ([]byte, error) {
	if text, set := a.lookup(keyName); set && text != "" {
		key, err := parseKey(text)
		if err != nil {
			return nil, usagef("%s %w", keyName, err)
		}
		return key, nil
	}
	file := c.keyFile()
	if file == "" {
		return nil, usagef("%w: PostgreSQL has no folder to keep it in; set key_file or %s", errNoKey, keyName)
	}
	text, err := readSecret(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%w: %s is not there; restore it from the backup, or set %s", errNoKey, file, keyName)
	}
	if err != nil {
		return nil, usagef("installation key: %w", err)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, usagef("%s %w", file, err)
	}
	return key, nil
}

// makeKey returns the installation key and makes one at the first start, when there is no database
// that another key may have been used on.
func (a *app) makeKey(c *Config) ([]byte, error) {
	key, err := a.installationKey(c)
	if !errors.Is(err, errNoKey) || c.keyFile() == "" {
		return key, err
	}
	if file, ok := c.sqliteFile(); ok {
		if _, there := os.Stat(file); there == nil {
			return nil, err
		}
	}
	return writeKey(c.keyFile())
}

// writeKey makes a key and keeps it in a new file that only we may read.
func writeKey(file string) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has its name, or is of no use
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	store.CrashPoint("key written")
	if err := os.Link(f.Name(), file); err != nil { // whole or not at all, and never over another key
		return nil, err
	}
	store.CrashPoint("key linked")
	return key, syncFolder(filepath.Dir(file))
}

// syncFolder makes a new name in a folder outlive a power loss.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// parseKey reads 32 bytes in base64 or hex. Its error never repeats them.
func parseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString, base64.URLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == keySize {
			return key, nil
		}
	}
	return nil, errors.New("is not a key: 32 bytes in base64 or hex, as `openssl rand -base64 32` makes")
}
