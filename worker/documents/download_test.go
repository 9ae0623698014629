package documents

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/pdf/pdftest"
)

func marked(mark string) model.DocumentRef {
	return model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: mark}
}

func TestAnotherMarkIsAnotherVersion(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Plain("one")
		b.answered(t, "a", completed(marked("m1")))
		check(t, b.downloadOnce(t.Context()))
		first := b.document(t, "a")
		same(t, "first", []any{first.State, first.Version, first.Mark}, []any{model.DocumentStored, 1, "m1"})
		b.answered(t, "a", completed(marked("m1")))
		b.answered(t, "a", completed(marked("")))
		same(t, "documents while the mark stays", len(b.documents(t, "a")), 1)

		b.service.Files["1"] = pdftest.Plain("two")
		b.answered(t, "a", completed(marked("m2")))
		r := b.row(t, "a")
		same(t, "stored of total while the second is on its way", []int{r.DocsStored, r.DocsTotal}, []int{0, 1})
		check(t, b.downloadOnce(t.Context()))
		list := b.documents(t, "a")
		same(t, "versions", len(list), 2)
		same(t, "second", []any{list[1].State, list[1].Version, list[1].Mark}, []any{model.DocumentStored, 2, "m2"})
		same(t, "the old one", list[0].Path, first.Path)
		same(t, "lies", b.lying(t), []string{first.Path, list[1].Path})
		same(t, "the second's name", filepath.Base(list[1].Path), "1.v2.pdf")
		r = b.row(t, "a")
		same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, []int{1, 1})
	})
}

func TestANewMarkOfTheSameBytesMakesNoSecondFile(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Plain("one")
		b.answered(t, "a", completed(marked("m1")))
		check(t, b.downloadOnce(t.Context()))
		b.answered(t, "a", completed(marked("m2")))
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, "document", []any{d.State, d.Version, d.Mark}, []any{model.DocumentStored, 1, "m2"})
		same(t, "lies", b.lying(t), []string{d.Path})
		r := b.row(t, "a")
		same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, []int{1, 1})
	})
}

func TestAMarkThatMovesDuringADownloadIsFetchedAgain(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Plain("one")
		b.answered(t, "a", completed(marked("m1")))
		claimed, err := b.store.ClaimDocuments(t.Context(), store.DocumentsDue{Now: b.now(), Limit: 1}, "test", time.Minute)
		check(t, err)
		b.answered(t, "a", completed(marked("m2")))
		check(t, b.download(t.Context(), claimed[0]))
		b.service.Files["1"] = pdftest.Plain("two")
		check(t, b.downloadOnce(t.Context()))
		list := b.documents(t, "a")
		same(t, "versions", len(list), 2)
		same(t, "marks", []string{list[0].Mark, list[1].Mark}, []string{"m1", "m2"})
		same(t, "states", []model.DocumentState{list[0].State, list[1].State},
			[]model.DocumentState{model.DocumentStored, model.DocumentStored})
	})
}

func TestAFailedDownloadWaitsLongerEachTime(t *testing.T) {
	b := sqlite(t)
	b.service.NoFile = provider.ErrNotReady
	b.answered(t, "a", completed(marked("")))
	want := []time.Duration{30, 60, 120, 240, 480, 960, 1800, 1800}
	for i, seconds := range want {
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, fmt.Sprintf("pause %d", i), d.NextTryAt.Sub(b.now()), seconds*time.Second)
		same(t, "attempts", d.Attempts, i+1)
		b.move(d.NextTryAt.Sub(b.now()))
	}
	b.service.NoFile, b.service.Files["1"] = nil, pdftest.Plain("one")
	check(t, b.downloadOnce(t.Context()))
	same(t, "state", b.document(t, "a").State, model.DocumentStored)
}

func TestAFileThatIsTooLargeIsAskedForOnce(t *testing.T) {
	b := sqlite(t)
	b.service.NoFile = fmt.Errorf("read file: %w", provider.ErrTooLarge)
	b.answered(t, "a", completed(marked("")))
	check(t, b.downloadOnce(t.Context()))
	d := b.document(t, "a")
	same(t, "state", d.State, model.DocumentFailed)
	if d.NextTryAt != nil || !strings.Contains(d.Reason, "documents_max_size") {
		t.Errorf("%+v", d)
	}
	same(t, "lies", len(b.lying(t)), 0)
}

func TestTheFifthFileThatIsNotWholeIsQuarantined(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = []byte("%PDF-1.4 cut off")
	b.answered(t, "a", completed(marked("")))
	for i := range model.WrongFiles {
		same(t, fmt.Sprintf("state after %d", i), b.document(t, "a").State, model.DocumentWaiting)
		check(t, b.downloadOnce(t.Context()))
		b.move(time.Hour)
	}
	d := b.document(t, "a")
	same(t, "state", d.State, model.DocumentQuarantined)
	same(t, "lies", b.lying(t), []string{d.Path})
}
