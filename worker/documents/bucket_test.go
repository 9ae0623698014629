package documents

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/worker/files"
	"countersign/worker/files/bucket"
	"countersign/worker/files/filestest"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// inBucket is a bench whose documents go to a bucket of a real S3 server.
func inBucket(t *testing.T) (*bench, *filestest.Server) {
	t.Helper()
	s := filestest.Start(t)
	b := sqlite(t)
	store, err := bucket.Open(t.Context(), s.At(t), filepath.Join(t.TempDir(), "spool"), b.now)
	check(t, err)
	b.files, b.root = store, filepath.Join(s.Folder, "kept", "here")
	return b, s
}

// While the store is away documents wait, nothing is fetched that could not be kept, and an incident is open; then they
// are stored, each once.
func TestAStoreThatIsAway(t *testing.T) {
	b, s := inBucket(t)
	refs := []string{"a", "b", "c"}
	for _, ref := range refs {
		b.service.Files["1"] = pdftest.Plain("one")
		b.answered(t, ref, completed(marked("")))
	}
	s.Down(t)
	for range 3 {
		check(t, b.downloadOnce(t.Context()))
		for _, ref := range refs {
			d := b.document(t, ref)
			same(t, "state", d.State, model.DocumentWaiting)
			if !strings.HasPrefix(d.Reason, storeNotUsed) || d.Attempts != 0 || d.NextTryAt == nil {
				t.Fatalf("%q after %d attempts", d.Reason, d.Attempts)
			}
		}
		b.move(30 * time.Second)
	}
	same(t, "incident", b.incidents.IsOpen(b.account.ID, model.DocumentsNotStored), true)
	same(t, "fetched", len(b.service.Fetched), 0)
	s.Up(t)
	for range 3 { // the store is tried anew after its own pause, the documents after theirs
		b.move(2 * time.Minute)
		check(t, b.downloadOnce(t.Context()))
	}
	var lie []string
	for _, ref := range refs {
		d := b.document(t, ref)
		same(t, "state", d.State, model.DocumentStored)
		lie = append(lie, d.Path)
	}
	same(t, "lies", b.lying(t), lie)
	same(t, "incident", b.incidents.IsOpen(b.account.ID, model.DocumentsNotStored), false)
	same(t, "fetched", len(b.service.Fetched), len(refs))
}

// The store goes away between the fetch and the upload: the file waits on this machine and is not fetched again.
func TestAStoreThatGoesAwayInTheMiddle(t *testing.T) {
	b, s := inBucket(t)
	b.service.Files["1"] = pdftest.Plain("one")
	b.answered(t, "a", completed(marked("m1"))) // with a mark nothing is asked of the store before the fetch
	reader := b.reader
	b.reader = func(ctx context.Context, f *os.File, trusted pdf.Trusted) (pdf.Verdict, error) {
		s.Down(t)
		return reader(ctx, f, trusted)
	}
	check(t, b.downloadOnce(t.Context()))
	d := b.document(t, "a")
	same(t, "state", d.State, model.DocumentWaiting)
	if !strings.HasPrefix(d.Reason, storeNotUsed+": the store does not answer") || d.Attempts != 0 {
		t.Fatalf("%q after %d attempts", d.Reason, d.Attempts)
	}
	b.reader = reader
	s.Up(t)
	for range 3 {
		b.move(2 * time.Minute)
		check(t, b.downloadOnce(t.Context()))
	}
	d = b.document(t, "a")
	same(t, "state", d.State, model.DocumentStored)
	same(t, "lies", b.lying(t), []string{d.Path})
	same(t, "fetched", len(b.service.Fetched), 1)
}

// Versions, quarantine, release, the check and forgetting are the same in a bucket as in a folder.
func TestTheLifeOfADocumentInABucket(t *testing.T) {
	b, _ := inBucket(t)
	b.service.Files["1"] = pdftest.Plain("one")
	b.answered(t, "a", completed(marked("m1")))
	check(t, b.downloadOnce(t.Context()))
	first := b.document(t, "a")
	same(t, "state", first.State, model.DocumentStored)
	b.service.Files["1"] = pdftest.Plain("another")
	b.answered(t, "a", completed(marked("m2")))
	check(t, b.downloadOnce(t.Context()))
	all := b.documents(t, "a")
	same(t, "versions", len(all), 2)
	for _, d := range all {
		found, _, err := b.Check(t.Context(), d)
		check(t, err)
		same(t, "differences", len(found), 0)
	}
	check(t, b.files.Drop(t.Context(), first.Path))
	found, _, err := b.Check(t.Context(), first)
	check(t, err)
	same(t, "differences", len(found), 1)

	_, n, err := b.Forget(t.Context(), key("a"))
	check(t, err)
	same(t, "files gone", n, 1)
	if _, err := os.Stat(b.root); !os.IsNotExist(err) { // the server removes folders that are empty
		t.Errorf("lies %q", b.lying(t))
	}
}

// A link's file waits in the bucket until the provider speaks, and then gets its place or goes into quarantine, from
// which it can be released.
func TestALinksFileWaitsInTheBucket(t *testing.T) {
	for _, completes := range []bool{true, false} {
		b, _ := inBucket(t)
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, "lies", b.lying(t), []string{files.LinkFileName(d.ID, d.LinkFile)})
		b.service.Says["a"] = completed()
		if !completes {
			b.service.Says["a"] = model.Observation{Status: model.Declined, Signers: []model.Signer{}}
		}
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		d = b.document(t, "a")
		same(t, "lies", b.lying(t), []string{d.Path})
		if completes {
			same(t, "state", d.State, model.DocumentStored)
			continue
		}
		same(t, "state", d.State, model.DocumentQuarantined)
		d, err := b.Release(t.Context(), d, Order{})
		check(t, err)
		same(t, "state", d.State, model.DocumentStored)
		same(t, "lies", b.lying(t), []string{d.Path})
	}
}

// A process that was killed after the upload and before its row left an object, which is taken over.
func TestAnObjectThatNoRowKnows(t *testing.T) {
	b, _ := inBucket(t)
	b.service.Files["1"] = pdftest.Plain("one")
	b.answered(t, "a", completed(marked("")))
	d := b.document(t, "a")
	path, sum := filestest.Temporary(t, b.files, string(pdftest.Plain("one")))
	check(t, b.files.Place(t.Context(), path, nameOf(d, b.row(t, "a"), 1, false), sum))
	check(t, b.downloadOnce(t.Context()))
	d = b.document(t, "a")
	same(t, "state", d.State, model.DocumentStored)
	same(t, "lies", b.lying(t), []string{d.Path})
	same(t, "fetched", len(b.service.Fetched), 0)
}
