package apply_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

func TestAGapIsMissedAfterItsGraceAndLateWhenToldAfterAll(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Called(t, workertest.Claim("a", model.InProgress))
		b.Service.Says["a"] = model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
		b.Confirmed(t)
		b.Answered(t, "a", workertest.Completed())
		gaps := func() []model.Gap {
			list, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", Ref: "a"})
			workertest.Check(t, err)
			return list
		}
		workertest.Check(t, b.Table.SettleGaps(t.Context()))
		workertest.Same(t, "gaps within the grace", len(gaps()), 0)
		b.Move(6 * time.Minute)
		workertest.Check(t, b.Table.SettleGaps(t.Context()))
		list := gaps()
		if len(list) != 1 || list[0].Kind != model.GapMissed || list[0].To != "completed" {
			t.Fatalf("gaps after the grace: %+v", list)
		}
		b.Called(t, workertest.Claim("a", model.Completed))
		list = gaps()
		if len(list) != 1 || list[0].Kind != model.GapLate || list[0].Latency == nil || *list[0].Latency != 6*time.Minute {
			t.Fatalf("gaps once told: %+v", list)
		}
	})
}

func TestACallbackThatCannotBeAppliedIsKeptAsNotUnderstood(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		in := apply.Incoming{
			Callback: model.Callback{Account: "acc", Ref: "a", Type: "moved", Verdict: model.Accepted, DedupeKey: "k",
				At: b.Now(), Body: []byte("{}")},
			Rules: b.Account.Rules, Observations: []model.Observation{workertest.Claim("a", model.Completed)},
		}
		in.Links = []provider.Link{workertest.Link("a", fileLink)}
		b.Accounts = []*apply.Account{nil} // a fault of ours
		res, err := b.Table.Callback(t.Context(), in)
		workertest.Check(t, err)
		workertest.Same(t, "verdict", res.Verdict, model.NotUnderstood)
		if _, err := b.Store.Transaction(t.Context(), workertest.Key("a")); !errors.Is(err, store.ErrNoRow) {
			t.Errorf("half of it was applied: %v", err)
		}
		b.Accounts = []*apply.Account{b.Account}
		res, err = b.Table.Callback(t.Context(), in) // its next copy, once the fault is mended
		workertest.Check(t, err)
		workertest.Same(t, "verdict of the next copy", res.Verdict, model.Accepted)
		workertest.Same(t, "status", b.Row(t, "a").Status, model.Completed)
	})
}

func TestAStoreThatIsGoneIsNoFaultOfTheCallback(t *testing.T) {
	b := workertest.SQLite(t)
	workertest.Check(t, os.Remove(b.Store.Path()))
	_, err := b.Table.Callback(t.Context(),
		apply.Incoming{Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted, At: workertest.Noon()}})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestTextThatNoDatabaseTakesIsCleanedInAnswers(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Answered(t, "a", model.Observation{
			Status: model.InProgress, Name: "Le\x00ase \xff", Reason: "\x00", Signers: []model.Signer{{Ref: "1",
				Name: "A\x00na", Status: model.SignerWaiting}},
		})
		r := b.Row(t, "a")
		workertest.Same(t, "name and signer", []string{r.Name, r.Signers[0].Name},
			[]string{"Le\uFFFDase \uFFFD", "A\uFFFDna"})
	})
}
