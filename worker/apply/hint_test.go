package apply_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

func TestAHintMakesAKnownRowDueOnceAMinuteAndKeepsItsSteps(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Answered(t, "a", workertest.InProgress())
		hint := provider.Hinted{Ref: "a",
			Steps: []provider.Step{{Name: "otp\x00", At: b.Now()}, {Name: "", At: b.Now()},
				{Name: "signature", At: b.Now().Add(time.Hour)}}}
		for range 3 {
			s, err := b.Table.Hint(t.Context(), "acc", hint)
			workertest.Check(t, err)
			workertest.Same(t, "status", s, model.InProgress)
		}
		b.Service.Says["a"] = workertest.InProgress()
		b.Confirmed(t)
		_, err := b.Table.Hint(t.Context(), "acc", hint)
		workertest.Check(t, err)
		b.Confirmed(t)
		workertest.Same(t, "questions within a minute", len(b.Service.Asked), 1)
		b.Move(time.Minute)
		_, err = b.Table.Hint(t.Context(), "acc", hint)
		workertest.Check(t, err)
		b.Confirmed(t)
		workertest.Same(t, "questions after it", len(b.Service.Asked), 2)
		trail, err := b.Store.Progress(t.Context(), workertest.Key("a"))
		workertest.Check(t, err)
		var names []string
		for _, s := range trail {
			if s.At.After(b.Now()) {
				t.Errorf("step %s lies in the future", s.Name)
			}
			names = append(names, s.Name)
		}
		workertest.Same(t, "first step", names[0], "otp\uFFFD")
		stored, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{})
		workertest.Check(t, err)
		workertest.Same(t, "callbacks", len(stored), 0)
	})
}

func TestAHintAboutARefThatNobodyKnowsCostsOneQuestion(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Service.Says["true"] = workertest.InProgress()
		for _, ref := range []string{"true", "made up", "", "by\x00tes"} {
			for range 3 {
				s, err := b.Table.Hint(t.Context(), "acc",
					provider.Hinted{Ref: ref, Steps: []provider.Step{{Name: "otp", At: b.Now()}}})
				workertest.Check(t, err)
				workertest.Same(t, "status", s, model.Unknown)
				b.Move(2 * time.Minute)
			}
		}
		b.Confirmed(t)
		slices.Sort(b.Service.Asked)
		workertest.Same(t, "asked", b.Service.Asked, []string{"made up", "true"})
		workertest.Same(t, "kind of work", b.Service.LastWork, provider.WorkUnknown)
		if _, err := b.Table.Hint(t.Context(), "acc", provider.Hinted{Ref: "made up"}); err != nil {
			t.Fatal(err)
		}
		b.Confirmed(t)
		workertest.Same(t, "asked again", len(b.Service.Asked), 2)
		rows, _, err := b.Store.Transactions(t.Context(), store.Filter{})
		workertest.Check(t, err)
		workertest.Same(t, "rows for anybody", len(rows), 1)
		for _, ref := range []string{"true", "made up"} {
			trail, err := b.Store.Progress(t.Context(), workertest.Key(ref))
			workertest.Check(t, err)
			workertest.Same(t, "steps of "+ref, len(trail), 0)
		}
	})
}

// burst is how many unknown refs hints may name at once.
const burst = 20

func TestHintsNameNoMoreUnknownRefsThanATenthOfTheBudgetCanAskAbout(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Account.Budget = map[provider.Class]int{provider.ClassRead: 30}
		b.Answered(t, "known", workertest.InProgress())
		flood := func(round string) {
			t.Helper()
			for i := range 200 {
				_, err := b.Table.Hint(t.Context(), "acc", provider.Hinted{Ref: fmt.Sprintf("%s-%d", round, i)})
				workertest.Check(t, err)
			}
		}
		hidden := func() int {
			t.Helper()
			n, err := b.Store.DueCount(t.Context(), b.Now())
			workertest.Check(t, err)
			return n["acc"]
		}
		flood("first")
		workertest.Same(t, "rows after a flood", hidden(), burst)
		b.Move(time.Minute)
		flood("second")
		workertest.Same(t, "rows a minute later", hidden(), burst+3)
		status, err := b.Table.Hint(t.Context(), "acc", provider.Hinted{Ref: "known"})
		workertest.Check(t, err)
		workertest.Same(t, "a row that we know", status, model.InProgress)
		workertest.Same(t, "and it is due", hidden(), burst+4)

		b.Account.Budget = map[provider.Class]int{provider.ClassRead: 600}
		flood("third")
		workertest.Same(t, "rows with a larger budget", hidden(), burst+4+60)
	})
}

// hinted hands over a callback that proves nothing.
func hinted(t *testing.T, b *workertest.Bench, ref string) apply.Result {
	t.Helper()
	return b.Called(t, model.Observation{Ref: ref, Evidence: model.Hint, Type: "moved", Status: model.Completed})
}

// An account without a secret hears two events of one transaction within seconds. The second is no less true.
func TestACallbackWithoutProofWithinTheMinuteIsAskedAboutWhenItIsOver(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		b.Answered(t, "a", workertest.InProgress())
		b.Service.Says["a"] = workertest.InProgress()
		hinted(t, b, "a")
		b.Confirmed(t)
		workertest.Same(t, "questions after the first", len(b.Service.Asked), 1)

		b.Move(time.Second)
		done := workertest.InProgress()
		done.Status = model.Completed
		b.Service.Says["a"] = done
		workertest.Same(t, "outcome of the second", hinted(t, b, "a").Outcome, model.Checking)
		b.Confirmed(t)
		workertest.Same(t, "questions within the minute", len(b.Service.Asked), 1)
		b.Move(time.Minute)
		workertest.Check(t, b.Confirm(t.Context()))
		workertest.Same(t, "questions when it is over", len(b.Service.Asked), 2)
		workertest.Same(t, "status", b.Row(t, "a").Status, model.Completed)

		b.Move(time.Hour)
		workertest.Check(t, b.Table.SettleGaps(t.Context()))
		share, err := b.Store.Share(t.Context(), "acc", nil)
		workertest.Check(t, err)
		// its creation was missed
		workertest.Same(t, "changes of status told and missed", []int{share.Reported, share.Missed}, []int{1, 1})
		cbs, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{})
		workertest.Check(t, err)
		workertest.Same(t, "callbacks without proof", []bool{cbs[0].Unproved, cbs[1].Unproved}, []bool{true, true})
	})
}

// What nobody proved is no receipt: it counts as told only where it had the provider asked.
func TestACallbackWithoutProofThatLedToNoQuestionTellsNothing(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		for _, ref := range []string{"proved", "unproved"} {
			b.Answered(t, ref, workertest.InProgress())
			b.Move(time.Minute)
			workertest.Check(t, b.Store.Do(t.Context(),
				store.Unit{Keys: []model.Key{workertest.Key(ref)}, Apply: func(g *store.Batch) error {
					g.AddCallback(store.Packed{Callback: model.Callback{
						Account: "acc", Ref: ref, Type: "moved", Verdict: model.Accepted, Outcome: model.NothingNew, At: g.Now(),
						Unproved: ref == "unproved",
					}})
					return nil
				}}))
			done := workertest.InProgress()
			done.Status = model.Completed
			b.Answered(t, ref, done)
		}
		b.Move(time.Hour)
		workertest.Check(t, b.Table.SettleGaps(t.Context()))
		gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc"})
		workertest.Check(t, err)
		missed := map[string]int{}
		for _, g := range gaps {
			if g.Change == model.ChangeStatus && g.Kind == model.GapMissed {
				missed[g.Ref]++
			}
		}
		workertest.Same(t, "missed changes of status", missed, map[string]int{"unproved": 1})
	})
}
