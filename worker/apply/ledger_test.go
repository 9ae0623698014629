package apply_test

import (
	"slices"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

// The grace is counted by time, not by when a round happens to settle what is over.
func TestACallbackAfterTheGraceIsLateWhoeverLooksFirst(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
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
			b.Answered(t, ref, workertest.InProgress())
			b.Move(time.Hour)
			done := workertest.InProgress()
			done.Status = model.Completed
			b.Answered(t, ref, done)
			b.Move(c.after)
			if c.settled {
				workertest.Check(t, b.Table.SettleGaps(t.Context()))
			}
			b.Called(t, workertest.Claim(ref, model.Completed))
			workertest.Check(t, b.Table.SettleGaps(t.Context()))
			gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", Ref: ref, IncludePending: true})
			workertest.Check(t, err)
			var kinds []model.GapKind
			for _, g := range gaps {
				if g.Change == model.ChangeStatus {
					kinds = append(kinds, g.Kind)
				}
			}
			workertest.Same(t, ref, kinds, c.want)
			workertest.Same(t, ref+": gaps that a callback may still explain", b.Row(t, ref).OpenGaps, 0)
			b.Move(time.Hour)
			workertest.Check(t, b.Table.SettleGaps(t.Context()))
		}
	})
}

// Each change is counted once, for the channel that showed it first; a callback within the grace makes it told, and
// does not make it first.
func TestWhichChannelToldFirst(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		status := func(s model.Status) model.Observation { o := workertest.InProgress(); o.Status = s; return o }
		tell := func(src apply.Source, ref string, o model.Observation) {
			t.Helper()
			b.Move(time.Minute)
			o.Ref, o.Evidence, o.At, o.AskedAt = ref, model.Verified, b.Now(), b.Now()
			v, err := b.Store.Version(t.Context())
			workertest.Check(t, err)
			o.Version = v
			_, err = b.Table.Answers(t.Context(), b.Account, src, []model.Observation{o})
			workertest.Check(t, err)
		}
		due := func(ref string, why model.DueReason) {
			workertest.Check(t, b.Store.Do(t.Context(),
				store.Unit{Keys: []model.Key{workertest.Key(ref)}, Apply: func(g *store.Batch) error {
					r, _ := g.Transaction(workertest.Key(ref))
					now := g.Now()
					r.NextCheckAt, r.DueReason = &now, why
					g.Put(r, model.Decision{Next: r})
					return nil
				}}))
		}
		want := map[model.Channel]int{}
		expect := func(name string, by model.Channel, n int) {
			t.Helper()
			want[by] += n
			got, err := b.Store.Firsts(t.Context(), "acc", nil)
			workertest.Check(t, err)
			workertest.Same(t, name, got, want)
		}
		poll := func(tier apply.Tier) apply.Source { return apply.Source{Asked: model.AskedPoll, Run: "r", Tier: tier} }
		confirm := apply.Source{Asked: model.AskedConfirm}

		tell(apply.Source{Asked: model.AskedBackfill, Run: "r"}, "history", status(model.InProgress))
		expect("a backfill's history", model.ByBackfill, 1)
		_, err := b.Table.Track(t.Context(), "operator", "acc", "played", []string{"tracked"})
		workertest.Check(t, err)
		tell(confirm, "tracked", status(model.InProgress))
		expect("a first answer after track", model.ByTrack, 1)
		tell(poll(apply.Active), "a", status(model.Draft))
		expect("a new row in an active poll", model.ByActive, 1)
		b.Called(t, workertest.Claim("a", model.InProgress))
		expect("a claim that moved it", model.ByCallback, 1)
		tell(confirm, "a", status(model.InProgress))
		expect("its confirmation", model.ByCallback, 0)
		tell(poll(apply.Idle), "a", status(model.Completed))
		expect("what an idle poll found", model.ByIdle, 1)
		b.Called(t, workertest.Claim("a", model.Completed))
		expect("told within the grace, and not first", model.ByCallback, 0)
		share, err := b.Store.Share(t.Context(), "acc", nil)
		workertest.Check(t, err)
		workertest.Same(t, "told: its creation too, which the first callback explains", share.Reported, 3)
		tell(poll(apply.Audit), "history", status(model.Completed))
		expect("an audit", model.ByAudit, 1)
		_, err = b.Table.Hint(t.Context(), "acc", provider.Hinted{Ref: "tracked"})
		workertest.Check(t, err)
		tell(confirm, "tracked", status(model.Completed))
		expect("a hint", model.ByHint, 1)
		b.Move(time.Hour)
		_, err = b.Table.HintFor(t.Context(), "acc", provider.Hinted{Ref: "a"}, model.DueStream)
		workertest.Check(t, err)
		tell(confirm, "a", status(model.Declined))
		expect("a stream", model.ByStream, 1)
		tell(apply.Source{Asked: model.AskedVerify, Run: "r"}, "a", status(model.Completed))
		expect("a verify that mends", model.ByVerify, 1)
		tell(apply.Source{Asked: model.AskedRef, Run: "r"}, "a", status(model.Declined))
		expect("poll --ref", model.ByHand, 1)
		due("a", model.DueRecheck)
		tell(confirm, "a", status(model.Completed))
		expect("a question about something else", model.ByRecheck, 1)
	})
}

// Where the provider dates a change within its bounds, the ledger knows when it happened.
func TestAGapKnowsTheProvidersTimeWithinItsBounds(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		for name, c := range map[string]struct {
			ago  time.Duration // before the answer
			want bool
		}{"within": {10 * time.Minute, true}, "before the last answer": {3 * time.Hour,
			false}, "in the future": {-time.Minute, false}} {
			b.Answered(t, name, workertest.InProgress())
			b.Move(time.Hour)
			done := workertest.InProgress()
			done.Status = model.Completed
			at := b.Now().Add(time.Minute - c.ago)
			done.ProviderTime = &at
			b.Answered(t, name, done)
			gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc", Ref: name, IncludePending: true})
			workertest.Check(t, err)
			i := slices.IndexFunc(gaps, func(g model.Gap) bool { return g.Change == model.ChangeStatus })
			workertest.Same(t, name, gaps[i].HappenedAt != nil && gaps[i].HappenedAt.Equal(at), c.want)
		}
	})
}
