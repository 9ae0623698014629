package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
	d.edit(t, `documents_min_free: 1MiB`, "documents_min_free: 4KiB\nretry: { first: 300ms, most: 1s }")
	require.NoError(t, os.WriteFile(d.data("filler"), make([]byte, smallDisk-6<<20), 0o600))
	svc.through(sized(1 << 20))
	d.p = d.start(t, "--backfill", "120d")
	d.up(t, d.p)
	db := d.table(t)
	stored := func() int { return one[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'stored'") }
	reason := "the document folder cannot be written: no space left on device"
	eventually(t, "a document that does not fit", func() bool {
		return one[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'waiting' AND reason = ?", reason) > 0
	})
	eventually(t, "a line in the log", func() bool { return strings.Contains(d.p.out.String(), syscall.ENOSPC.Error()) })
	code, _ := d.post("sim-onespan", "application/json", "Basic "+d.key, oneSpanEvent("PACKAGE_CREATE", "meanwhile", time.Now()))
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

// sized makes each file of a service so large.
func sized(size int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/pdf") {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if rec.Code == http.StatusOK && len(body) < size { // between its end and what is the end of any
			body = append(body, "\n"+strings.Repeat("% room\n", (size-len(body))/7)+"%%EOF\n"...)
		}
		maps.Copy(w.Header(), rec.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(rec.Code)
		w.Write(body) //nolint:errcheck // a test
	}
}
