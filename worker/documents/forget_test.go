package documents

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/pdf/pdftest"
)

// forgets forgets a row whose document is stored.
func (b *bench) forgets(t *testing.T, ref string) {
	t.Helper()
	b.service.Says[ref] = completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf"})
	b.service.Files["1"] = pdftest.Plain("one")
	b.called(t, claim(ref, model.Completed))
	b.confirmed(t)
	check(t, b.downloadOnce(t.Context()))
	same(t, "files before", len(b.lying(t)), 1)
	_, files, err := b.Forget(t.Context(), key(ref))
	check(t, err)
	same(t, "files that went", files, 1)
	same(t, "files", len(b.lying(t)), 0)
}

func (b *bench) known(t *testing.T, ref string) bool {
	t.Helper()
	_, err := b.store.Transaction(t.Context(), key(ref))
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		t.Fatal(err)
	}
	return err == nil
}

func TestNothingButTrackBringsBackWhatWasForgotten(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.forgets(t, "a")
		res := b.called(t, claim("a", model.Completed), linkTo("a", link))
		same(t, "a callback", res.Outcome, model.Ignored)
		cb, err := b.store.Callback(t.Context(), res.ID)
		check(t, err)
		same(t, "nothing of it is kept", []any{len(cb.Body), cb.RemoteAddr, len(cb.Headers), cb.Note},
			[]any{0, "", 0, "forgotten"})
		for _, v := range []model.Verdict{model.Refused, model.NotUnderstood} {
			res, err := b.test.Table.Callback(t.Context(), apply.Incoming{Rules: b.account.Rules, Callback: model.Callback{
				Account: "acc", Ref: "a", Type: "moved", Verdict: v, At: b.now(), Body: []byte("about a person"),
			}})
			check(t, err)
			cb, err := b.store.Callback(t.Context(), res.ID)
			check(t, err)
			same(t, "body of a "+string(v)+" one", len(cb.Body), 0)
		}
		status, err := b.test.Table.Hint(t.Context(), "acc", provider.Hinted{Ref: "a"})
		check(t, err)
		same(t, "a hint", status, model.Unknown)
		o := b.service.Answer("a")
		o.At, o.AskedAt = b.now(), b.now()
		for _, asked := range []model.Asked{model.AskedPoll, model.AskedBackfill, model.AskedRef} {
			dids, err := b.test.Table.Answers(t.Context(), b.account,
				apply.Source{Asked: asked, Run: "r1", Tier: apply.Active}, []model.Observation{o})
			check(t, err)
			same(t, "an answer", dids[0].Reason, model.Absent)
		}
		same(t, "a row", b.known(t, "a"), false)
		same(t, "documents", len(b.documents(t, "a")), 0)

		n, err := b.test.Table.Track(t.Context(), "operator", "acc", "simulated", []string{"a"})
		check(t, err)
		same(t, "tracked", n, 1)
		b.confirmed(t)
		same(t, "status", b.row(t, "a").Status, model.Completed)
		same(t, "documents again", len(b.documents(t, "a")), 1)
	})
}

func TestAFileThatArrivesWhileItsTransactionIsForgottenGoes(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Says["a"] = completed()
		b.service.Links[link] = func(w io.Writer) error { // forgotten when half of it is here
			_, _, err := b.Forget(t.Context(), key("a"))
			check(t, err)
			_, err = w.Write(pdftest.Plain("one"))
			return err
		}
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		same(t, "files of the hold folder", len(b.lying(t)), 0)

		b.forgets(t, "b")
		b.service.Says["c"] = completed(model.DocumentRef{ID: "2", Kind: model.SignedDocument, Name: "lease.pdf"})
		b.service.Files["2"] = pdftest.Plain("two")
		b.called(t, claim("c", model.Completed))
		b.confirmed(t)
		d, row := b.document(t, "c"), b.row(t, "c")
		_, _, err := b.Forget(t.Context(), key("c"))
		check(t, err)
		tmp, err := b.files.Temp()
		check(t, err)
		_, err = tmp.Write(pdftest.Plain("two"))
		check(t, errors.Join(err, tmp.Close()))
		check(t, b.place(t.Context(), d, row, &file{path: tmp.Name(), sum: "5ca1ab1e", size: 3},
			model.Settlement{Step: model.StepPlace}))
		same(t, "files", len(b.lying(t)), 0)
		same(t, "documents", len(b.documents(t, "c")), 0)
	})
}

// A kill between the rows and the files leaves files: the next run of the verb, or the daemon, finds them.
func TestForgettingIsFinishedAfterAKill(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.forgets(t, "a")
		b.service.Says["b"] = completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf"})
		b.called(t, claim("b", model.Completed))
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		lies := b.lying(t)
		same(t, "files before", len(lies), 1)
		for _, also := range []string{"quarantine/" + lies[0], "acc/2019/12/b/1.v2.pdf",
			".hold/" + b.document(t, "b").ID + "-0123456789abcdef.pdf", "acc/2019/12/bb/1.pdf"} {
			p := filepath.Join(b.root, also)
			check(t, os.MkdirAll(filepath.Dir(p), 0o700))
			check(t, os.WriteFile(p, pdftest.Plain("left"), 0o600))
		}
		_, err := b.store.Forget(t.Context(), key("b"), "operator")
		check(t, err)
		same(t, "killed here", len(b.lying(t)), 5)
		check(t, b.SweepForgotten(t.Context()))
		same(t, "what the daemon left", b.lying(t), []string{"acc/2019/12/bb/1.pdf"})
		left, err := b.store.Forgotten(t.Context(), at(b.now().Add(time.Hour)))
		check(t, err)
		same(t, "files to be swept", len(left), 0)
	})
}

func at(t time.Time) *time.Time { return &t }
