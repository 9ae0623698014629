package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/pdf/pdftest"
)

func marked(mark string) model.DocumentRef {
	return model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: mark}
}

// answered applies an answer as a poll would.
func (b *bench) answered(t *testing.T, ref string, o model.Observation) Applied {
	t.Helper()
	b.move(time.Minute)
	o.Ref, o.Evidence, o.At, o.AskedAt = ref, model.Verified, b.Now(), b.Now()
	v, err := b.Store.Version(t.Context())
	check(t, err)
	o.Version = v
	dids, err := b.Answers(t.Context(), b.account, Source{Asked: model.AskedPoll, Run: "r"}, []model.Observation{o})
	check(t, err)
	return dids[0]
}

func TestAnotherMarkIsAnotherVersion(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.files["1"] = pdftest.Plain("one")
		b.answered(t, "a", completed(marked("m1")))
		check(t, b.downloadOnce(t.Context()))
		first := b.document(t, "a")
		same(t, "first", []any{first.State, first.Version, first.Mark}, []any{model.DocumentStored, 1, "m1"})
		b.answered(t, "a", completed(marked("m1")))
		b.answered(t, "a", completed(marked("")))
		same(t, "documents while the mark stays", len(b.documents(t, "a")), 1)

		b.service.files["1"] = pdftest.Plain("two")
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
		b.service.files["1"] = pdftest.Plain("one")
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
		b.service.files["1"] = pdftest.Plain("one")
		b.answered(t, "a", completed(marked("m1")))
		claimed, err := b.Store.ClaimDocuments(t.Context(), store.DocumentsDue{Now: b.Now(), Limit: 1}, "test", time.Minute)
		check(t, err)
		b.answered(t, "a", completed(marked("m2")))
		check(t, b.download(t.Context(), claimed[0]))
		b.service.files["1"] = pdftest.Plain("two")
		check(t, b.downloadOnce(t.Context()))
		list := b.documents(t, "a")
		same(t, "versions", len(list), 2)
		same(t, "marks", []string{list[0].Mark, list[1].Mark}, []string{"m1", "m2"})
		same(t, "states", []model.DocumentState{list[0].State, list[1].State}, []model.DocumentState{model.DocumentStored, model.DocumentStored})
	})
}

func TestAFailedDownloadWaitsLongerEachTime(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	b.service.noFile = provider.ErrNotReady
	b.answered(t, "a", completed(marked("")))
	want := []time.Duration{30, 60, 120, 240, 480, 960, 1800, 1800}
	for i, seconds := range want {
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, fmt.Sprintf("pause %d", i), d.NextTryAt.Sub(b.Now()), seconds*time.Second)
		same(t, "attempts", d.Attempts, i+1)
		b.ms.Store(d.NextTryAt.UnixMilli())
	}
	b.service.noFile, b.service.files["1"] = nil, pdftest.Plain("one")
	check(t, b.downloadOnce(t.Context()))
	same(t, "state", b.document(t, "a").State, model.DocumentStored)
}

func TestAFileThatIsTooLargeIsAskedForOnce(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	b.service.noFile = fmt.Errorf("read file: %w", provider.ErrTooLarge)
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
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	b.service.files["1"] = []byte("%PDF-1.4 cut off")
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

func TestCredentialsThatAreRefusedStopTheAccountAndOpenAnIncident(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	b.called(t, claim("a", model.Completed))
	b.service.fails = fmt.Errorf("the service says 401: %w", provider.ErrDenied)
	b.confirmed(t)
	if b.may(b.account) {
		t.Error("the account may be asked on")
	}
	open, err := b.Store.Incidents(t.Context(), true)
	check(t, err)
	same(t, "incidents", len(open), 1)
	b.service.fails, b.service.says["a"] = nil, completed()
	b.Resume()
	b.confirmed(t)
	open, err = b.Store.Incidents(t.Context(), true)
	check(t, err)
	same(t, "incidents once they are good again", len(open), 0)
	same(t, "status", b.row(t, "a").Status, model.Completed)
}

func TestAGapIsMissedAfterItsGraceAndLateWhenToldAfterAll(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.called(t, claim("a", model.InProgress))
		b.service.says["a"] = model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
		b.confirmed(t)
		b.answered(t, "a", completed())
		gaps := func() []model.Gap {
			list, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", Ref: "a"})
			check(t, err)
			return list
		}
		check(t, b.settleOnce(t.Context()))
		same(t, "gaps within the grace", len(gaps()), 0)
		b.move(6 * time.Minute)
		check(t, b.settleOnce(t.Context()))
		list := gaps()
		if len(list) != 1 || list[0].Kind != model.GapMissed || list[0].To != "completed" {
			t.Fatalf("gaps after the grace: %+v", list)
		}
		b.called(t, claim("a", model.Completed))
		list = gaps()
		if len(list) != 1 || list[0].Kind != model.GapLate || list[0].Latency == nil || *list[0].Latency != 6*time.Minute {
			t.Fatalf("gaps once told: %+v", list)
		}
	})
}

func TestACallbackThatCannotBeAppliedIsKeptAsNotUnderstood(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		in := apply.Incoming{
			Callback: model.Callback{Account: "acc", Ref: "a", Type: "moved", Verdict: model.Accepted, DedupeKey: "k", At: b.Now(), Body: []byte("{}")},
			Rules:    b.account.Rules, Observations: []model.Observation{claim("a", model.Completed)},
		}
		b.Worker.Now = func() time.Time { panic("a fault of ours") }
		in.Links = []provider.Link{linkTo("a", link)}
		b.Worker.Accounts = func() []*apply.Account { panic("a fault of ours") }
		res, err := b.Callback(t.Context(), in)
		check(t, err)
		same(t, "verdict", res.Verdict, model.NotUnderstood)
		if _, err := b.Store.Transaction(t.Context(), key("a")); !errors.Is(err, store.ErrNoRow) {
			t.Errorf("half of it was applied: %v", err)
		}
		b.Worker.Accounts = func() []*apply.Account { return []*apply.Account{b.account} }
		b.Worker.Now = func() time.Time { return noon }
		res, err = b.Callback(t.Context(), in) // its next copy, once the fault is mended
		check(t, err)
		same(t, "verdict of the next copy", res.Verdict, model.Accepted)
		same(t, "status", b.row(t, "a").Status, model.Completed)
	})
}

func TestAStoreThatIsGoneIsNoFaultOfTheCallback(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	check(t, os.Remove(b.Store.Path()))
	_, err := b.Callback(t.Context(), apply.Incoming{Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted, At: noon}})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestTextThatNoDatabaseTakesIsCleanedInAnswers(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.answered(t, "a", model.Observation{
			Status: model.InProgress, Name: "Le\x00ase \xff", Reason: "\x00", Signers: []model.Signer{{Ref: "1", Name: "A\x00na", Status: model.SignerWaiting}},
		})
		r := b.row(t, "a")
		same(t, "name and signer", []string{r.Name, r.Signers[0].Name}, []string{"Le\uFFFDase \uFFFD", "A\uFFFDna"})
	})
}

func TestANudgeWakesEveryLoop(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	one, two := b.nudged("one"), b.nudged("two")
	b.Nudge()
	b.Nudge()
	for i, ch := range []<-chan struct{}{one, two} {
		select {
		case <-ch:
		default:
			t.Errorf("loop %d was not woken", i)
		}
		select {
		case <-ch:
			t.Errorf("loop %d was woken twice for nudges that came together", i)
		default:
		}
	}
}
