package worker

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"countersign/model"
	"countersign/worker/files"
	"countersign/worker/pdf/pdftest"
)

// failing makes the sync of files whose path ends so fail, until it is mended.
func (b *bench) failing(at string) (mend func()) {
	system := files.OS()
	system.SyncFile = func(f *os.File) error {
		if strings.HasSuffix(f.Name(), at) || at == "temporary" && strings.Contains(f.Name(), ".incoming") {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: syscall.EIO}
		}
		return f.Sync()
	}
	system.SyncFolder = system.SyncFile
	b.Files = files.On(b.root, system)
	return func() { b.Files = files.At(b.root) }
}

// A document is stored only when its file and each name above it could be synced. Until then it waits and says why, and
// nothing lies about twice.
func TestADocumentIsStoredOnlyOnceItIsSynced(t *testing.T) {
	for _, at := range []string{"temporary", "/a", "/01", "/2026", "/acc", "root"} {
		t.Run(at, func(t *testing.T) {
			b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
			b.service.files["1"] = pdftest.Plain("one")
			b.answered(t, "a", completed(marked("")))
			mend := b.failing(strings.Replace(at, "root", b.root, 1))
			for range 3 {
				if err := b.downloadOnce(t.Context()); err == nil || !strings.Contains(err.Error(), "input/output error") {
					t.Fatalf("got %v, want what the disk said", err)
				}
				d := b.document(t, "a")
				same(t, "state", d.State, model.DocumentWaiting)
				if !strings.HasPrefix(d.Reason, folderNotWritten) || d.Attempts != 0 {
					t.Fatalf("%q after %d attempts", d.Reason, d.Attempts)
				}
				b.ms.Store(d.NextTryAt.UnixMilli())
			}
			mend()
			check(t, b.downloadOnce(t.Context()))
			d := b.document(t, "a")
			same(t, "document", []any{d.State, d.Version}, []any{model.DocumentStored, 1})
			same(t, "lies", b.lying(t), []string{d.Path})
		})
	}
}

// What a link brought is held only when its file and its name could be synced.
func TestAFileIsHeldOnlyOnceItIsSynced(t *testing.T) {
	for _, at := range []string{"temporary", "/.hold"} {
		b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
		b.service.links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		mend := b.failing(at)
		if err := b.downloadOnce(t.Context()); err == nil {
			t.Fatal("the disk's error was not told")
		}
		same(t, "held", b.document(t, "a").LinkFile, "")
		mend()
		b.move(b.RetryWait)
		check(t, b.downloadOnce(t.Context()))
		if d := b.document(t, "a"); d.LinkFile == "" {
			t.Fatalf("%s: not held: %+v", at, d)
		}
	}
}
