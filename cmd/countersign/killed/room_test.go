package killed

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
)

const onePage = 4096

// A disk that fills up in the middle of a download: the document waits and says why, callbacks are taken all the while,
// and once there is room it is stored, whole, without a restart. The disk is a small one of our own, mounted for the
// daemon: nothing stands between Go and the system that could play it.
func TestRoomRunsOutInADownload(t *testing.T) {
	t.Parallel()
	svc := installtest.Historical(t, 12)
	d := &ill{binary: installtest.BuiltProgram(t)}
	d.installedFor(t, svc, true)
	d.Edit(t, `sqlite:./data/countersign.db`, "sqlite:./countersign.db")
	d.Edit(t, `file:./documents`, "file:./data/documents")
	d.Edit(t, `documents_min_free: 1MiB`, "documents_min_free: 0B\nretry: { first: 300ms, most: 1s }")
	full(t, d)
	require.NoError(t, os.Truncate(d.data("filler"), fileSize(t, d.data("filler"))-onePage)) // it begins well
	d.p = d.start(t, "--backfill", "120d")
	d.Up(t, d.p)
	db := d.Table(t)
	stored := func() int { return installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'stored'") }
	reason := "the document folder cannot be written: no space left on device"
	installtest.Eventually(t, "a document that does not fit", func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'waiting' AND reason = ?", reason) > 0
	})
	installtest.Eventually(t, "a line in the log", func() bool { return strings.Contains(d.p.Out.String(), syscall.ENOSPC.Error()) })
	code, _ := d.Post("sim-onespan", "application/json", "Basic "+d.key,
		installtest.OneSpanEvent("PACKAGE_CREATE", "meanwhile", time.Now()))
	require.Equal(t, http.StatusOK, code, "callbacks need no room there")
	before := stored()
	require.Equal(t, before, len(paths(t, db)))

	began := time.Now()
	require.NoError(t, os.Remove(d.data("filler")))
	installtest.Eventually(t, "all documents", func() bool {
		return stored() > before && installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state <> 'stored'") == 0
	})
	require.Less(t, time.Since(began), backWithin)
	for path, sum := range paths(t, db) {
		require.Equal(t, sum, installtest.FileHash(t, d.data(filepath.Join("documents", path))), path)
	}
	require.NoError(t, d.p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, d.p.Exit(t), d.p.Out.String())
	left, err := os.ReadDir(d.data(filepath.Join("documents", ".incoming")))
	require.NoError(t, err)
	require.Empty(t, left)
}
