package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const onePage = 4096

// A disk that fills up in the middle of a download: the document waits and says why, callbacks are taken all the while,
// and once there is room it is stored, whole, without a restart. The disk is a small one of our own, mounted for the
// daemon: nothing stands between Go and the system that could play it.
func TestRoomRunsOutInADownload(t *testing.T) {
	t.Parallel()
	svc := historical(t, 12)
	d := &ill{binary: builtProgram(t)}
	d.installedFor(t, svc, true)
	d.edit(t, `sqlite:./data/countersign.db`, "sqlite:./countersign.db")
	d.edit(t, `file:./documents`, "file:./data/documents")
	d.edit(t, `documents_min_free: 1MiB`, "documents_min_free: 0B\nretry: { first: 300ms, most: 1s }")
	full(t, d)
	require.NoError(t, os.Truncate(d.data("filler"), fileSize(t, d.data("filler"))-onePage)) // it begins well
	d.p = d.start(t, "--backfill", "120d")
	d.up(t, d.p)
	db := d.table(t)
	stored := func() int { return one[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'stored'") }
	reason := "the document folder cannot be written: no space left on device"
	eventually(t, "a document that does not fit", func() bool {
		return one[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'waiting' AND reason = ?", reason) > 0
	})
	eventually(t, "a line in the log", func() bool { return strings.Contains(d.p.out.String(), syscall.ENOSPC.Error()) })
	code, _ := d.post("sim-onespan", "application/json", "Basic "+d.key,
		oneSpanEvent("PACKAGE_CREATE", "meanwhile", time.Now()))
	require.Equal(t, http.StatusOK, code, "callbacks need no room there")
	before := stored()
	require.Equal(t, before, len(paths(t, db)))

	began := time.Now()
	require.NoError(t, os.Remove(d.data("filler")))
	eventually(t, "all documents", func() bool {
		return stored() > before && one[int](db, "SELECT COUNT(*) FROM documents WHERE state <> 'stored'") == 0
	})
	require.Less(t, time.Since(began), backWithin)
	for path, sum := range paths(t, db) {
		require.Equal(t, sum, fileHash(t, d.data(filepath.Join("documents", path))), path)
	}
	require.NoError(t, d.p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, d.p.exit(t), d.p.out.String())
	left, err := os.ReadDir(d.data(filepath.Join("documents", ".incoming")))
	require.NoError(t, err)
	require.Empty(t, left)
}
