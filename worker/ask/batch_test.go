package ask_test

import (
	"fmt"
	"slices"
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

// First sights of callbacks come in numbers: one call tells of a batch of them, out of their own share of the budget.
func TestUnverifiedRefsAreBatchedByThemselves(t *testing.T) {
	b := workertest.SQLite(t)
	s := b.Batches(10)
	b.Answered(t, "known", workertest.InProgress())
	b.Called(t, workertest.Claim("known", model.Completed))
	for _, ref := range []string{"x", "y", "z"} {
		b.Called(t, model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved"})
		b.Called(t, model.Observation{Ref: "hint-" + ref, Evidence: model.Hint, Type: "moved"})
	}
	b.Confirmed(t)
	var got []string
	for i, refs := range s.Batches {
		slices.Sort(refs)
		got = append(got, fmt.Sprint(refs, s.Works[i]))
	}
	slices.Sort(got)
	workertest.Same(t, "batches", got, []string{"[hint-x hint-y hint-z]unknown", "[x y z]unknown"})
	workertest.Same(t, "asked alone", b.Service.Asked[0], "known")
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
