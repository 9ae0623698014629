package store

import (
	"errors"
	"testing"

	"countersign/model"
)

// Only what nobody but an operator ever named goes, and only where all that was named can go.
func TestUntrack(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		mistyped := func(ref string) model.Transaction {
			return model.Transaction{
				Account: "acc", Ref: ref, Provider: "simulated", Status: model.Unknown, FirstSeenAt: noon, ChangedAt: noon,
				Origin: model.OriginTrack,
			}
		}
		polled, confirmed := mistyped("polled"), mistyped("confirmed")
		polled.Origin = model.OriginPoll
		confirmed.ConfirmedAt = &noon
		d.put(t, mistyped("a"), mistyped("b"), mistyped("called"), polled, confirmed)
		d.do(t, func(b *Batch) error {
			b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "called", Verdict: model.Accepted,
				Outcome: model.Applied, At: noon}})
			b.AddChange(model.Change{Account: "acc", Ref: "b", Kind: model.KindAttention, To: "not_found",
				Status: model.Unknown, Source: "active", Announce: true})
			return nil
		}, key("called"), key("b"))

		all := []string{"a", "called", "polled", "confirmed", "never"}
		got, err := d.Untrack(t.Context(), "acc", all, false)
		check(t, err)
		same(t, "standing", got, []Standing{OnlyTracked, WasCalled, NotTracked, WasConfirmed, NoSuchRow})
		same(t, "rows after a refusal", d.count(t, "transactions"), int64(5))
		got, err = d.Untrack(t.Context(), "acc", []string{"a", "b"}, true)
		check(t, err)
		same(t, "standing", got, []Standing{OnlyTracked, OnlyTracked})
		same(t, "rows after a dry run", d.count(t, "transactions"), int64(5))

		_, err = d.Untrack(t.Context(), "acc", []string{"a", "b"}, false)
		check(t, err)
		same(t, "rows", d.count(t, "transactions"), int64(3))
		same(t, "tombstones", d.count(t, "forgotten"), int64(0))
		_, err = d.Transaction(t.Context(), key("a"))
		same(t, "it is gone", errors.Is(err, ErrNoRow), true)
		feed, err := d.Changes(t.Context(), 0, 0)
		check(t, err)
		same(t, "the feed says of what it told that it is gone", len(feed), 1)
		same(t, "kind and ref", []string{string(feed[0].Kind), feed[0].Ref}, []string{"forgotten", "b"})
		d.put(t, mistyped("a"))
		same(t, "it can be tracked again", d.count(t, "transactions"), int64(4))
	})
}
