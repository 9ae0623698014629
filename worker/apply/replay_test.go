package apply_test

import (
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

const fileLink = "https://files.example.org/a?sig=1"

// stored stores a callback as the listener would, and returns it as it rests.
func stored(
	t *testing.T, b *workertest.Bench, v model.Verdict, body string, more ...func(*apply.Incoming),
) model.Callback {
	t.Helper()
	in := apply.Incoming{Rules: b.Account.Rules,
		Callback: model.Callback{Account: "acc", Ref: "a", Type: "moved", Verdict: v, At: b.Now(), Body: []byte(body)}}
	for _, m := range more {
		m(&in)
	}
	res, err := b.Table.Callback(t.Context(), in)
	workertest.Check(t, err)
	c, err := b.Store.Callback(t.Context(), res.ID)
	workertest.Check(t, err)
	return c
}

// replay hands one in again that says something now, and returns it as it rests then.
func replay(
	t *testing.T, b *workertest.Bench, was model.Callback, verdict model.Verdict, more ...func(*apply.Incoming),
) (model.Callback, bool) {
	t.Helper()
	in := apply.Incoming{Rules: b.Account.Rules, Callback: model.Callback{
		Account: "acc", Ref: "a", Type: "moved", DedupeKey: "k", Verdict: verdict, At: was.At, Body: []byte("clean"),
	}}
	for _, m := range more {
		m(&in)
	}
	res, changed, err := b.Table.Replay(t.Context(), was, in)
	workertest.Check(t, err)
	c, err := b.Store.Callback(t.Context(), was.ID)
	workertest.Check(t, err)
	workertest.Same(t, "what was returned", []any{res.Verdict, res.Outcome}, []any{c.Verdict, c.Outcome})
	return c, changed
}

func saying(s model.Status) func(*apply.Incoming) {
	return func(in *apply.Incoming) { in.Observations = []model.Observation{workertest.Claim("a", s)} }
}

func TestARefusedCallbackThatIsProvedNowIsApplied(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		was, again := stored(t, b, model.Refused, "whole"), stored(t, b, model.Refused, "whole")
		came := was.At
		b.Move(time.Minute)
		withLink := func(in *apply.Incoming) { in.Links = []provider.Link{workertest.Link("a", fileLink)} }
		got, changed := replay(t, b, was, model.Accepted, saying(model.InProgress), withLink)
		workertest.Same(t, "replayed",
			[]any{changed, got.Verdict, got.Outcome, got.DedupeKey, string(got.Body), got.Sealed, got.At}, []any{true,
				model.Accepted, model.Applied, "k", "clean", false, came})
		if !strings.HasPrefix(got.Note, "replayed at ") || !strings.HasSuffix(got.Note, ", was refused") {
			t.Errorf("note %q", got.Note)
		}
		workertest.Same(t, "status", b.Row(t, "a").Status, model.InProgress)
		workertest.Same(t, "link", b.Document(t, "a").Link, fileLink)
		workertest.Same(t, "came", *b.Document(t, "a").LinkAt, came)

		got, changed = replay(t, b, again, model.Accepted, saying(model.InProgress))
		workertest.Same(t, "its copy", []any{changed, got.Verdict, got.Outcome, got.DedupeKey, got.Body == nil},
			[]any{true, model.Duplicate, model.NothingNew, "", true})

		version := b.Row(t, "a").Version
		// the last two: a proof over what was cut out
		for _, v := range []model.Verdict{model.Accepted, model.Refused, model.NotUnderstood} {
			before, err := b.Store.Callback(t.Context(), was.ID)
			workertest.Check(t, err)
			after, changed := replay(t, b, before, v, saying(model.Completed))
			workertest.Same(t, "once more", []any{changed, after.Note, after.Outcome}, []any{false, before.Note, model.Applied})
		}
		workertest.Same(t, "version", b.Row(t, "a").Version, version)
		in := apply.Incoming{Rules: b.Account.Rules,
			Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted, At: was.At}}
		saying(model.Completed)(&in)
		res, changed, err := b.Table.Replay(t.Context(), was, in) // was is as it was before somebody else replayed it
		workertest.Check(t, err)
		workertest.Same(t, "changed behind another's back", []any{changed, res.Verdict, b.Row(t, "a").Version},
			[]any{false, model.Accepted, version})
	})
}

func TestAnOldClaimIsReplayedBehindAnAnswer(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		was := stored(t, b, model.Refused, "whole")
		b.Move(time.Minute)
		b.Called(t, workertest.Claim("a", model.InProgress))
		b.Service.Says["a"] = model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
		b.Confirmed(t)
		b.Move(time.Minute)
		if r := b.Row(t, "a"); !r.Confirmed || r.NextCheckAt != nil {
			t.Fatalf("not settled: %+v", r)
		}
		got, _ := replay(t, b, was, model.Accepted, saying(model.Completed))
		r := b.Row(t, "a")
		workertest.Same(t, "outcome and status", []any{got.Outcome, r.Status, r.NextCheckAt != nil},
			[]any{model.Checking, model.InProgress, true})
	})
}

func TestWhatIsUnderstoodNowTakesItsPlace(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		was := stored(t, b, model.NotUnderstood, "odd", func(in *apply.Incoming) { in.Callback.DedupeKey = "k" })
		if got, changed := replay(t, b, was, model.Refused); changed || got.Verdict != model.NotUnderstood {
			t.Errorf("a proof that no longer holds takes the verdict: %+v", got)
		}
		got, changed := replay(t, b, was, model.Accepted, saying(model.InProgress))
		workertest.Same(t, "understood", []any{changed, got.Verdict, got.Outcome, got.DedupeKey},
			[]any{true, model.Accepted, model.Applied, "k"})

		was = stored(t, b, model.Accepted, "test object", func(in *apply.Incoming) { in.Ignored = "a test" })
		still := func(in *apply.Incoming) { in.Ignored, in.Callback.DedupeKey = "a test", "" }
		if _, changed := replay(t, b, was, model.Accepted, still); changed {
			t.Error("what is ignored still was written")
		}
		got, changed = replay(t, b, was, model.Accepted, saying(model.Completed),
			func(in *apply.Incoming) { in.Callback.DedupeKey = "other" })
		workertest.Same(t, "ignored no longer", []any{changed, got.Outcome, b.Row(t, "a").Status},
			[]any{true, model.Applied, model.Completed})
	})
}

func TestAReplayedCallbacksLinkIsFollowedWhileItMayLive(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		for _, after := range []time.Duration{time.Hour, model.LinkLife} {
			ref := after.String()
			cb := model.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: model.Refused, At: b.Now(),
				Body: []byte("{}")}
			res, err := b.Table.Callback(t.Context(),
				apply.Incoming{Callback: cb, Links: []provider.Link{workertest.Link(ref, fileLink)}})
			workertest.Check(t, err)
			workertest.Same(t, "documents of a refused one", len(b.Documents(t, ref)), 0)
			b.Move(after)
			was, err := b.Store.Callback(t.Context(), res.ID)
			workertest.Check(t, err)
			cb.Verdict = model.Accepted
			again := apply.Incoming{Callback: cb, Rules: b.Account.Rules,
				Observations: []model.Observation{workertest.Claim(ref, model.Completed)},
				Links:        []provider.Link{workertest.Link(ref, fileLink)}}
			for range 2 {
				_, _, err = b.Table.Replay(t.Context(), was, again)
				workertest.Check(t, err)
			}
			want := 1
			if after >= model.LinkLife {
				want = 0
			}
			workertest.Same(t, "documents after "+ref, len(b.Documents(t, ref)), want)
		}
	})
}

// What counts as a callback counts so whenever it is judged: a test says nothing of what happens at the provider, and
// one that is proved late was a callback all the same.
func TestAReplayedCallbackCountsAsOneThatJustCame(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		last := func() *time.Time {
			t.Helper()
			acc, err := b.Store.Account(t.Context(), "acc")
			workertest.Check(t, err)
			return acc.LastCallbackAt
		}
		was := stored(t, b, model.Refused, "a test")
		b.Move(time.Minute)
		got, _ := replay(t, b, was, model.Accepted,
			func(in *apply.Incoming) { in.Test, in.Callback.DedupeKey = true, "test" })
		workertest.Same(t, "outcome of a test", got.Outcome, model.TestEvent)
		workertest.Same(t, "last callback after a test", last(), nil)

		was = stored(t, b, model.Refused, "one")
		stored(t, b, model.Refused, "two")
		workertest.Same(t, "three in a row", b.Open(t), []string{model.CallbacksRefused})
		b.Move(time.Minute)
		replay(t, b, was, model.Accepted, saying(model.InProgress))
		workertest.Same(t, "last callback", last(), &was.At)
		workertest.Same(t, "refused no longer", b.Open(t), nil)
	})
}

func TestAReplayedCallbackThatIsOldEndsNoSilence(t *testing.T) {
	b := workertest.SQLite(t)
	was := stored(t, b, model.Refused, "old")
	b.Move(time.Minute)
	b.Accepted(t, false)
	workertest.Check(t, b.Table.Incidents().Set(t.Context(), "acc", model.CallbacksSilent, "m", true))
	replay(t, b, was, model.Accepted, saying(model.InProgress))
	workertest.Same(t, "open", b.Open(t), []string{model.CallbacksSilent})
}
