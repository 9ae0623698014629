package engine

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A daemon whose file is away must not go on with another one that lies where a config may lie.
func TestAReloadReadsTheFileThatTheDaemonStartedWith(t *testing.T) {
	dir := t.TempDir()
	mine, other := filepath.Join(dir, "mine.yaml"), filepath.Join(dir, "other.yaml")
	for _, file := range []string{mine, other} {
		if err := os.WriteFile(file, []byte("accounts: []\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]string{"COUNTERSIGN_CONFIG": mine}
	env := NewEnv(strings.NewReader(""), io.Discard, io.Discard, nil)
	env.Lookup = func(name string) (string, bool) { v, ok := found[name]; return v, ok }
	c, err := env.Config()
	if err != nil {
		t.Fatal(err)
	}
	env.started = c.File()
	found["COUNTERSIGN_CONFIG"] = other
	if c, err = env.Config(); err != nil || c.File() != mine {
		t.Fatalf("%v, %v", c, err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Config(); err == nil || !strings.Contains(err.Error(), mine) {
		t.Errorf("the file that is away: %v", err)
	}
}
