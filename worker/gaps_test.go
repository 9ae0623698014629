package worker

import (
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
)

// The grace is counted by time, not by when a round happens to settle what is over.
func TestACallbackAfterTheGraceIsLateWhoeverLooksFirst(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for ref, c := range map[string]struct {
			after   time.Duration
			settled bool
			want    []model.GapKind
		}{
			"in time":                     {5 * time.Minute, false, nil},
			"over, not settled yet":       {5*time.Minute + time.Second, false, []model.GapKind{model.GapLate}},
			"over, settled in between":    {6 * time.Minute, true, []model.GapKind{model.GapLate}},
			"settled while it still runs": {4 * time.Minute, true, nil},
		} {
			b.answered(t, ref, inProgress())
			b.move(time.Hour)
			done := inProgress()
			done.Status = model.Completed
			b.answered(t, ref, done)
			b.move(c.after)
			if c.settled {
				check(t, b.settleOnce(t.Context()))
			}
			b.called(t, claim(ref, model.Completed))
			check(t, b.settleOnce(t.Context()))
			gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", Ref: ref, IncludePending: true})
			check(t, err)
			var kinds []model.GapKind
			for _, g := range gaps {
				if g.Change == model.ChangeStatus {
					kinds = append(kinds, g.Kind)
				}
			}
			same(t, ref, kinds, c.want)
			same(t, ref+": gaps that a callback may still explain", b.row(t, ref).OpenGaps, 0)
			b.move(time.Hour)
			check(t, b.settleOnce(t.Context()))
		}
	})
}
