package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// TestMain lets the parent start this program as its child.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != Verb {
		os.Exit(m.Run())
	}
	if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// checkBytes has a child process look into a file.
func checkBytes(t testing.TB, c *Reader, raw []byte) (pdf.Verdict, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pdf")
	require.NoError(t, os.WriteFile(name, raw, 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	return c.Inspect(t.Context(), f, nil)
}

func TestAChildLooksIntoAFile(t *testing.T) {
	t.Parallel()
	v, err := checkBytes(t, New(), pdftest.Small("", "<<>>"))
	require.NoError(t, err)
	require.Equal(t, pdf.Verdict{Facts: model.Unsigned()}, v)

	v, err = checkBytes(t, New(), pdftest.Small("/Pages 1 0 R", "<<>>"))
	require.NoError(t, err)
	require.Contains(t, v.Fault, "not a readable PDF")
	require.False(t, v.Spent)

	v, err = checkBytes(t, New(), pdftest.Bomb(t))
	require.NoError(t, err)
	require.True(t, v.Spent, "%+v", v)
	require.Contains(t, v.Fault, "of memory")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	_, err = New().Inspect(ctx, f, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// What came from a bucket lies in a file that has no name any more.
func TestAChildLooksIntoAFileWithoutAName(t *testing.T) {
	t.Parallel()
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	_, err = f.Write(pdftest.Small("", "<<>>"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(f.Name()))
	v, err := New().Inspect(t.Context(), f, nil)
	require.NoError(t, err)
	require.Equal(t, pdf.Verdict{Facts: model.Unsigned()}, v)
}

// Whom a child's end is put down to: the file, or the machine, which costs the file nothing.
func TestHowAChildEnds(t *testing.T) {
	t.Parallel()
	const file, machine = "file", "machine"
	for name, c := range map[string]struct{ script, blame, says string }{
		"an answer":                    {`echo ready; echo '{"facts":{"signature":"unsigned"}}'`, "", ""},
		"dies before it is ready":      {`exit 2`, machine, ""},
		"dies of the file":             {`echo ready; exit 2`, file, "died"},
		"says nothing":                 {`echo ready`, file, "no answer"},
		"says too much":                {`echo ready; head -c 9000000 /dev/zero`, file, "no answer"},
		"loops":                        {`echo ready; while :; do :; done`, file, "took more than"},
		"sleeps":                       {`echo ready; sleep 60`, machine, ""},
		"gets no thread":               {`echo ready; echo 'runtime/cgo: pthread_create failed' >&2; exit 2`, machine, ""},
		"is killed by somebody":        {`echo ready; kill -9 $$`, machine, ""},
		"finds a secret in its world":  {`echo ready; env | grep -q COUNTERSIGN && exit 3; echo '{}'`, "", ""},
		"another group than its maker": {`echo ready; [ "$(cut -d' ' -f5 /proc/$$/stat)" = $$ ] && echo '{}'`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "program")
			require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700)) //nolint:gosec // it is run
			checker := &Reader{program: program, slots: make(chan struct{}, 1), wall: 4 * time.Second,
				busy: 100 * time.Millisecond}
			began := time.Now()
			v, err := checkBytes(t, checker, []byte("x"))
			for range 20 { // the script was written by a process that forks: somebody may hold it open
				if err == nil || !strings.Contains(err.Error(), "text file busy") {
					break
				}
				time.Sleep(50 * time.Millisecond)
				v, err = checkBytes(t, checker, []byte("x"))
			}
			require.Less(t, time.Since(began), 30*time.Second)
			switch c.blame {
			case machine:
				require.ErrorIs(t, err, errNoChild)
			case file:
				require.NoError(t, err)
				require.True(t, v.Spent)
				require.Contains(t, v.Fault, c.says)
			default:
				require.NoError(t, err)
				require.Empty(t, v.Fault)
			}
		})
	}
	t.Run("a machine without room for a child", func(t *testing.T) {
		t.Parallel()
		_, err := checkBytes(t, &Reader{program: "/nowhere", slots: make(chan struct{}, 1), wall: time.Second}, []byte("x"))
		require.ErrorIs(t, err, errNoChild)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("others for too long", func(t *testing.T) {
		t.Parallel()
		c := &Reader{program: "/nowhere", slots: make(chan struct{}, 1), wall: 10 * time.Millisecond}
		c.slots <- struct{}{}
		_, err := checkBytes(t, c, []byte("x"))
		require.True(t, errors.Is(err, errNoChild) && strings.Contains(err.Error(), "others"), err)
	})
}
