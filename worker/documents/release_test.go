package documents

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// fetched downloads until the document is no longer waiting, as often as a wrong file is asked for.
func (b *bench) fetched(t *testing.T, ref string) model.Document {
	t.Helper()
	for range model.WrongFiles {
		check(t, b.downloadOnce(t.Context()))
		if d := b.document(t, ref); d.State != model.DocumentWaiting {
			return d
		}
		b.move(time.Hour)
	}
	return b.document(t, ref)
}

func TestWhatBecomesOfAFileByExpectation(t *testing.T) {
	for name, c := range map[string]struct {
		expects model.Expectation
		keep    bool
		raw     []byte
		kind    model.DocumentKind
		state   model.DocumentState
		word    model.Signature
		reason  string
	}{
		"intact": {"", false, pdftest.Signed(), model.SignedDocument, model.DocumentStored,
			model.SignatureIntact, ""},
		"intact, required": {model.SignaturesRequired, false, pdftest.Signed(), model.SignedDocument,
			model.DocumentStored, model.SignatureIntact, ""},
		"unsigned": {"", false, pdftest.Plain("a"), model.SignedDocument, model.DocumentStored,
			model.SignatureUnsigned, ""},
		"unsigned, required": {model.SignaturesRequired, false, pdftest.Plain("a"), model.SignedDocument,
			model.DocumentQuarantined, model.SignatureUnsigned, "must carry a signature"},
		"unsigned evidence, required": {model.SignaturesRequired, false, pdftest.Plain("a"), model.EvidenceDocument,
			model.DocumentStored, model.SignatureUnsigned, ""},
		"unsigned, required, kept": {model.SignaturesRequired, true, pdftest.Plain("a"), model.SignedDocument,
			model.DocumentStored, model.SignatureUnsigned, ""},
		"altered": {"", false, pdftest.Altered(), model.SignedDocument, model.DocumentQuarantined,
			model.SignatureAltered, "altered after it was signed"},
		"altered evidence": {"", false, pdftest.Altered(), model.EvidenceDocument, model.DocumentQuarantined,
			model.SignatureAltered, "altered after it was signed"},
		"altered, kept": {"", true, pdftest.Altered(), model.SignedDocument, model.DocumentStored,
			model.SignatureAltered, ""},
		"altered, none expected": {model.SignaturesNone, false, pdftest.Altered(), model.SignedDocument,
			model.DocumentStored, model.SignatureAltered, ""},
		"unknown, required": {model.SignaturesRequired, false, pdftest.Locked(), model.SignedDocument,
			model.DocumentQuarantined, model.SignatureUnknown, "a signature that can be checked"},
		"unknown": {"", false, pdftest.Locked(), model.SignedDocument, model.DocumentStored, model.SignatureUnknown, ""},
		"unknown evidence, required": {model.SignaturesRequired, false, pdftest.Locked(), model.EvidenceDocument,
			model.DocumentStored, model.SignatureUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := sqlite(t)
			b.account.Signatures, b.account.KeepBad = c.expects, c.keep
			b.service.Files["1"] = c.raw
			b.answered(t, "a", completed(model.DocumentRef{ID: "1", Kind: c.kind, Name: "lease.pdf"}))
			d := b.fetched(t, "a")
			same(t, "document", []any{d.State, d.Facts.Signature}, []any{c.state, c.word})
			if !strings.Contains(d.Reason, c.reason) || (c.reason == "") != (d.Reason == "") {
				t.Errorf("the reason is %q, want %q in it", d.Reason, c.reason)
			}
			if d.State == model.DocumentQuarantined && !strings.Contains(d.Reason, "documents release") {
				t.Errorf("the reason %q does not say what to do", d.Reason)
			}
		})
	}
}

// A reader that dies of a file costs one try; one that the machine has no room for costs the file nothing.
func TestWhoIsToBlameForAFileThatCannotBeReadThrough(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = pdftest.Signed()
	b.answered(t, "a", completed(marked("")))
	b.reader = func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) {
		return pdf.Verdict{}, errors.New("fork: resource temporarily unavailable")
	}
	for range 2 * model.WrongFiles {
		check(t, b.downloadOnce(t.Context()))
		b.move(time.Hour)
	}
	d := b.document(t, "a")
	same(t, "while the machine has no room", []any{d.State, d.Attempts}, []any{model.DocumentWaiting, 0})
	same(t, "fetched", len(b.service.Fetched), 1) // it waits beside the others until it can be checked
	same(t, "lies", len(b.lying(t)), 1)

	b.reader = func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) {
		return pdf.Verdict{Fault: "the file could not be read through: its reader died of it", Spent: true}, nil
	}
	check(t, b.downloadOnce(t.Context()))
	d = b.document(t, "a")
	same(t, "after the first death", []any{d.State, d.Attempts, len(b.service.Fetched)},
		[]any{model.DocumentQuarantined, 1, 1})
	if !strings.Contains(d.Reason, "died") {
		t.Errorf("the reason is %q", d.Reason)
	}
}

func TestALinkedFileKeepsWhatWasFoundInIt(t *testing.T) {
	b := sqlite(t)
	b.service.Links[link] = fileOf(pdftest.Signed())
	b.called(t, claim("a", model.Completed), linkTo("a", link))
	check(t, b.downloadOnce(t.Context()))
	same(t, "held", []any{b.document(t, "a").LinkFile != "", b.document(t, "a").Facts.Signature},
		[]any{true, model.SignatureIntact})
	b.answered(t, "a", completed())
	check(t, b.downloadOnce(t.Context()))
	d := b.document(t, "a")
	same(t, "placed", []any{d.State, d.Facts.Signature, len(d.Facts.Signatures)},
		[]any{model.DocumentStored, model.SignatureIntact, 1})
}

func TestReleaseTakesAFileOutOfQuarantine(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Altered()
		b.answered(t, "a", completed(marked("")))
		d := b.fetched(t, "a")
		same(t, "quarantined", d.State, model.DocumentQuarantined)
		before, err := b.store.ChangesOf(t.Context(), key("a"))
		check(t, err)
		out, err := b.Release(t.Context(), d, Order{})
		check(t, err)
		same(t, "returned", out, b.document(t, "a"))
		same(t, "released", []any{out.State, out.Reason, out.Facts, out.SHA256},
			[]any{model.DocumentStored, "released by operator", d.Facts, d.SHA256})
		same(t, "lies", b.lying(t), []string{out.Path})
		r := b.row(t, "a")
		same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, []int{1, 1})
		after, err := b.store.ChangesOf(t.Context(), key("a"))
		check(t, err)
		same(t, "changes", len(after), len(before)+1)
		last := after[len(after)-1]
		same(t, "change", []any{last.Kind, last.From, last.To, last.Source},
			[]any{model.KindDocument, "quarantined", "stored", "operator"})
		if _, err := b.Release(t.Context(), out, Order{}); !errors.Is(err, ErrNotQuarantined) {
			t.Errorf("released twice: %v", err)
		}
		if _, err := b.Release(t.Context(), d, Order{}); err == nil {
			t.Error("an old view of the row was released again")
		}
		same(t, "lies after that", b.lying(t), []string{out.Path})
	})
}

// A row that goes while its file is released leaves no file behind in the place of stored ones.
func TestAReleaseOfARowThatIsGoneLeavesNothing(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = pdftest.Altered()
	b.answered(t, "a", completed(marked("")))
	d := b.fetched(t, "a")
	check(t, b.store.Do(t.Context(),
		store.Unit{Keys: []model.Key{key("a")}, Apply: func(g *store.Batch) error { g.RemoveDocument(d); return nil }}))
	if _, err := b.Release(t.Context(), d, Order{}); !errors.Is(err, ErrNotQuarantined) {
		t.Errorf("released: %v", err)
	}
	same(t, "lies", b.lying(t), []string{d.Path})
}

// A release that a kill cut short, at either of its two steps, is finished by another.
func TestAReleaseThatWasCutShortIsFinished(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = pdftest.Altered()
	b.answered(t, "a", completed(marked("")))
	d := b.fetched(t, "a")
	to := strings.TrimPrefix(d.Path, "quarantine/")
	check(t, b.files.Copy(t.Context(), d.Path, to)) // killed before the row was written
	same(t, "lies", b.lying(t), []string{to, d.Path})
	out, err := b.Release(t.Context(), d, Order{})
	check(t, err)
	same(t, "lies", b.lying(t), []string{to})
	same(t, "path", out.Path, to)
}

func TestReleaseRefusesAnotherFile(t *testing.T) {
	b := sqlite(t)
	b.service.Files["1"] = pdftest.Altered()
	b.answered(t, "a", completed(marked("")))
	d := b.fetched(t, "a")
	check(t, os.WriteFile(filepath.Join(b.root, d.Path), pdftest.Plain("other"), 0o600))
	if _, err := b.Release(t.Context(), d, Order{}); err == nil {
		t.Error("a file that changed in quarantine was released")
	}
	same(t, "state", b.document(t, "a").State, model.DocumentQuarantined)
	same(t, "lies", b.lying(t), []string{d.Path})
}

func TestRecheckFindsWhatDiffers(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Signed()
		b.answered(t, "a", completed(marked("")))
		d := b.fetched(t, "a")
		found, filled, err := b.Check(t.Context(), d)
		check(t, err)
		same(t, "as stored", []any{len(found), filled}, []any{0, false})

		old := d
		old.Facts = model.SignatureFacts{File: model.FileFacts{Seal: d.Facts.File.Seal}}
		check(t, b.store.Do(t.Context(),
			store.Unit{Keys: []model.Key{key("a")}, Apply: func(g *store.Batch) error { g.PutDocument(old); return nil }}))
		found, filled, err = b.Check(t.Context(), b.document(t, "a"))
		check(t, err)
		same(t, "of an older version", []any{len(found), filled}, []any{0, true})
		same(t, "filled in", b.document(t, "a").Facts, d.Facts)

		wrong := d
		wrong.Facts.Signature = model.SignatureAltered
		found, _, err = b.Check(t.Context(), wrong)
		check(t, err)
		same(t, "another word", found, []Difference{{"acc", "a", d.ID, "signature", "altered", "intact"}})

		check(t, os.WriteFile(filepath.Join(b.root, d.Path), pdftest.Altered(), 0o600))
		found, _, err = b.Check(t.Context(), d)
		check(t, err)
		same(t, "changed on disk", []any{len(found), found[0].Field}, []any{1, "sha256"})
		check(t, os.Remove(filepath.Join(b.root, d.Path)))
		found, _, err = b.Check(t.Context(), d)
		check(t, err)
		same(t, "gone", found, []Difference{{"acc", "a", d.ID, "sha256", d.SHA256, "missing"}})
	})
}
