package killed

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
	"countersign/worker/files/filestest"
)

// halfway is a line to an S3 server that stands still in the middle of an upload while it is told to.
type halfway struct {
	net.Listener
	holds atomic.Bool
	held  chan struct{} // an upload stands still
}

func newHalfway(t *testing.T, server string) *halfway {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h := &halfway{Listener: l, held: make(chan struct{}, 100)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				continue
			}
			go func() { io.Copy(in, out); in.Close() }()
			go func() { h.forward(out, in); out.Close() }()
		}
	}()
	return h
}

// forward hands on what comes, but of an upload its head and a little of its body.
func (h *halfway) forward(to io.Writer, from io.Reader) {
	part := make([]byte, 4<<10)
	for {
		n, err := from.Read(part)
		if h.holds.Load() && bytes.Contains(part[:n], []byte("PUT /documents/kept/here/sim-")) {
			end := bytes.Index(part[:n], []byte("\r\n\r\n"))
			to.Write(part[:min(n, end+100)])
			h.held <- struct{}{}
			io.Copy(io.Discard, from)
			return
		}
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// objectsOf are the hashes of the documents that lie in the bucket, by their names.
func objectsOf(t *testing.T, s *filestest.Server) map[string]string {
	t.Helper()
	out, root := map[string]string{}, filepath.Join(s.Folder, "kept", "here")
	require.NoError(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		name, err := filepath.Rel(root, p)
		out[name] = installtest.FileHash(t, p)
		return err
	}))
	return out
}

// A daemon that is killed in the middle of an upload leaves nothing of it, and the next one stores each document once.
// While the store is down callbacks are taken, documents wait, and an incident is open; nothing is lost.
func TestKilledInTheMiddleOfAnUpload(t *testing.T) {
	s := filestest.Start(t)
	at, err := url.Parse(s.At(t).Endpoint)
	require.NoError(t, err)
	line := newHalfway(t, at.Host)
	svc := installtest.Historical(t, 12)
	in := installtest.Install(t, svc, 0)
	in.Edit(t, `file:./documents`, strings.Replace(s.Address(), at.Host, line.Addr().String(), 1))
	in.Edit(t, `documents_min_free: 1MiB`, "documents_min_free: 1MiB\nretry: { first: 300ms, most: 1s }")
	binary := installtest.BuiltProgram(t)

	line.holds.Store(true)
	p, _ := in.Serving(t, binary, "--backfill", "120d")
	<-line.held
	p.Kill()
	require.Empty(t, objectsOf(t, s), "half a file has a name")

	line.holds.Store(false)
	in.Serving(t, binary)
	db := in.Table(t)
	stored := func() int { return installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'stored'") }
	waiting := func() int { return installtest.One[int](db, "SELECT COUNT(*) FROM documents WHERE state = 'waiting'") }
	installtest.Eventually(t, "all documents", func() bool { return stored() > 0 && waiting() == 0 })
	require.Equal(t, paths(t, db), objectsOf(t, s))

	s.Down(t)
	onespan, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	code, _ := in.Post("sim-onespan", "application/json", "Basic "+onespan,
		installtest.OneSpanEvent("PACKAGE_CREATE", "meanwhile", time.Now()))
	require.Equal(t, http.StatusOK, code, "callbacks need no bucket")
	in.Write(t, "UPDATE documents SET state = 'waiting', next_try_at = created_at, path = '' WHERE state = 'stored'")
	installtest.Eventually(t, "an incident", func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM incidents WHERE kind = 'documents_not_stored' AND closed_at IS NULL") > 0
	})
	require.Zero(t, stored())
	s.Up(t)
	installtest.Eventually(t, "all documents again", func() bool { return stored() > 0 && waiting() == 0 })
	require.Equal(t, paths(t, db), objectsOf(t, s), "a file that was there already is the same document")
	installtest.Eventually(t, "the incident's end", func() bool {
		return installtest.One[int](db, "SELECT COUNT(*) FROM incidents WHERE kind = 'documents_not_stored' AND closed_at IS NULL") == 0
	})
	left, err := os.ReadDir(filepath.Join(in.Dir, "countersign.spool", ".incoming"))
	require.NoError(t, err)
	require.Empty(t, left)
}
