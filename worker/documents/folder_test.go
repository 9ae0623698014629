package documents

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	b.files = files.On(b.root, system)
	return func() { b.files = files.At(b.root) }
}

// A document is stored only when its file and each name above it could be synced. Until then it waits and says why, and
// nothing lies about twice.
func TestADocumentIsStoredOnlyOnceItIsSynced(t *testing.T) {
	for _, at := range []string{"temporary", "/a", "/01", "/2026", "/acc", "root"} {
		t.Run(at, func(t *testing.T) {
			b := sqlite(t)
			b.service.Files["1"] = pdftest.Plain("one")
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
				b.move(d.NextTryAt.Sub(b.now()))
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
		b := sqlite(t)
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		mend := b.failing(at)
		if err := b.downloadOnce(t.Context()); err == nil {
			t.Fatal("the disk's error was not told")
		}
		same(t, "held", b.document(t, "a").LinkFile, "")
		mend()
		b.move(b.retryWait)
		check(t, b.downloadOnce(t.Context()))
		if d := b.document(t, "a"); d.LinkFile == "" {
			t.Fatalf("%s: not held: %+v", at, d)
		}
	}
}

// Where the folder's file system knows neither links nor the sync of folders, a document is stored all the same.
func TestADocumentIsStoredWhereThereAreNoLinks(t *testing.T) {
	b := sqlite(t)
	system := files.OS()
	system.Link = func(from, to string) error {
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM}
	}
	system.RenameNew = func(from, to string) error {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EINVAL}
	}
	system.SyncFolder = func(f *os.File) error { return &fs.PathError{Op: "sync", Path: f.Name(), Err: syscall.EINVAL} }
	b.files = files.On(b.root, system)
	b.service.Files["1"], b.service.Links[link] = pdftest.Plain("one"), fileOf(pdftest.Plain("two"))
	b.answered(t, "a", completed(marked("m1")))
	b.called(t, claim("b", model.Completed), linkTo("b", link))
	check(t, b.downloadOnce(t.Context()))
	b.service.Says["b"] = completed()
	b.confirmed(t)
	check(t, b.downloadOnce(t.Context()))
	var lie []string
	for _, ref := range []string{"a", "b"} {
		d := b.document(t, ref)
		same(t, "document", []any{d.State, d.Version}, []any{model.DocumentStored, 1})
		lie = append(lie, d.Path)
	}
	same(t, "lies", b.lying(t), lie)
	same(t, "fetched", []int{len(b.service.Fetched), len(b.service.Linked)}, []int{1, 1})
}

// A whole file that the folder does not take waits beside the others: it is not fetched again each time.
func TestAPlaceThatFailsCostsNoDownload(t *testing.T) {
	for _, number := range []syscall.Errno{syscall.EIO, syscall.EACCES, syscall.EDQUOT} {
		for _, linked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, linked %t", number, linked), func(t *testing.T) {
				b := sqlite(t)
				system, broken := files.OS(), true
				link1, rename := system.Link, system.Rename
				system.Link = func(from, to string) error {
					if broken {
						return &os.LinkError{Op: "link", Old: from, New: to, Err: number}
					}
					return link1(from, to)
				}
				system.Rename = func(from, to string) error {
					if broken && strings.Contains(to, ".hold") {
						return &os.LinkError{Op: "rename", Old: from, New: to, Err: number}
					}
					return rename(from, to)
				}
				b.files = files.On(b.root, system)
				b.service.Files["1"], b.service.Links[link], b.service.Says["a"] = pdftest.Plain("one"),
					fileOf(pdftest.Plain("one")), completed()
				if linked {
					b.called(t, claim("a", model.Completed), linkTo("a", link))
				} else {
					b.answered(t, "a", completed(marked("m1")))
				}
				for range 5 {
					if err := b.downloadOnce(t.Context()); !errors.Is(err, number) {
						t.Fatalf("got %v, want %v", err, number)
					}
					d := b.document(t, "a")
					same(t, "state and reason", []any{d.State, d.Attempts, d.Reason},
						[]any{model.DocumentWaiting, 0, folderNotWritten + ": " + number.Error()})
					b.move(b.retryWait)
				}
				broken = false
				check(t, b.downloadOnce(t.Context()))
				b.confirmed(t)
				check(t, b.downloadOnce(t.Context()))
				d := b.document(t, "a")
				same(t, "state", d.State, model.DocumentStored)
				same(t, "lies", b.lying(t), []string{d.Path})
				same(t, "fetched in all", len(b.service.Fetched)+len(b.service.Linked), 1)
			})
		}
	}
}
