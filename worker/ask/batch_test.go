package ask_test

import (
	"fmt"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/workertest"
)

func TestDueRowsAreConfirmedInBatches(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		s := b.Batches(10)
		for _, ref := range []string{"a", "b", "c"} {
			b.Answered(t, ref, workertest.InProgress())
			b.Called(t, workertest.Claim(ref, model.Completed))
			b.Service.Says[ref] = workertest.Completed()
		}
		b.Confirmed(t)
		workertest.Same(t, "batches", len(s.Batches), 1)
		workertest.Same(t, "asked alone", len(b.Service.Asked), 0)
		for _, ref := range []string{"a", "b", "c"} {
			workertest.Same(t, ref, b.Row(t, ref).Confirmed, true)
		}
	})
}

func TestUnverifiedRefsAreNotBatched(t *testing.T) {
	b := workertest.SQLite(t)
	s := b.Batches(10)
	for _, ref := range []string{"x", "y"} {
		b.Called(t, model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved"})
	}
	b.Confirmed(t)
	workertest.Same(t, "batches", len(s.Batches), 0)
	workertest.Same(t, "kind of work", b.Service.LastWork, provider.WorkUnknown)
}

func TestCredentialsThatAreRefusedStopTheAccountAndOpenAnIncident(t *testing.T) {
	b := workertest.SQLite(t)
	b.Called(t, workertest.Claim("a", model.Completed))
	b.Service.Fails = fmt.Errorf("the service says 401: %w", provider.ErrDenied)
	b.Confirmed(t)
	if b.Gate.May(b.Account) {
		t.Error("the account may be asked on")
	}
	open, err := b.Store.Incidents(t.Context(), true)
	workertest.Check(t, err)
	workertest.Same(t, "incidents", len(open), 1)
	b.Service.Fails, b.Service.Says["a"] = nil, workertest.Completed()
	workertest.Check(t, b.Gate.Resume(t.Context()))
	b.Confirmed(t)
	open, err = b.Store.Incidents(t.Context(), true)
	workertest.Check(t, err)
	workertest.Same(t, "incidents once they are good again", len(open), 0)
	workertest.Same(t, "status", b.Row(t, "a").Status, model.Completed)
}
