package engine

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

// testEnv has an environment of its own.
func testEnv(vars map[string]string) (a *Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = NewEnv(strings.NewReader(""), stdout, stderr, nil)
	a.Lookup = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	return a, stdout, stderr
}

func TestInstallationKey(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte{7}, 32)
	for _, text := range []string{
		hex.EncodeToString(want), base64.StdEncoding.EncodeToString(want) + "\n", base64.RawStdEncoding.EncodeToString(want),
	} {
		a, _, _ := testEnv(map[string]string{KeyVariable: text})
		if key, err := a.makeKey(&config.Config{Database: "postgres://x/y"}); err != nil || !bytes.Equal(key[0], want) {
			t.Errorf("key of the environment: %v", err)
		}
	}
	for _, text := range []string{"s3cret", hex.EncodeToString(want[1:]), strings.Repeat("z", 64)} {
		a, _, _ := testEnv(map[string]string{KeyVariable: text})
		if _, err := a.makeKey(&config.Config{}); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("key %q: %v", text, err)
		}
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	a, _, _ := testEnv(nil)
	dir := filepath.Join(t.TempDir(), "new")
	c := &config.Config{Database: "sqlite:" + filepath.Join(dir, "x.db")}
	first, err := a.makeKey(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "countersign.key")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's file: %v, %v", info, err)
	}
	if again, err := a.makeKey(c); err != nil || !bytes.Equal(first[0], again[0]) || len(first[0]) != KeySize {
		t.Errorf("the key changed: %v", err)
	}
	if err := errors.Join(os.Remove(file), os.WriteFile(filepath.Join(dir, "x.db"), []byte("rows"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.makeKey(c); !errors.Is(err, ErrNoKey) {
		t.Errorf("a database whose key is lost gets another: %v", err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.makeKey(c); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a broken key file: %v", err)
	}
	if _, err := a.makeKey(&config.Config{Database: "postgres://x/y"}); !errors.Is(err, ErrNoKey) {
		t.Errorf("PostgreSQL without a key: %v", err)
	}
}
