package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/worker/pdf"
)

// checkBytes has a child process look into a file.
func checkBytes(t testing.TB, c *fileChecker, raw []byte) (pdf.Verdict, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pdf")
	require.NoError(t, os.WriteFile(name, raw, 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	return c.Inspect(t.Context(), f)
}

// smallPDF is a file with one more entry in its catalog and one more object, number 4.
func smallPDF(catalog, object string) []byte {
	var b bytes.Buffer
	var at []int
	b.WriteString("%PDF-1.7\n")
	for i, o := range []string{"<</Type/Catalog/Pages 2 0 R" + catalog + ">>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", object} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	b.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table)
	return b.Bytes()
}

// bombPDF is a file of a few kilobytes whose metadata unfolds to a gigabyte, deflated twice.
func bombPDF(t testing.TB) []byte {
	t.Helper()
	deflate := func(blocks int, block []byte) []byte {
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		require.NoError(t, err)
		for range blocks {
			_, err = z.Write(block)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	body := deflate(1, deflate(1<<9, bytes.Repeat([]byte("<x>"), 1<<19)))
	return smallPDF("/Metadata 4 0 R", fmt.Sprintf("<</Type/Metadata/Subtype/XML/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream", len(body), body))
}

func TestAChildLooksIntoAFile(t *testing.T) {
	t.Parallel()
	v, err := checkBytes(t, newFileChecker(), smallPDF("", "<<>>"))
	require.NoError(t, err)
	require.Equal(t, pdf.Verdict{Facts: model.Unsigned()}, v)

	v, err = checkBytes(t, newFileChecker(), smallPDF("/Pages 1 0 R", "<<>>"))
	require.NoError(t, err)
	require.Contains(t, v.Fault, "not a readable PDF")
	require.False(t, v.Spent)

	v, err = checkBytes(t, newFileChecker(), bombPDF(t))
	require.NoError(t, err)
	require.True(t, v.Spent, "%+v", v)
	require.Contains(t, v.Fault, "of memory")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close() //nolint:errcheck // only read
	_, err = newFileChecker().Inspect(ctx, f)
	require.ErrorIs(t, err, context.Canceled)
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
			checker := &fileChecker{program: program, slots: make(chan struct{}, 1), wall: 4 * time.Second, busy: 100 * time.Millisecond}
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
		_, err := checkBytes(t, &fileChecker{program: "/nowhere", slots: make(chan struct{}, 1), wall: time.Second}, []byte("x"))
		require.ErrorIs(t, err, errNoChild)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("others for too long", func(t *testing.T) {
		t.Parallel()
		c := &fileChecker{program: "/nowhere", slots: make(chan struct{}, 1), wall: 10 * time.Millisecond}
		c.slots <- struct{}{}
		_, err := checkBytes(t, c, []byte("x"))
		require.True(t, errors.Is(err, errNoChild) && strings.Contains(err.Error(), "others"), err)
	})
}

func TestDoctorTellsOfNoReader(t *testing.T) {
	t.Parallel()
	for program, fails := range map[string]bool{newFileChecker().program: false, "/nowhere": true} {
		d := &doctor{Env: newApp(strings.NewReader(""), io.Discard, io.Discard).Env}
		d.reader(t.Context(), &fileChecker{program: program, slots: make(chan struct{}, 1), wall: time.Minute})
		require.Equal(t, fails, d.failed, program)
	}
}
