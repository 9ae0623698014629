package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/cmd/countersign/config"
)

// vars is an environment of its own.
func vars(all map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := all[name]; return v, ok }
}

func TestInstallationKey(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte{7}, 32)
	for _, text := range []string{
		hex.EncodeToString(want), base64.StdEncoding.EncodeToString(want) + "\n", base64.RawStdEncoding.EncodeToString(want),
	} {
		lookup := vars(map[string]string{Variable: text})
		if key, err := LoadOrMake(&config.Config{Database: "postgres://x/y"}, lookup); err != nil ||
			!bytes.Equal(key[0], want) {
			t.Errorf("key of the environment: %v", err)
		}
	}
	for _, text := range []string{"s3cret", hex.EncodeToString(want[1:]), strings.Repeat("z", 64)} {
		lookup := vars(map[string]string{Variable: text})
		if _, err := LoadOrMake(&config.Config{}, lookup); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("key %q: %v", text, err)
		}
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	lookup := vars(nil)
	dir := filepath.Join(t.TempDir(), "new")
	c := &config.Config{Database: "sqlite:" + filepath.Join(dir, "x.db")}
	first, err := LoadOrMake(c, lookup)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "countersign.key")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's file: %v, %v", info, err)
	}
	if again, err := LoadOrMake(c, lookup); err != nil || !bytes.Equal(first[0], again[0]) || len(first[0]) != Size {
		t.Errorf("the key changed: %v", err)
	}
	if err := errors.Join(os.Remove(file), os.WriteFile(filepath.Join(dir, "x.db"), []byte("rows"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrMake(c, lookup); !errors.Is(err, ErrNone) {
		t.Errorf("a database whose key is lost gets another: %v", err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrMake(c, lookup); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken key file: %v", err)
	}
	if _, err := LoadOrMake(&config.Config{Database: "postgres://x/y"}, lookup); !errors.Is(err, ErrNone) {
		t.Errorf("PostgreSQL without a key: %v", err)
	}
}
