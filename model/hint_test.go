package model_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/model"
)

func TestRule2AHintWithinTheMinuteIsPostponed(t *testing.T) {
	r := strong(t)
	asked := func(is model.Transaction, at float64) model.Transaction {
		return model.Decide(r, is, fetched(is, model.InProgress, after(at))).Next
	}
	first := model.Decide(r, row(model.InProgress), hinted(noon))
	is := asked(first.Next, 1)

	d := model.Decide(r, is, hinted(after(10)))
	want(t, "due within the minute", due(d.Next), 60)
	want(t, "reason", d.Reason, model.Nudged)
	want(t, "due after another", due(model.Decide(r, d.Next, hinted(after(20))).Next), 60)
	want(t, "reason of another", model.Decide(r, d.Next, hinted(after(20))).Reason, model.Quiet)
	polled := asked(d.Next, 30)
	want(t, "due once a poll has asked after it", due(polled), -1)
	want(t, "due after one more", due(model.Decide(r, polled, hinted(after(40))).Next), 60)

	claimed := model.Decide(r, d.Next, claimed("", after(20))).Next
	want(t, "due by a claim that comes before", due(claimed), 22)
	want(t, "due after the claim's question", due(asked(claimed, 22)), -1)

	slow := model.Decide(r, first.Next, hinted(after(10))).Next // its question went out at 1 and is not answered yet
	want(t, "due while the question is out", due(slow), 0)
	want(t, "due once it is answered", due(asked(slow, 1)), 60)
	lost := model.Decide(r, slow, absent(slow, model.NotFound, after(1))).Next
	want(t, "due once it is answered with not found", due(lost), 60)

	future := row(model.InProgress)
	future.HintedAt = when(noon.Add(time.Hour))
	want(t, "due where our clock was set back", due(model.Decide(r, future, hinted(noon)).Next), 60)
}

// Hints come at any moment, questions take any time: each hint is followed by a question within a minute and a
// question's length, and no two questions are less than a minute apart.
func TestRule2EachHintIsFollowedByAQuestionAtMostOnceAMinute(t *testing.T) {
	r := strong(t)
	rapid.Check(t, func(t *rapid.T) {
		is := row(model.InProgress)
		var hints, questions []time.Time
		now, out := noon, time.Time{} // out is when the question that is out was sent
		var answer time.Time
		step := func(until time.Time) {
			for {
				next := until
				switch {
				case !out.IsZero() && answer.Before(next):
					next = answer
				case out.IsZero() && is.NextCheckAt != nil && is.NextCheckAt.Before(next):
					next = *is.NextCheckAt
				default:
					now = until
					return
				}
				if next.After(now) {
					now = next
				}
				if out.IsZero() {
					out = now
					questions = append(questions, now)
					answer = now.Add(time.Duration(rapid.IntRange(1, 50_000).Draw(t, "takes")) * time.Millisecond)
					continue
				}
				o := fetched(is, model.InProgress, out)
				o.At = now
				is, out = model.Decide(r, is, o).Next, time.Time{}
			}
		}
		for range rapid.IntRange(1, 20).Draw(t, "hints") {
			step(now.Add(time.Duration(rapid.IntRange(1, 40_000).Draw(t, "pause")) * time.Millisecond))
			hints = append(hints, now)
			is = model.Decide(r, is, hinted(now)).Next
		}
		step(now.Add(10 * time.Minute))
		for i, q := range questions {
			if i > 0 && q.Sub(questions[i-1]) < time.Minute {
				t.Fatalf("questions at %v and %v", questions[i-1].Sub(noon), q.Sub(noon))
			}
		}
		for _, h := range hints {
			followed := false
			for _, q := range questions {
				followed = followed || !q.Before(h) && q.Sub(h) <= time.Minute
			}
			if !followed {
				t.Fatalf("no question after the hint at %v within a minute: %v", h.Sub(noon), questions)
			}
		}
		if is.NextCheckAt != nil {
			t.Fatalf("still due at %v", is.NextCheckAt.Sub(noon))
		}
	})
}

func TestAnAliasIsAskedAboutInHiding(t *testing.T) {
	r := strong(t)
	o := model.Observation{Ref: "document_7", Alias: "document_7", Evidence: model.Claim, Type: "DOCUMENT_COMPLETED",
		Acted: true, Refetch: true, At: noon}
	first := model.Decide(r, model.Transaction{Account: "sales", Ref: "document_7"}, o)
	want(t, "hidden", first.Next.Hidden, true)
	want(t, "status", first.Next.Status, model.Unknown)
	want(t, "origin", first.Next.Origin, model.OriginClaim)
	want(t, "due", due(first.Next), debounce.Seconds())
	want(t, "changes", len(first.Changes), 0)
	resting := first.Next
	resting.NextCheckAt = nil // the provider did not know it
	o.At = noon.Add(time.Hour)
	again := model.Decide(r, resting, o)
	want(t, "each callback is asked about", due(again.Next), 3600+debounce.Seconds())
	want(t, "still hidden", again.Next.Hidden, true)
	want(t, "and noted", again.Next.HintedAt.Equal(o.At), true)
	o.Evidence = model.Hint
	want(t, "an unproved one", model.Decide(r, model.Transaction{Account: "sales", Ref: "document_7"}, o).Next.Origin,
		model.OriginHint)
}
