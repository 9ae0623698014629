package store

import (
	"fmt"
	"testing"
	"time"

	"countersign/model"
)

func TestSharesByDayAreTheShare(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		kinds := []model.GapKind{model.GapMissed, model.GapLate, model.GapRefused, model.GapUnsubscribed, model.GapNoEvent,
			model.GapPending}
		d.do(t, func(b *Batch) error {
			for i := range 40 {
				when := noon.Add(-time.Duration(i) * 7 * time.Hour)
				account := []string{"acc", "other"}[i%2]
				b.AddReported(account, model.ChangeStatus, when)
				b.AddReported(account, model.ChangeSigner, when)
				b.AddGap(model.Gap{Account: account, Ref: "r", Kind: kinds[i%len(kinds)], Change: model.ChangeStatus,
					Before: when, FoundAt: when, SettleAt: when})
			}
			return nil
		})
		since := noon.Add(-5 * 24 * time.Hour) // the middle of a day, all of which counts
		days, err := d.SharesByDay(t.Context(), since)
		check(t, err)
		sums := map[string]model.Share{}
		for i, day := range days {
			if i > 0 && days[i-1].Account+days[i-1].Day >= day.Account+day.Day {
				t.Errorf("%s %s stands before %s %s", days[i-1].Account, days[i-1].Day, day.Account, day.Day)
			}
			s := sums[day.Account]
			s.Reported, s.Missed, s.Late, s.Refused = s.Reported+day.Reported, s.Missed+day.Missed, s.Late+day.Late,
				s.Refused+day.Refused
			s.Unsubscribed, s.NoEvent = s.Unsubscribed+day.Unsubscribed, s.NoEvent+day.NoEvent
			sums[day.Account] = s
		}
		for _, account := range []string{"acc", "other"} {
			want, err := d.Share(t.Context(), account, &since)
			check(t, err)
			same(t, account, sums[account], want)
		}
		same(t, "days", len(days), 12)
	})
}

func TestCallbacksByDayAreTheList(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		verdicts := []model.Verdict{model.Accepted, model.Refused, model.Duplicate, model.NotUnderstood}
		ids := make([]string, 24)
		d.do(t, func(b *Batch) error {
			for i := range ids {
				ids[i] = b.AddCallback(Packed{Callback: model.Callback{Account: []string{"acc", "other"}[i%2], Ref: "r",
					Type: "t", DedupeKey: fmt.Sprint(i), Verdict: verdicts[i%len(verdicts)], Outcome: model.NothingNew,
					At: noon.Add(-time.Duration(i) * 5 * time.Hour)}})
			}
			return nil
		})
		d.do(t, func(b *Batch) error { // a refused one is replayed with a mended secret, twice
			for range 2 {
				b.Amend(Packed{Callback: model.Callback{ID: ids[1], Account: "other", Ref: "r", Type: "t",
					Verdict: model.Accepted, Outcome: model.Applied, At: noon.Add(-5 * time.Hour)}})
			}
			return nil
		})
		counts, err := d.CallbacksByDay(t.Context(), noon.Add(-100*24*time.Hour))
		check(t, err)
		got := map[CallbackCount]int{}
		for _, c := range counts {
			n := c.Callbacks
			c.Callbacks = 0
			got[c] = n
		}
		want := map[CallbackCount]int{}
		list, _, err := d.Callbacks(t.Context(), CallbackFilter{})
		check(t, err)
		for _, c := range list {
			want[CallbackCount{Account: c.Account, Day: c.At.Format(dayLayout), Verdict: c.Verdict}]++
		}
		same(t, "counts", got, want)
		some, err := d.CallbacksByDay(t.Context(), noon)
		check(t, err)
		for _, c := range some {
			same(t, "since", c.Day, noon.Format(dayLayout))
		}
	})
}
