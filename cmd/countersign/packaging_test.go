package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// The command that the docs print for verbs that need the daemon's secrets gives them to the verb, and runs nothing of
// what stands in the environment file.
func TestVerbsRunWithTheDaemonsEnvironment(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "env"), filepath.Join(dir, "program")
	env := "# a comment\n\nPLAIN=a b\nQUOTED=\"x y\"\nSINGLE='z'\nEQUALS=k==\nCOMMAND=$(touch ran)`touch ran`\nLAST=end"
	show := `printf '%s|' "$PLAIN" "$QUOTED" "$SINGLE" "$EQUALS" "$COMMAND" "$LAST" "$COUNTERSIGN_CONFIG" "$@"`
	for name, text := range map[string]string{file: env, program: "#!/bin/sh\n" + show} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("../../packaging/countersign-run")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", script, "config", "check it") //nolint:gosec,noctx // ours
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "COUNTERSIGN_USER=" + me.Username, "COUNTERSIGN_ENV=" + file,
		"COUNTERSIGN_PROGRAM=" + program}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "a b|x y|z|k==|$(touch ran)`touch ran`|end|/etc/countersign/config.yaml|config|check it|"
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("a line of the environment file was run")
	}
}

// A faulty config ends `systemctl reload` before the daemon is told.
func TestTheUnitChecksTheConfigBeforeAReload(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("../../packaging/countersign.service")
	if err != nil {
		t.Fatal(err)
	}
	var reload []string
	for line := range strings.Lines(string(unit)) {
		if after, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecReload="); ok {
			reload = append(reload, after)
		}
	}
	if len(reload) != 2 || !strings.HasPrefix(reload[0], "/usr/bin/countersign config check --config ") ||
		!strings.Contains(reload[1], "-HUP") {
		t.Errorf("ExecReload: %q", reload)
	}
}
