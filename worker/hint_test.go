package worker

import (
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// hinted hands over a callback that proves nothing.
func (b *bench) hinted(t *testing.T, ref string) apply.Result {
	t.Helper()
	return b.called(t, model.Observation{Ref: ref, Evidence: model.Hint, Type: "moved", Status: model.Completed})
}

// An account without a secret hears two events of one transaction within seconds. The second is no less true.
func TestACallbackWithoutProofWithinTheMinuteIsAskedAboutWhenItIsOver(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.answered(t, "a", inProgress())
		b.service.says["a"] = inProgress()
		b.hinted(t, "a")
		b.confirmed(t)
		same(t, "questions after the first", len(b.service.asked), 1)

		b.move(time.Second)
		done := inProgress()
		done.Status = model.Completed
		b.service.says["a"] = done
		same(t, "outcome of the second", b.hinted(t, "a").Outcome, model.Checking)
		b.confirmed(t)
		same(t, "questions within the minute", len(b.service.asked), 1)
		b.move(time.Minute)
		check(t, b.confirmOnce(t.Context()))
		same(t, "questions when it is over", len(b.service.asked), 2)
		same(t, "status", b.row(t, "a").Status, model.Completed)

		b.move(time.Hour)
		check(t, b.settleOnce(t.Context()))
		share, err := b.Store.Share(t.Context(), "acc", nil)
		check(t, err)
		same(t, "changes of status told and missed", []int{share.Told, share.Missed}, []int{1, 1}) // its creation was missed
		cbs, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{})
		check(t, err)
		same(t, "callbacks without proof", []bool{cbs[0].Unproved, cbs[1].Unproved}, []bool{true, true})
	})
}

// What nobody proved is no receipt: it counts as told only where it had the provider asked.
func TestACallbackWithoutProofThatLedToNoQuestionTellsNothing(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, ref := range []string{"proved", "unproved"} {
			b.answered(t, ref, inProgress())
			b.move(time.Minute)
			check(t, b.Store.Do(t.Context(), store.Unit{Keys: []model.Key{key(ref)}, Apply: func(g *store.Batch) error {
				g.AddCallback(store.Packed{Callback: model.Callback{
					Account: "acc", Ref: ref, Type: "moved", Verdict: model.Accepted, Outcome: model.NothingNew, At: g.Now(), Unproved: ref == "unproved",
				}})
				return nil
			}}))
			done := inProgress()
			done.Status = model.Completed
			b.answered(t, ref, done)
		}
		b.move(time.Hour)
		check(t, b.settleOnce(t.Context()))
		gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc"})
		check(t, err)
		missed := map[string]int{}
		for _, g := range gaps {
			if g.Change == model.ChangeStatus && g.Kind == model.GapMissed {
				missed[g.Ref]++
			}
		}
		same(t, "missed changes of status", missed, map[string]int{"unproved": 1})
	})
}
