package documents

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// lies puts a file where a row's document belongs, as a process does that is killed before it notes it.
func (b *bench) lies(t *testing.T, ref string, content []byte) string {
	t.Helper()
	d := b.document(t, ref)
	name := nameOf(d, b.row(t, ref), d.Version, false)
	temp := filepath.Join(b.root, ".incoming", "killed")
	check(t, os.WriteFile(temp, content, 0o600))
	check(t, b.files.Place(t.Context(), temp, name, ""))
	return name
}

// A file that a killed process had put in its place is taken, though the provider cannot give it any more, or gives
// another thing in its place.
func TestAFileThatAKilledProcessLeftIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		mark  string
		fails error
		asked int
	}{
		"the provider is not asked":       {"", nil, 0},
		"the provider lost it":            {"m1", provider.ErrNotFound, 1},
		"the provider makes it no more":   {"m1", provider.ErrNotReady, 1},
		"there is no way to it any more":  {"m1", provider.ErrUnobtainable, 1},
		"it would give no file, unmarked": {"", provider.ErrNotFound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := sqlite(t)
			b.service.Files["1"], b.service.NoFile = []byte("<html>"), c.fails
			b.answered(t, "a", completed(marked(c.mark)))
			lying := b.lies(t, "a", pdftest.Plain("one"))
			check(t, b.downloadOnce(t.Context()))
			d := b.document(t, "a")
			same(t, "document", []any{d.State, d.Path, d.Version}, []any{model.DocumentStored, lying, 1})
			same(t, "lies", b.lying(t), []string{lying})
			same(t, "asked of the provider", len(b.service.Fetched), c.asked)
		})
	}
}

// One that is not whole, or is another row's, is left alone.
func TestAFileThatIsNotWholeOrKnownIsNotTaken(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = pdftest.Plain("one")
	b.answered(t, "a", completed(marked("")))
	lying := b.lies(t, "a", []byte("%PDF-1.4 cut off"))
	check(t, b.downloadOnce(t.Context()))
	d := b.document(t, "a")
	same(t, "document", []any{d.State, d.Version}, []any{model.DocumentStored, 2})
	same(t, "lies", b.lying(t), []string{lying, d.Path})
}

// One that could not be checked here is neither taken nor left alone: what it is shows once it can be checked.
func TestAFileThatCouldNotBeCheckedIsCheckedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		mark  string
		fails error
	}{
		"before the provider is asked": {"", nil},
		"once the provider lost it":    {"m1", provider.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			b := sqlite(t)
			b.service.Files["1"], b.service.NoFile = pdftest.Plain("one"), c.fails
			b.answered(t, "a", completed(marked(c.mark)))
			lying := b.lies(t, "a", pdftest.Plain("one"))
			reader := b.reader
			b.reader = func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) {
				return pdf.Verdict{}, syscall.EAGAIN
			}
			check(t, b.downloadOnce(t.Context()))
			same(t, "state", b.document(t, "a").State, model.DocumentWaiting)
			same(t, "attempts", b.document(t, "a").Attempts, 0)
			b.reader = reader
			b.move(time.Hour)
			check(t, b.downloadOnce(t.Context()))
			d := b.document(t, "a")
			same(t, "document", []any{d.State, d.Path, d.Version}, []any{model.DocumentStored, lying, 1})
			same(t, "lies", b.lying(t), []string{lying})
		})
	}
}
