package worker

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/workertest"
)

// slow is a service that is silent about unverified refs, as one whose tenth of the budget is used up.
type slow struct {
	*service
	waiting chan string   // refs that are waited for
	answers chan struct{} // closed: it answers
}

func (s *slow) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if provider.CallOf(ctx).Work == provider.WorkUnknown {
		s.waiting <- ref
		<-s.answers
	}
	return s.service.Fetch(ctx, ref)
}

func TestAFloodOfUnknownRefsHoldsUpNoConfirmation(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := &slow{b.service, make(chan string, 100), make(chan struct{})}
		b.account.Provider = providertest.Able(s)
		for _, ref := range []string{"x1", "x2", "x3", "x4", "x5", "x6"} {
			b.called(t, model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved"})
		}
		b.move(3 * time.Second)
		b.startLanes(t.Context(), "confirm", b.confirmLanes())
		<-s.waiting
		b.service.Says["a"] = workertest.Completed()
		b.called(t, claim("a", model.Completed))
		b.move(3 * time.Second)
		for !b.row(t, "a").Confirmed { // while the others still wait
			b.startLanes(t.Context(), "confirm", b.confirmLanes()) // the lane may be at the end of its round
			time.Sleep(time.Millisecond)
		}
		close(s.answers)
		b.inWork.Wait()
		same(t, "asked about all", len(b.service.Asked), 7)
	})
}

// rowsLane is the account's lane for rows that are no unverified refs.
func (b *bench) rowsLane() lane { return b.confirmLanes()[0] }

func TestAFileThatIsSlowHoldsUpNoOther(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	const link, sound = "https://files.example.org/a?sig=1", "https://files.example.org/b"
	stuck := make(chan struct{})
	var once sync.Once
	started := make(chan struct{})
	b.service.Links[link] = func(io.Writer) error {
		once.Do(func() { close(started) })
		<-stuck
		return provider.ErrNotFound
	}
	b.service.Links[sound] = fileOf(pdftest.Plain("two"))
	free := &service{RulesOf: workertest.Rules(), Says: map[string]model.Observation{},
		Files: map[string][]byte{"1": pdftest.Plain("one")}}
	other := *b.account
	other.ID, other.Provider = "other", providertest.Able(free)
	b.test.Accounts = []*apply.Account{b.account, &other}
	b.called(t, claim("a", model.Completed), workertest.Link("a", link))
	b.startLanes(t.Context(), "download", b.downloadLanes())
	<-started

	o := workertest.Completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument})
	o.Ref, o.Evidence, o.At, o.AskedAt = "b", model.Verified, b.test.Now(), b.test.Now()
	_, err := b.Table.Answers(t.Context(), &other, apply.Source{Asked: model.AskedConfirm}, []model.Observation{o})
	check(t, err)
	b.called(t, claim("c", model.Completed), workertest.Link("c", sound))
	b.move(time.Second)
	b.startLanes(t.Context(), "download", b.downloadLanes())
	for b.document(t, "c").LinkFile == "" { // of the same account
	}
	for stored := false; !stored; {
		list, err := b.test.Store.Documents(t.Context(), store.DocumentFilter{Account: "other", Ref: "b"})
		check(t, err)
		stored = len(list) == 1 && list[0].State == model.DocumentStored
	}
	close(stuck)
	b.inWork.Wait()
}

func TestAnAccountThatWasReloadedIsLeftToItsSuccessor(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	before := b.rowsLane()
	b.account.Generation = apply.NewGeneration("")
	next := *b.account
	next.Generation = apply.NewGeneration("")
	check(t, b.account.Generation.End(t.Context()))
	b.test.Accounts = []*apply.Account{&next}
	b.called(t, claim("a", model.Completed))
	b.move(3 * time.Second)
	check(t, before.round(t.Context()))
	same(t, "asked by the one before", len(b.service.Asked), 0)
	check(t, b.rowsLane().round(t.Context()))
	same(t, "asked by the one after", len(b.service.Asked), 1)
}

func TestALanesErrorIsLoggedAndItGoesOn(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	for range 2 {
		b.startLanes(t.Context(), "confirm",
			[]lane{{name: "one", round: func(context.Context) error { return errors.New("the disk is gone") }}})
		b.inWork.Wait()
	}
	if n := strings.Count(b.test.Log.String(), "the disk is gone"); n != 2 {
		t.Errorf("told %d times, want each of both", n)
	}
}
