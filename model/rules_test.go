package model_test

import (
	"testing"
	"time"

	"countersign/model"
)

func TestRule1ARowOfNoStatusIsUnknownAndGetsAnAnswer(t *testing.T) {
	d := model.Decide(strong(t), model.Transaction{}, claimed(model.InProgress, noon))
	want(t, "status", d.Next.Status, model.InProgress)
	before := row(model.InProgress)
	before.Signers, before.SignersSet = []model.Signer{{Ref: "s", Status: model.SignerWaiting}}, true
	o := claimed(model.Completed, noon)
	o.Signers = []model.Signer{{Ref: "s", Status: model.SignerSigned}}
	model.Decide(strong(t), before, o)
	want(t, "the row that was given, which Decide must leave alone", before.Signers[0].Status, model.SignerWaiting)
}

func TestRule2AClaimMovesForwardAndNeverBackNorOutOfAFinalStatus(t *testing.T) {
	r := strong(t)
	d := model.Decide(r, row(model.Draft), claimed(model.InProgress, noon))
	want(t, "forward", d.Next.Status, model.InProgress)
	want(t, "confirmed by a callback", d.Next.Confirmed, false)
	want(t, "due after a claim of no end", due(d.Next), -1)
	d = model.Decide(r, row(model.InProgress), claimed(model.Draft, noon))
	want(t, "back", d.Next.Status, model.InProgress)
	want(t, "due after what it may not move", due(d.Next), 2)
	d = model.Decide(r, row(model.Completed), claimed(model.Declined, noon))
	want(t, "out of a final status", d.Next.Status, model.Completed)
	want(t, "due after it", due(d.Next), 2)
	flagged := claimed("", noon)
	flagged.Trashed, flagged.Archived = model.Yes, model.Yes
	d = model.Decide(r, row(model.Completed), flagged)
	want(t, "a flag on a final row", d.Next.Trashed || d.Next.Archived, false)
	want(t, "due after it", due(d.Next), 2)
	d = model.Decide(r, row(model.InProgress), flagged)
	want(t, "a flag on an open row", d.Next.Trashed && d.Next.Archived && d.Grew, true)
	want(t, "due after it", due(d.Next), 2)
	d = model.Decide(r, row(model.InProgress), fetched(row(model.InProgress), model.Draft, noon))
	want(t, "an answer goes anywhere", d.Next.Status, model.Draft)
}

func TestRule2ASignersActMovesADraft(t *testing.T) {
	acted := func(o model.Observation) model.Observation { o.Acted = true; return o }
	signed := claimed("", noon)
	signed.Signers = []model.Signer{{Ref: "s", Status: model.SignerViewed}}
	waiting := claimed("", noon)
	waiting.Signers = []model.Signer{{Ref: "s", Status: model.SignerWaiting}}
	deleted, refuted := row(model.Draft), row(model.Draft)
	deleted.Deleted = true
	refuted.RefutedAs, refuted.RefutedAt = model.Declined, when(noon)
	for _, c := range []struct {
		what     string
		row      model.Transaction
		o        model.Observation
		is       model.Status
		reported model.Status
		due      float64
	}{
		{"a claim of an act alone", row(model.Draft), acted(claimed("", noon)), model.InProgress, model.InProgress, 2},
		{"a claim that shows a signer's act", row(model.Draft), signed, model.InProgress, model.InProgress, 2},
		{"a claim that shows a signer who waits", row(model.Draft), waiting, model.Draft, "", 2},
		{"a weak claim that names it too", row(model.Draft), acted(weakly(model.InProgress, noon)), model.InProgress,
			model.InProgress, -1},
		{"a weak claim of an end", row(model.Draft), acted(weakly(model.Declined, noon)), model.InProgress, model.Declined,
			2},
		{"a weak claim of an end that was refuted", refuted, acted(weakly(model.Declined, noon)), model.Draft, "", 2},
		{"a claim that names a draft", row(model.Draft), acted(claimed(model.Draft, noon)), model.Draft, "", -1},
		{"a hint", row(model.Draft), acted(hinted(noon)), model.Draft, "", 0},
		{"of a deleted row", deleted, acted(claimed("", noon)), model.Draft, "", 2},
		{"of a row that is not known yet", row(model.Unknown), acted(claimed("", noon)), model.Unknown, "", 2},
		{"of a row that has ended", row(model.Completed), acted(claimed("", noon)), model.Completed, "", 2},
	} {
		d := model.Decide(weak(t), c.row, c.o)
		want(t, c.what, d.Next.Status, c.is)
		want(t, c.what+": reported", d.Next.ReportedStatus, c.reported)
		want(t, c.what+": due", due(d.Next), c.due)
		want(t, c.what+": changes", kinds(d, model.KindStatus), map[bool]int{true: 1}[c.is != c.row.Status])
		want(t, c.what+": confirmed", d.Next.Confirmed, c.row.Confirmed && c.is == c.row.Status)
	}
	moved := model.Decide(weak(t), row(model.Draft), acted(claimed("", noon))).Next
	back := model.Decide(weak(t), moved, fetched(moved, model.Draft, after(2)))
	want(t, "the provider has the last word", back.Next.Status, model.Draft)
}

// A copy that lags must not reopen what has ended: asked again, the provider has the last word.
func TestRule8AnAnswerTakesARowOutOfAConfirmedEndOnlyWhenAskedAgain(t *testing.T) {
	r, is := strong(t), row(model.Completed)
	at := noon
	for asked := range 4 {
		d := model.Decide(r, is, fetched(is, model.InProgress, at))
		if held := asked < 3; held != (d.Next.Status == model.Completed && d.Reason == model.Held && d.Next.Confirmed &&
			d.Next.NextCheckAt != nil) {
			t.Fatalf("answer %d: %s, %s, confirmed %v", asked+1, d.Next.Status, d.Reason, d.Next.Confirmed)
		}
		if is = d.Next; asked < 3 {
			at = *is.NextCheckAt
		}
	}
	want(t, "the last answer", is.Status, model.InProgress)

	long := row(model.Completed)
	old := noon.Add(-12 * time.Minute)
	long.ConfirmedAt = &old
	want(t, "of an end confirmed long ago", model.Decide(r, long, fetched(long, model.InProgress, noon)).Next.Status,
		model.InProgress)
	repair := fetched(row(model.Completed), model.InProgress, noon)
	repair.Asked = model.AskedVerify
	want(t, "of verify", model.Decide(r, row(model.Completed), repair).Next.Status, model.InProgress)

	held := model.Decide(r, row(model.Completed), fetched(row(model.Completed), model.InProgress, noon)).Next
	d := model.Decide(r, held, fetched(held, model.Completed, *held.NextCheckAt))
	want(t, "an answer that agrees", d.Next.Status, model.Completed)
	want(t, "due after it", due(d.Next), -1)
	want(t, "changes", len(d.Changes), 0)
}

func TestRule2AHintAsksAtMostOnceAMinuteAndAnUnknownRefOnce(t *testing.T) {
	r := strong(t)
	d := model.Decide(r, row(model.InProgress), hinted(noon))
	want(t, "status", d.Next.Status, model.InProgress)
	want(t, "due", due(d.Next), 0)
	next := model.Decide(r, d.Next, fetched(d.Next, model.InProgress, after(1))).Next
	want(t, "due within the minute", due(model.Decide(r, next, hinted(after(59))).Next), 60)
	want(t, "due after the minute", due(model.Decide(r, next, hinted(after(60))).Next), 60)

	hidden := model.Decide(r, none(), hinted(noon)).Next
	want(t, "an unknown ref is hidden", hidden.Hidden, true)
	want(t, "and asked about", due(hidden), 0)
	d = model.Decide(r, hidden, absent(hidden, model.NotFound, after(1)))
	want(t, "still hidden where the provider does not know it", d.Next.Hidden && !d.Grew && len(d.Changes) == 0, true)
	want(t, "a second fetch", due(model.Decide(r, d.Next, hinted(after(999))).Next), -1)
	d = model.Decide(r, hidden, fetched(hidden, model.InProgress, after(1)))
	want(t, "a row once the provider knows it", !d.Next.Hidden && d.FirstSight, true)
}

func TestRule2WhatIsAskedAtOnceAndWhatRidesWithTheSlot(t *testing.T) {
	r := strong(t)
	flagged := claimed("", noon)
	flagged.Archived = model.Yes
	for _, c := range []struct {
		what string
		row  model.Transaction
		o    model.Observation
		due  float64
	}{
		{"ends it", row(model.InProgress), claimed(model.Completed, noon), 2},
		{"shows it first", none(), claimed(model.InProgress, noon), 2},
		{"changes a flag", row(model.InProgress), flagged, 2},
		{"carries no status", row(model.InProgress), claimed("", noon), 2},
		{"could not be applied", row(model.InProgress), claimed(model.Draft, noon), 2},
		{"any other", row(model.Draft), claimed(model.InProgress, noon), -1},
		{"nothing new", row(model.InProgress), claimed(model.InProgress, noon), -1},
	} {
		want(t, c.what, due(model.Decide(r, c.row, c.o).Next), c.due)
		all := r
		all.Confirm = model.ConfirmAll
		want(t, c.what+", confirm: all", due(model.Decide(all, c.row, c.o).Next), 2)
	}
}

func TestRule2TheDebounceRunsFromTheFirstClaim(t *testing.T) {
	r := strong(t)
	next := model.Decide(r, row(model.InProgress), claimed("", noon)).Next
	next = model.Decide(r, next, claimed("", after(1.5))).Next
	want(t, "due after the second claim", due(next), 2)
	next = model.Decide(r, next, claimed("", after(2.2))).Next // the question is out
	next = model.Decide(r, next, fetched(next, model.InProgress, after(2))).Next
	want(t, "due for the claim that came after the question", due(next), 4.2)
	next = model.Decide(r, next, fetched(next, model.InProgress, after(4.2))).Next
	want(t, "due after its answer", due(next), -1)
	next.NotFound = true
	next = model.Decide(r, next, claimed("", after(6))).Next
	next = model.Decide(r, next, claimed("", after(8.5))).Next
	next = model.Decide(r, next, absent(next, model.NotFound, after(8))).Next
	want(t, "due within the minute when a claim crossed a 404", due(next) < 60, true)
}

func TestRule3TheVersionOrdersAndTheThirdLostAnswerCounts(t *testing.T) {
	r := strong(t)
	next := row(model.InProgress)
	for i := range 2 {
		asked := next
		next = model.Decide(r, next, signerClaim(&next, after(float64(i)))).Next
		want(t, "version", next.Version, asked.Version+1)
		d := model.Decide(r, next, fetched(asked, model.Draft, after(float64(i))))
		want(t, "reason", d.Reason, model.OutOfDate)
		want(t, "status", d.Next.Status, model.InProgress)
		want(t, "due at once", d.Next.NextCheckAt != nil && !d.Next.NextCheckAt.After(after(3)), true)
		next = d.Next
	}
	asked := next
	next = model.Decide(r, next, signerClaim(&next, after(5))).Next
	d := model.Decide(r, next, fetched(asked, model.Draft, after(5)))
	want(t, "the third is applied", d.Next.Status, model.Draft)
	want(t, "and the row due again", d.Next.DueReason, model.DueMoved)
	want(t, "and the count starts anew", d.Next.LostAnswers, 0)

	next.ReportedStatus = model.Completed
	held := model.Decide(r, next, fetched(asked, model.InProgress, after(5)))
	want(t, "rule 8 still holds for the third", held.Reason, model.Held)
	next.ReportedStatus = ""
	gone := model.Decide(r, next, absent(asked, model.NotFound, after(5)))
	want(t, "a third that is not found is applied", gone.Next.NotFound, true)
	want(t, "and due again", gone.Next.DueReason, model.DueMoved)

	old := fetched(row(model.InProgress), model.Completed, after(-9000))
	old.ProviderTime = when(after(-90000))
	want(t, "clocks do not order", model.Decide(r, row(model.InProgress), old).Next.Status, model.Completed)
}

// signerClaim makes a change that grows the version.
func signerClaim(t *model.Transaction, at time.Time) model.Observation {
	o := claimed(model.InProgress, at)
	o.Trashed = model.FlagOf(!t.Trashed)
	return o
}

func TestRule3AClaimOlderThanTheLastConfirmingQuestionOnlyAsks(t *testing.T) {
	o := claimed(model.Completed, noon.Add(-time.Hour)) // the row was confirmed a minute before noon
	o.Attention = []model.Attention{{Kind: model.EmailBounced}}
	d := model.Decide(strong(t), row(model.InProgress), o)
	want(t, "reason", d.Reason, model.TooOld)
	want(t, "changes", len(d.Changes)+len(d.Next.Attention), 0)
	want(t, "status", d.Next.Status, model.InProgress)
	want(t, "reported", d.Next.ReportedStatus, model.Status(""))
	want(t, "due", d.Next.NextCheckAt != nil, true)
}

func TestRule4KnownReversalsNeedAnAnswerOrTheirOwnRule(t *testing.T) {
	r := strong(t)
	sent := row(model.InProgress)
	want(t, "SENT to DRAFT by a callback", model.Decide(r, sent, claimed(model.Draft, noon)).Next.Status, model.InProgress)
	want(t, "SENT to DRAFT by an answer", model.Decide(r, sent, fetched(sent, model.Draft, noon)).Next.Status, model.Draft)
	put := row(model.Completed)
	put.Archived, put.Trashed = true, true
	back := fetched(put, model.Completed, noon)
	back.Archived, back.Trashed = model.No, model.No
	d := model.Decide(r, put, back)
	want(t, "un-archived and restored by an answer", d.Next.Archived || d.Next.Trashed, false)

	own := model.Rules{ // Autosign's
		Confirms:   map[model.Status]model.Status{model.Expired: model.Cancelled},
		FinalMoves: map[model.Status][]model.Status{model.Expired: {model.Cancelled}},
	}
	cancelled := row(model.Cancelled)
	cancelled.Confirmed = false
	d = model.Decide(own, cancelled, fetched(cancelled, model.Expired, noon))
	want(t, "expired confirms cancelled", d.Next.Status == model.Cancelled && d.Next.Confirmed, true)
	d = model.Decide(own, row(model.Expired), claimed(model.Cancelled, noon))
	want(t, "expired becomes cancelled", d.Next.Status, model.Cancelled)
	d = model.Decide(own, row(model.Expired), weakly(model.Cancelled, noon))
	want(t, "but not by a weak claim", d.Next.Status, model.Expired)
}

func TestRule5NotFoundIsAskedAgainAfterGrowingPauses(t *testing.T) {
	r, next, now := strong(t), row(model.InProgress), noon
	for _, days := range []int{1, 2, 4, 8, 16, 30, 30} {
		d := model.Decide(r, next, absent(next, model.NotFound, now))
		want(t, "status", d.Next.Status, model.InProgress)
		want(t, "not_found", d.Next.NotFound && !d.Next.Deleted, true)
		want(t, "days until it is asked again", d.Next.NextCheckAt.Sub(now.Add(time.Second/2)), time.Duration(days)*day)
		next, now = d.Next, *d.Next.NextCheckAt
	}
	d := model.Decide(r, next, fetched(next, model.InProgress, now))
	want(t, "found again", !d.Next.NotFound && d.Next.NotFoundCount == 0 && d.Next.NextCheckAt == nil, true)
}

func TestRule5ADeleteEventAndANotFoundAgreeInEitherOrder(t *testing.T) {
	r := strong(t)
	event := func(at time.Time) model.Observation {
		o := claimed("", at)
		o.Deleted = model.Yes
		return o
	}
	for _, s := range []model.Status{model.InProgress, model.Completed} {
		first := model.Decide(r, row(s), event(noon)).Next
		want(t, "an event alone", first.Deleted, false)
		want(t, "asks", due(first), 2)
		d := model.Decide(r, first, absent(first, model.NotFound, after(2)))
		want(t, "event, then 404", d.Next.Deleted && d.Next.NextCheckAt == nil, true)
		want(t, "status", d.Next.Status, s)
		again := model.Decide(r, d.Next, absent(d.Next, model.NotFound, noon.Add(60*day))).Next
		want(t, "a deleted row is not asked about again", again.Deleted && again.NextCheckAt == nil, true)

		lost := model.Decide(r, row(s), absent(row(s), model.NotFound, noon)).Next
		next := model.Decide(r, lost, event(noon.Add(29*day))).Next
		want(t, "asked at once", next.NextCheckAt.Sub(noon) <= 29*day+debounce, true)
		d = model.Decide(r, next, absent(next, model.NotFound, noon.Add(29*day+debounce)))
		want(t, "404, then event", d.Next.Deleted, true)

		late := model.Decide(r, first, absent(first, model.NotFound, noon.Add(31*day)))
		want(t, "31 days apart", late.Next.Deleted, false)

		back := model.Decide(r, d.Next, fetched(d.Next, s, noon.Add(40*day)))
		want(t, "shown again", back.Next.Deleted || back.Next.NotFound, false)
	}
	confirmed := model.Decide(r, row(model.Completed), fetched(row(model.Completed), model.Completed, noon)).Next
	next := model.Decide(r, confirmed, event(after(1))).Next
	asked := 0
	for ; next.NextCheckAt != nil && asked < 9; asked++ {
		next = model.Decide(r, next, fetched(next, model.Completed, *next.NextCheckAt)).Next
	}
	want(t, "questions after a delete event that no answer shows", asked, 4)
	want(t, "deleted", next.Deleted, false)
}

func TestRule5NeitherNotFoundNorGoneChangesAFinalStatus(t *testing.T) {
	for _, r := range []model.Rules{strong(t), weak(t)} {
		for _, s := range model.Statuses() {
			if !s.Final() {
				continue
			}
			for _, a := range []model.Absence{model.NotFound, model.Gone} {
				d := model.Decide(r, row(s), absent(row(s), a, noon))
				want(t, r.Provider+" status", d.Next.Status, s)
				want(t, r.Provider+" confirmed", d.Next.Confirmed, true)
			}
		}
	}
	d := model.Decide(weak(t), row(model.InProgress), absent(row(model.InProgress), model.Gone, noon))
	want(t, "an open row that is gone", d.Next.Status, model.Cancelled)
	d = model.Decide(weak(t), d.Next, absent(d.Next, model.Gone, after(9)))
	want(t, "and asked again", d.Next.Status == model.Cancelled && !d.Next.NotFound && d.Next.NextCheckAt == nil, true)
	next := model.Decide(weak(t), row(model.InProgress), weakly(model.Completed, noon)).Next
	d = model.Decide(weak(t), next, absent(next, model.Gone, after(2)))
	want(t, "gone after a claim of completed", d.Next.Status, model.InProgress)
}
