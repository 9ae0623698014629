package documents

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// older gives a document's row the judgement of an older version of the rules.
func (b *bench) older(t *testing.T, d model.Document, f model.SignatureFacts) {
	t.Helper()
	d.Facts, d.Facts.File.Judge = f, model.Judge-1
	check(t, b.store.Do(t.Context(),
		store.Unit{Keys: []model.Key{d.Key()}, Apply: func(g *store.Batch) error { g.PutDocument(d); return nil }}))
}

// says lets the reader find what a test wants.
func (b *bench) says(v pdf.Verdict) {
	b.reader = func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) { return v, nil }
}

var wronglyAltered = model.SignatureFacts{Signature: model.SignatureAltered, Integrity: model.IntegrityAltered,
	Coverage: model.CoverageWhole, Trust: model.TrustUnknown, Note: "it was not made with its certificate's key"}

// A file that older rules took for altered, or for no PDF, leaves quarantine by itself once the rules are better.
func TestNewerRulesLetAGoodFileOut(t *testing.T) {
	for name, old := range map[string]pdf.Verdict{
		"altered": {Facts: wronglyAltered}, "no PDF": {Fault: "not a readable PDF: no DA"},
		"too much": {Fault: "took more than 20 seconds", Spent: true},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				b.says(old)
				b.service.Files["1"] = pdftest.Signed()
				b.answered(t, "a", completed(marked("")))
				d := b.fetched(t, "a")
				same(t, "state", d.State, model.DocumentQuarantined)
				same(t, "its judge", d.Facts.File.Judge, model.Judge)

				b.reader = pdf.InspectHere
				check(t, b.JudgeQuarantined(t.Context()))
				same(t, "judged by these rules already", b.document(t, "a").State, model.DocumentQuarantined)

				b.older(t, d, d.Facts)
				check(t, b.JudgeQuarantined(t.Context()))
				d = b.document(t, "a")
				same(t, "now", []any{d.State, d.Facts.Signature, d.Facts.File.Judge},
					[]any{model.DocumentStored, model.SignatureIntact, model.Judge})
				if !strings.Contains(d.Reason, "newer rules") {
					t.Errorf("the reason is %q", d.Reason)
				}
				same(t, "lies", b.lying(t), []string{d.Path})
				changes, err := b.store.Changes(t.Context(), 0, 1000)
				check(t, err)
				last := changes[len(changes)-1]
				same(t, "change", []any{last.Kind, last.From, last.To, last.Source},
					[]any{model.KindDocument, "quarantined", "stored", sourceRules})
				check(t, b.JudgeQuarantined(t.Context()))
			})
		})
	}
}

func TestNewerRulesLetNothingElseOut(t *testing.T) {
	quarantined := func(t *testing.T) (*bench, model.Document) {
		b := sqlite(t)
		b.says(pdf.Verdict{Facts: wronglyAltered})
		b.service.Files["1"] = pdftest.Signed()
		b.answered(t, "a", completed(marked("")))
		return b, b.fetched(t, "a")
	}
	t.Run("still altered, for another reason", func(t *testing.T) {
		b, d := quarantined(t)
		b.older(t, d, d.Facts)
		again := wronglyAltered
		again.Note = "page 2 was changed"
		b.says(pdf.Verdict{Facts: again})
		check(t, b.JudgeQuarantined(t.Context()))
		d = b.document(t, "a")
		same(t, "now", []any{d.State, d.Facts.Note, d.Facts.File.Judge},
			[]any{model.DocumentQuarantined, "page 2 was changed", model.Judge})
		if !strings.Contains(d.Reason, "page 2 was changed") || !strings.Contains(d.Reason, "documents release") {
			t.Errorf("the reason is %q", d.Reason)
		}
	})
	t.Run("quarantined for another reason than what is in it", func(t *testing.T) {
		b, d := quarantined(t)
		d.Reason = "a callback's link brought it, and the provider says declined"
		b.older(t, d, d.Facts)
		b.reader = pdf.InspectHere
		check(t, b.JudgeQuarantined(t.Context()))
		same(t, "state", b.document(t, "a").State, model.DocumentQuarantined)
		same(t, "word", b.document(t, "a").Facts.Signature, model.SignatureIntact)
	})
	t.Run("not as it was put there", func(t *testing.T) {
		b, d := quarantined(t)
		b.older(t, d, d.Facts)
		check(t, os.WriteFile(filepath.Join(b.root, d.Path), pdftest.Plain("another"), 0o600))
		b.reader = pdf.InspectHere
		check(t, b.JudgeQuarantined(t.Context()))
		now := b.document(t, "a")
		same(t, "state", []any{now.State, now.Facts.File.Judge}, []any{model.DocumentQuarantined, model.Judge - 1})
	})
}

// A stored file stays stored, whatever newer rules say; that it is altered is told once, and stands in its row.
func TestNewerRulesLeaveAStoredFileWhereItIs(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Signed()
		b.answered(t, "a", completed(marked("")))
		d := b.fetched(t, "a")
		b.older(t, d, d.Facts)
		b.says(pdf.Verdict{Facts: wronglyAltered})
		found, judged, err := b.Check(t.Context(), b.document(t, "a"))
		check(t, err)
		same(t, "found", found, []Difference{{"acc", "a", d.ID, "signature", "intact", "altered"}})
		same(t, "judged", judged, true)
		now := b.document(t, "a")
		same(t, "now", []any{now.State, now.Path, now.Facts.Signature, now.Facts.File.Judge},
			[]any{model.DocumentStored, d.Path, model.SignatureAltered, model.Judge})
		found, judged, err = b.Check(t.Context(), now)
		check(t, err)
		same(t, "again", []any{len(found), judged}, []any{0, false})
	})
}

// A file that did not come whole stays in quarantine whatever the rules are: a reader that bears damage would read it.
func TestNoRulesLetACutFileOut(t *testing.T) {
	for name, raw := range map[string][]byte{
		"cut":        pdftest.Signed()[:len(pdftest.Signed())-300],
		"a web page": []byte("<html>sign in first</html>"),
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				b.service.Files["1"] = raw
				b.answered(t, "a", completed(marked("")))
				d := b.fetched(t, "a")
				same(t, "state", d.State, model.DocumentQuarantined)
				same(t, "its judge", d.Facts.File.Judge, 0)
				b.says(pdf.Verdict{Facts: model.SignatureFacts{Signature: model.SignatureIntact}}) // were it asked
				check(t, b.JudgeQuarantined(t.Context()))
				found, judged, err := b.Check(t.Context(), d)
				check(t, err)
				same(t, "found", []any{len(found), judged}, []any{0, false})
				same(t, "state", b.document(t, "a").State, model.DocumentQuarantined)
			})
		})
	}
}

// Other certificates that an account trusts are as newer rules: files are judged again by them, once.
func TestOtherTrustedCertificatesJudgeAgain(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Files["1"] = pdftest.Signed()
		b.answered(t, "a", completed(marked("")))
		d := b.fetched(t, "a")
		same(t, "trust, where none is trusted", d.Facts.Trust, model.TrustUnknown)
		v, err := pdf.InspectHere(t.Context(), opened(t, pdftest.Signed()), nil)
		check(t, err)
		v.Facts.Trust = model.TrustTrusted
		b.says(v)
		_, judged, err := b.Check(t.Context(), d)
		check(t, err)
		same(t, "judged again by the same", judged, false)

		b.account.Trusted = [][]byte{{0x30, 1}, {0x30, 2}}
		found, judged, err := b.Check(t.Context(), d)
		check(t, err)
		same(t, "judged again by others", []any{len(found), judged}, []any{0, true})
		d = b.document(t, "a")
		same(t, "now", []any{d.State, d.Facts.Trust}, []any{model.DocumentStored, model.TrustTrusted})
		b.account.Trusted = [][]byte{{0x30, 2}, {0x30, 1}}
		same(t, "outdated by another order", outdated(d, b.account), false)
		b.account.Trusted = nil
		same(t, "outdated where none is trusted any more", outdated(d, b.account), true)
	})
}

// opened is a file that holds some bytes.
func opened(t *testing.T, raw []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pdf")
	check(t, os.WriteFile(name, raw, 0o600))
	f, err := os.Open(name)
	check(t, err)
	t.Cleanup(func() { check(t, f.Close()) })
	return f
}
