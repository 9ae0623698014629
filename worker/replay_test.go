package worker

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
)

// stored stores a callback as the listener would, and returns it as it rests.
func (b *bench) stored(t *testing.T, v model.Verdict, body string, more ...func(*apply.Incoming)) model.Callback {
	t.Helper()
	in := apply.Incoming{Rules: b.account.Rules, Callback: model.Callback{Account: "acc", Ref: "a", Type: "moved", Verdict: v, At: b.Now(), Body: []byte(body)}}
	for _, m := range more {
		m(&in)
	}
	res, err := b.Callback(t.Context(), in)
	check(t, err)
	c, err := b.Store.Callback(t.Context(), res.ID)
	check(t, err)
	return c
}

// replay hands one in again that says something now, and returns it as it rests then.
func (b *bench) replay(t *testing.T, was model.Callback, verdict model.Verdict, more ...func(*apply.Incoming)) (model.Callback, bool) {
	t.Helper()
	in := apply.Incoming{Rules: b.account.Rules, Callback: model.Callback{
		Account: "acc", Ref: "a", Type: "moved", DedupeKey: "k", Verdict: verdict, At: was.At, Body: []byte("clean"),
	}}
	for _, m := range more {
		m(&in)
	}
	res, changed, err := b.Replay(t.Context(), was, in)
	check(t, err)
	c, err := b.Store.Callback(t.Context(), was.ID)
	check(t, err)
	same(t, "what was returned", []any{res.Verdict, res.Outcome}, []any{c.Verdict, c.Outcome})
	return c, changed
}

func saying(s model.Status) func(*apply.Incoming) {
	return func(in *apply.Incoming) { in.Observations = []model.Observation{claim("a", s)} }
}

func TestARefusedCallbackThatIsProvedNowIsApplied(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		was, again := b.stored(t, model.Refused, "whole"), b.stored(t, model.Refused, "whole")
		came := was.At
		b.move(time.Minute)
		withLink := func(in *apply.Incoming) { in.Links = []provider.Link{linkTo("a", link)} }
		got, changed := b.replay(t, was, model.Accepted, saying(model.InProgress), withLink)
		same(t, "replayed", []any{changed, got.Verdict, got.Outcome, got.DedupeKey, string(got.Body), got.Sealed, got.At}, []any{true, model.Accepted, model.Applied, "k", "clean", false, came})
		if !strings.HasPrefix(got.Note, "replayed at ") || !strings.HasSuffix(got.Note, ", was refused") {
			t.Errorf("note %q", got.Note)
		}
		same(t, "status", b.row(t, "a").Status, model.InProgress)
		same(t, "link", b.document(t, "a").Link, link)
		same(t, "came", *b.document(t, "a").LinkAt, came)

		got, changed = b.replay(t, again, model.Accepted, saying(model.InProgress))
		same(t, "its copy", []any{changed, got.Verdict, got.Outcome, got.DedupeKey, got.Body == nil}, []any{true, model.Duplicate, model.NothingNew, "", true})

		version := b.row(t, "a").Version
		for _, v := range []model.Verdict{model.Accepted, model.Refused, model.NotUnderstood} { // the last two: a proof over what was cut out
			before, err := b.Store.Callback(t.Context(), was.ID)
			check(t, err)
			after, changed := b.replay(t, before, v, saying(model.Completed))
			same(t, "once more", []any{changed, after.Note, after.Outcome}, []any{false, before.Note, model.Applied})
		}
		same(t, "version", b.row(t, "a").Version, version)
		in := apply.Incoming{Rules: b.account.Rules, Callback: model.Callback{Account: "acc", Ref: "a", Verdict: model.Accepted, At: was.At}}
		saying(model.Completed)(&in)
		res, changed, err := b.Replay(t.Context(), was, in) // was is as it was before somebody else replayed it
		check(t, err)
		same(t, "changed behind another's back", []any{changed, res.Verdict, b.row(t, "a").Version}, []any{false, model.Accepted, version})
	})
}

func TestAnOldClaimIsReplayedBehindAnAnswer(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		was := b.stored(t, model.Refused, "whole")
		b.move(time.Minute)
		b.called(t, claim("a", model.InProgress))
		b.service.says["a"] = model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
		b.confirmed(t)
		b.move(time.Minute)
		if r := b.row(t, "a"); !r.Confirmed || r.NextCheckAt != nil {
			t.Fatalf("not settled: %+v", r)
		}
		got, _ := b.replay(t, was, model.Accepted, saying(model.Completed))
		r := b.row(t, "a")
		same(t, "outcome and status", []any{got.Outcome, r.Status, r.NextCheckAt != nil}, []any{model.Checking, model.InProgress, true})
	})
}

func TestWhatIsUnderstoodNowTakesItsPlace(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		was := b.stored(t, model.NotUnderstood, "odd", func(in *apply.Incoming) { in.Callback.DedupeKey = "k" })
		if got, changed := b.replay(t, was, model.Refused); changed || got.Verdict != model.NotUnderstood {
			t.Errorf("a proof that no longer holds takes the verdict: %+v", got)
		}
		got, changed := b.replay(t, was, model.Accepted, saying(model.InProgress))
		same(t, "understood", []any{changed, got.Verdict, got.Outcome, got.DedupeKey}, []any{true, model.Accepted, model.Applied, "k"})

		was = b.stored(t, model.Accepted, "test object", func(in *apply.Incoming) { in.Ignored = "a test" })
		still := func(in *apply.Incoming) { in.Ignored, in.Callback.DedupeKey = "a test", "" }
		if _, changed := b.replay(t, was, model.Accepted, still); changed {
			t.Error("what is ignored still was written")
		}
		got, changed = b.replay(t, was, model.Accepted, saying(model.Completed), func(in *apply.Incoming) { in.Callback.DedupeKey = "other" })
		same(t, "ignored no longer", []any{changed, got.Outcome, b.row(t, "a").Status}, []any{true, model.Applied, model.Completed})
	})
}

func TestAReplayedCallbacksLinkIsFollowedWhileItMayLive(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, after := range []time.Duration{time.Hour, model.LinkLife} {
			ref := after.String()
			cb := model.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: model.Refused, At: b.Now(), Body: []byte("{}")}
			res, err := b.Callback(t.Context(), apply.Incoming{Callback: cb, Links: []provider.Link{linkTo(ref, link)}})
			check(t, err)
			same(t, "documents of a refused one", len(b.documents(t, ref)), 0)
			b.move(after)
			was, err := b.Store.Callback(t.Context(), res.ID)
			check(t, err)
			cb.Verdict = model.Accepted
			again := apply.Incoming{Callback: cb, Rules: b.account.Rules, Observations: []model.Observation{claim(ref, model.Completed)}, Links: []provider.Link{linkTo(ref, link)}}
			for range 2 {
				_, _, err = b.Replay(t.Context(), was, again)
				check(t, err)
			}
			want := 1
			if after >= model.LinkLife {
				want = 0
			}
			same(t, "documents after "+ref, len(b.documents(t, ref)), want)
		}
	})
}

// What counts as a callback counts so whenever it is judged: a test says nothing of what happens at the provider, and one
// that is proved late was a callback all the same.
func TestAReplayedCallbackCountsAsOneThatJustCame(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		last := func() *time.Time {
			t.Helper()
			acc, err := b.Store.Account(t.Context(), "acc")
			check(t, err)
			return acc.LastCallbackAt
		}
		was := b.stored(t, model.Refused, "a test")
		b.move(time.Minute)
		got, _ := b.replay(t, was, model.Accepted, func(in *apply.Incoming) { in.Test, in.Callback.DedupeKey = true, "test" })
		same(t, "outcome of a test", got.Outcome, model.TestEvent)
		same(t, "last callback after a test", last(), nil)

		was = b.stored(t, model.Refused, "one")
		b.stored(t, model.Refused, "two")
		same(t, "three in a row", b.openNow(t), []string{model.CallbacksRefused})
		b.move(time.Minute)
		b.replay(t, was, model.Accepted, saying(model.InProgress))
		same(t, "last callback", last(), &was.At)
		same(t, "refused no longer", b.openNow(t), nil)
	})
}

func TestAReplayedCallbackThatIsOldEndsNoSilence(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	was := b.stored(t, model.Refused, "old")
	b.move(time.Minute)
	b.accepted(t, false)
	check(t, b.incident(t.Context(), "acc", model.CallbacksSilent, "m", true))
	b.replay(t, was, model.Accepted, saying(model.InProgress))
	same(t, "open", b.openNow(t), []string{model.CallbacksSilent})
}
