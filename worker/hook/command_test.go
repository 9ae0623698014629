package hook_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/worker/hook"
)

// program writes a shell script; the hook itself uses no shell.
func program(t *testing.T, text string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+strings.ReplaceAll(text, "DIR", dir)), 0o700)) //nolint:gosec // it is run
	return path, dir
}

func ran(t *testing.T, timeout time.Duration, args ...string) hook.Answer {
	t.Helper()
	return hook.Command{Args: args, Timeout: timeout}.Sender()(t.Context(), eventOf(t))
}

func TestAProgramGetsTheEventAndLittleElse(t *testing.T) {
	t.Setenv("COUNTERSIGN_KEY", "a secret of the daemon")
	path, dir := program(t, `cat >DIR/event; env >DIR/env; pwd >DIR/pwd; echo "$1" >DIR/argument`)
	require.Equal(t, hook.Answer{Taken: true, Note: "exit 0"}, ran(t, time.Minute, path, "$(id) *"))
	e := eventOf(t)
	for name, want := range map[string]string{"event": string(e.Body) + "\n", "pwd": "/\n", "argument": "$(id) *\n"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	require.NoError(t, err)
	require.NotContains(t, string(env), "COUNTERSIGN_KEY")
	require.Contains(t, string(env), "COUNTERSIGN_EVENT_ID="+e.ID+"\n")
	require.LessOrEqual(t, strings.Count(string(env), "\n"), 8) // the shell adds a few of its own
}

func TestAProgramThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	path, _ := program(t, "echo out; echo no such customer >&2; exit 7")
	a := ran(t, time.Minute, path)
	require.False(t, a.Taken)
	require.Equal(t, "exit 7: out no such customer", a.Note)
	require.Contains(t, ran(t, time.Minute, "/nowhere/at/all").Note, "no such file")
	path, _ = program(t, "kill -9 $$")
	require.Contains(t, ran(t, time.Minute, path).Note, "killed")
	path, _ = program(t, "exit 0") // without reading the event
	require.True(t, ran(t, time.Minute, path).Taken)
}

// A program that is not done in time is killed with what it has started, and one that writes without end too.
func TestAProgramIsKilledWithItsGroup(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"time":                                 {"sleep 600 & echo $! >DIR/child; sleep 600", "not done within 1s"},
		"output":                               {"sleep 600 & echo $! >DIR/child; yes", "wrote more than"},
		"leaves a child that holds its output": {"sleep 600 & echo $! >DIR/child; exit 3", "exit 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, dir := program(t, test.text)
			began := time.Now()
			a := ran(t, time.Second, path)
			require.False(t, a.Taken)
			if name != "leaves a child that holds its output" {
				require.Contains(t, a.Note, test.want)
			}
			require.Less(t, time.Since(began), 30*time.Second)
			text, err := os.ReadFile(filepath.Join(dir, "child"))
			require.NoError(t, err)
			child, err := strconv.Atoi(strings.TrimSpace(string(text)))
			require.NoError(t, err)
			require.Eventually(t, func() bool { return gone(child) }, 20*time.Second, 10*time.Millisecond, "the child lives")
		})
	}
}

// What a program leaves behind holds its output open: the program has ended all the same, with 0.
func TestAProgramThatLeavesAChildHasTakenTheEvent(t *testing.T) {
	t.Parallel()
	path, _ := program(t, "sleep 600 & exit 0")
	require.Equal(t, hook.Answer{Taken: true, Note: "exit 0"}, ran(t, time.Minute, path))
}

// gone says whether a process has ended, reaped or not.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestAProgramEndsWithTheDaemon(t *testing.T) {
	t.Parallel()
	path, dir := program(t, "echo >DIR/began; sleep 600")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(dir, "began")); err == nil {
				cancel()
				return
			}
		}
	}()
	a := hook.Command{Args: []string{path}, Timeout: time.Minute}.Sender()(ctx, eventOf(t))
	require.Equal(t, hook.Answer{Note: "the daemon stopped before it was done"}, a)
}
