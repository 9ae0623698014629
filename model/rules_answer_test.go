package model_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

func TestRule5AnOperatorResolvesARowAsDeleted(t *testing.T) {
	lost := model.Decide(strong(t), row(model.InProgress), absent(row(model.InProgress), model.NotFound, noon)).Next
	o := model.Observation{Evidence: model.Verified, Asked: model.AskedOperator, Deleted: model.Yes, At: after(9)}
	d := model.Decide(strong(t), lost, o)
	want(t, "deleted", d.Next.Deleted && d.Grew, true)
	want(t, "status", d.Next.Status, model.InProgress)
	want(t, "due", due(d.Next), -1)
	want(t, "twice", model.Decide(strong(t), d.Next, o).Grew, false)
}

func TestRule6AWeakClaimEndsNothing(t *testing.T) {
	r := weak(t)
	d := model.Decide(r, row(model.Draft), weakly(model.InProgress, noon))
	want(t, "a known row to a status that is not final", d.Next.Status, model.InProgress)
	d = model.Decide(r, row(model.InProgress), weakly(model.Completed, noon))
	want(t, "status", d.Next.Status, model.InProgress)
	want(t, "reported", d.Next.ReportedStatus, model.Completed)
	want(t, "due", due(d.Next), 2)
	want(t, "documents", len(d.Documents), 0)
	d = model.Decide(r, none(), weakly(model.InProgress, noon))
	want(t, "an unknown row", d.Next.Status, model.Unknown)
	failed := weakly(model.Failed, noon)
	failed.Attention = []model.Attention{{Kind: model.FileError, Message: "not a PDF"}}
	d = model.Decide(r, row(model.InProgress), failed)
	want(t, "a failure is attention at once", len(d.Next.Attention) == 1 &&
		d.Next.Attention[0].Message == "not a PDF", true)
	want(t, "and no status", d.Next.Status, model.InProgress)

	next := model.Decide(strong(t), row(model.InProgress), claimed(model.Completed, noon))
	want(t, "a strong claim ends it", next.Next.Status, model.Completed)
	want(t, "without documents", len(next.Documents), 0)
	o := fetched(next.Next, model.Completed, after(2))
	o.Documents = []model.DocumentRef{{ID: "1", Kind: model.SignedDocument}}
	want(t, "which the answer brings", len(model.Decide(strong(t), next.Next, o).Documents), 1)
}

func TestRule7ARefThatOnlyClaimsNamedGoesAndATrackedOneStays(t *testing.T) {
	r := weak(t)
	next := model.Decide(r, none(), weakly("", noon)).Next
	want(t, "unknown", next.Status, model.Unknown)
	want(t, "due", next.DueReason, model.DueNew)
	for i, pause := range pauses {
		d := model.Decide(r, next, absent(next, model.NotFound, *next.NextCheckAt))
		if d.Remove || d.Reason != model.Held {
			t.Fatalf("answer %d: %s", i, d.Reason)
		}
		want(t, "pause", d.Next.NextCheckAt.Sub(*next.NextCheckAt), pause+time.Second/2)
		next = d.Next
	}
	d := model.Decide(r, next, absent(next, model.NotFound, *next.NextCheckAt))
	want(t, "removed", d.Remove && d.Reason == model.Unresolved, true)

	tracked := row(model.Unknown)
	d = model.Decide(r, tracked, absent(tracked, model.NotFound, noon))
	want(t, "a tracked one", !d.Remove && d.Next.NotFound && d.Next.Status == model.Unknown, true)
	want(t, "announced", kinds(d, model.KindStatus), 0)
}

func TestRule8AnAnswerShortOfAClaimedEndIsHeldUntilTheLast(t *testing.T) {
	for name, c := range map[string]struct {
		rules model.Rules
		claim func(model.Status, time.Time) model.Observation
	}{"strong": {strong(t), claimed}, "weak": {weak(t), weakly}} {
		next := model.Decide(c.rules, row(model.InProgress), c.claim(model.Completed, noon)).Next
		agreed := next
		for i, pause := range pauses {
			at := *next.NextCheckAt
			d := model.Decide(c.rules, next, fetched(next, model.InProgress, at))
			want(t, name+" reason", d.Reason, model.Held)
			want(t, name+" confirmed", d.Next.Confirmed, false)
			want(t, name+" reported", d.Next.ReportedStatus, model.Completed)
			want(t, name+" status", d.Next.Status, next.Status)
			want(t, name+" pause", d.Next.NextCheckAt.Sub(at), pause+time.Second/2)
			next = d.Next
			if i == 1 {
				agreed = next
			}
			again := model.Decide(c.rules, next, c.claim(model.Completed, at.Add(time.Second)))
			want(t, name+" another claim restarts", again.Next.Recheck == next.Recheck &&
				again.Next.NextCheckAt.Equal(*next.NextCheckAt), true)
			want(t, name+" a hint shortens a pause",
				model.Decide(c.rules, next, hinted(at.Add(time.Second))).Next.NextCheckAt.Equal(*next.NextCheckAt), true)
			page := fetched(next, model.InProgress, at.Add(time.Second))
			page.Asked = model.AskedPoll
			want(t, name+" a page uses up a question", model.Decide(c.rules, next, page).Next.Recheck, next.Recheck)
		}
		d := model.Decide(c.rules, agreed, fetched(agreed, model.Completed, *agreed.NextCheckAt))
		want(t, name+" the first that agrees wins", d.Next.Status == model.Completed && d.Next.Confirmed, true)
		want(t, name+" and nothing is left", d.Next.ReportedStatus == "" && d.Next.NextCheckAt == nil &&
			d.Next.Recheck == 0, true)

		d = model.Decide(c.rules, next, fetched(next, model.InProgress, *next.NextCheckAt))
		want(t, name+" the last wins", d.Next.Status == model.InProgress && d.Next.Confirmed, true)
		refuted := d.Next
		later := noon.Add(time.Hour)
		d = model.Decide(c.rules, refuted, c.claim(model.Completed, later))
		want(t, name+" reopened", d.Reason == model.Refuted && d.Next.ReportedStatus == "" &&
			d.Next.Status == model.InProgress, true)
		want(t, name+" but asked", d.Next.NextCheckAt != nil, true)
		want(t, name+" held after it",
			model.Decide(c.rules, d.Next, fetched(d.Next, model.InProgress, later.Add(debounce))).Reason == model.Held, false)
		d = model.Decide(c.rules, refuted, c.claim(model.Completed, noon.Add(25*time.Hour)))
		want(t, name+" after 24 h", d.Next.ReportedStatus, model.Completed)
		d = model.Decide(c.rules, refuted, fetched(refuted, model.Draft, later))
		d = model.Decide(c.rules, d.Next, fetched(d.Next, model.InProgress, later.Add(time.Minute)))
		d = model.Decide(c.rules, d.Next, c.claim(model.Completed, later.Add(time.Hour)))
		want(t, name+" after an answer that changed the row", d.Next.ReportedStatus, model.Completed)
	}
}

func TestRule8PollRefIsOneAsk(t *testing.T) {
	r := weak(t)
	next := model.Decide(r, row(model.InProgress), weakly(model.Completed, noon)).Next
	for i := range pauses {
		o := fetched(next, model.InProgress, after(float64(3+i)))
		o.Asked = model.AskedRef
		d := model.Decide(r, next, o)
		want(t, "held", d.Reason, model.Held)
		want(t, "asked", d.Next.Recheck, i+1)
		next = d.Next
	}
	o := fetched(next, model.InProgress, after(9))
	o.Asked = model.AskedRef
	want(t, "the last wins", model.Decide(r, next, o).Next.Confirmed, true)
}

func TestRule9WhatAnAnswerFindsIsToldOrAGap(t *testing.T) {
	r := strong(t)
	before := row(model.InProgress)
	before.Signers, before.SignersSet = []model.Signer{{Ref: "s", Status: model.SignerWaiting}}, true
	o := fetched(before, model.Completed, noon)
	o.Archived, o.Trashed = model.Yes, model.Yes
	o.Signers = []model.Signer{{Ref: "s", Name: "another name", Status: model.SignerSigned}}
	found := map[model.GapChange]model.Found{}
	for _, f := range model.Decide(r, before, o).Found {
		found[f.Change] = f
	}
	want(t, "changes found", len(found), 4)
	o = fetched(before, model.InProgress, noon)
	o.Name, o.SentAt, o.Signers = "renamed", when(noon), []model.Signer{{Ref: "s", Name: "another name",
		Status: model.SignerWaiting}}
	want(t, "names and times make a gap", len(model.Decide(r, before, o).Found), 0)
	first := model.Decide(r, none(), fetched(none(), model.InProgress, noon))
	want(t, "a first sight", first.FirstSight && len(first.Found) == 1 &&
		first.Found[0].Change == model.ChangeCreated, true)
	tracked := model.Decide(r, row(model.Unknown), fetched(row(model.Unknown), model.InProgress, noon))
	want(t, "a first sight after track", tracked.FirstSight, true)

	f := found[model.ChangeStatus]
	told := func(calls ...model.Called) [2]bool {
		a, b := model.Reported(r, f, calls, false)
		return [2]bool{a, b}
	}
	complete, refused := model.Called{Type: "PACKAGE_COMPLETE", At: noon}, model.Called{Type: "PACKAGE_COMPLETE",
		Refused: true}
	want(t, "by its event", told(complete), [2]bool{true, false})
	want(t, "by another event", told(model.Called{Type: "PACKAGE_TRASH"}), [2]bool{false, false})
	want(t, "by a refused one", told(refused), [2]bool{false, true})
	want(t, "by a refused and a good one", told(refused, complete), [2]bool{true, false})
	want(t, "by a late one", told(model.Called{Type: "PACKAGE_COMPLETE", At: noon.Add(time.Hour)}), [2]bool{true, false})
	want(t, "by nothing", told(), [2]bool{false, false})
	hint := model.Called{Type: "PACKAGE_COMPLETE", At: noon, Unproved: true}
	want(t, "by one without proof", told(hint), [2]bool{false, false})
	want(t, "by one without proof and a good one", told(hint, complete), [2]bool{true, false})
	asked, _ := model.Reported(r, f, []model.Called{hint}, true)
	want(t, "by one without proof that had the provider asked", asked, true)

	want(t, "untold", model.Unreported(r, f, false, nil), model.GapMissed)
	want(t, "untold, refused", model.Unreported(r, f, true, nil), model.GapRefused)
	want(t, "untold, not registered", model.Unreported(r, f, false, []string{"PACKAGE_TRASH"}), model.GapUnsubscribed)
	want(t, "untold, registered", model.Unreported(r, f, false, []string{"PACKAGE_COMPLETE"}), model.GapMissed)
	want(t, "no event", model.Unreported(weak(t), found[model.ChangeTrashed], false, nil), model.GapNoEvent)
	off := found[model.ChangeArchived]
	want(t, "archived", model.Unreported(r, off, false, nil), model.GapMissed)
	off.Off = true
	want(t, "un-archived, which fires nothing that we know", model.Unreported(r, off, false, nil), model.GapNoEvent)
}

func TestRule10ATemplateIsNoRowAndATestIsOne(t *testing.T) {
	// What Receive makes of a template's callback; the conformance test of onespan compares this file with the code.
	recorded, err := os.ReadFile("../provider/onespan/testdata/callbacks/template_create.json")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a template is ignored", strings.Contains(string(recorded), `"Ignored"`), true)
	want(t, "a template is observed", strings.Contains(string(recorded), `"Observations"`), false)
	o := claimed(model.InProgress, noon)
	o.Test = model.Yes
	d := model.Decide(strong(t), none(), o)
	want(t, "a test is a row", d.Next.Test && d.Next.Status == model.InProgress, true)
	answer := fetched(d.Next, model.Completed, after(2))
	answer.Documents = []model.DocumentRef{{ID: "1"}}
	d = model.Decide(strong(t), d.Next, answer)
	want(t, "stays one and has documents", d.Next.Test && len(d.Documents) == 1, true)
}

func TestRule11AttentionIsSetByACallbackAndMendedByAnAnswer(t *testing.T) {
	r := strong(t)
	before := row(model.InProgress)
	o := fetched(before, model.InProgress, after(-9))
	o.Signers, o.Judges = []model.Signer{{Ref: "s", Status: model.SignerWaiting}},
		[]model.AttentionKind{model.SignerLockedOut}
	before = model.Decide(r, before, o).Next

	call := claimed("", noon)
	call.Attention = []model.Attention{{Kind: model.SignerLockedOut, Signer: "s", Message: "three wrong answers"},
		{Kind: model.EmailBounced, Signer: "s"}}
	d := model.Decide(r, before, call)
	want(t, "raised", len(d.Next.Attention), 2)
	want(t, "since", d.Next.Attention[0].Since, noon)
	want(t, "changes", kinds(d, model.KindAttention), 2)
	want(t, "version", d.Next.Version, before.Version)
	want(t, "raised once", len(model.Decide(r, d.Next, call).Next.Attention), 2)

	o.AskedAt, o.At, o.Version = after(2), after(3), before.Version // the same answer as before: it shows the lock mended
	d = model.Decide(r, d.Next, o)
	want(t, "mended", len(d.Next.Attention) == 1 && d.Next.Attention[0].Kind == model.EmailBounced, true)
	o.Signers = []model.Signer{{Ref: "s", Status: model.SignerSigned}}
	d = model.Decide(r, d.Next, o)
	want(t, "a bounce is over when its signer has signed", len(d.Next.Attention), 0)
}

func TestRule11AConfirmedEndIsAChangeOfItsOwnOnce(t *testing.T) {
	r := strong(t)
	next := model.Decide(r, row(model.InProgress), claimed(model.Completed, noon)).Next
	count := 0
	for i := range 4 {
		d := model.Decide(r, next, fetched(next, model.Completed, after(float64(2+i))))
		count += kinds(d, model.KindConfirmed)
		want(t, "grew", d.Grew, false)
		next = model.Decide(r, d.Next, claimed(model.Completed, after(2.7+float64(i)))).Next
	}
	want(t, "confirmed changes", count, 1)
	open := row(model.Draft)
	open.Confirmed = false
	d := model.Decide(r, open, fetched(open, model.Draft, noon))
	want(t, "on a status that is not final", d.Next.Confirmed && len(d.Changes) == 0, true)
}

func TestAnAnswerIsComparedWithTheRowNotWithTheAnswerBefore(t *testing.T) {
	r := strong(t)
	o := fetched(row(model.InProgress), model.InProgress, after(-9))
	o.Trashed, o.Signers = model.No, []model.Signer{{Ref: "s", Status: model.SignerWaiting}}
	next := model.Decide(r, row(model.InProgress), o).Next
	forged := claimed(model.InProgress, noon)
	forged.Trashed, forged.Signers = model.Yes, []model.Signer{{Ref: "s", Status: model.SignerSigned}}
	next = model.Decide(r, next, forged).Next
	want(t, "as claimed", next.Trashed && next.SignersDone == 1, true)
	o.AskedAt, o.At, o.Version = after(2), after(3), next.Version
	next = model.Decide(r, next, o).Next
	want(t, "as answered", !next.Trashed && next.SignersDone == 0, true)
	d := model.Decide(r, next, fetchedAgain(o, next))
	want(t, "the same again costs no write", d.Touch && !d.Grew, true)
}

func fetchedAgain(o model.Observation, t model.Transaction) model.Observation {
	o.AskedAt, o.At, o.Version = o.AskedAt.Add(time.Hour), o.At.Add(time.Hour), t.Version
	return o
}

// Documenso: an open envelope that was deleted is gone from every answer; its event and a 404 together say cancelled.
func TestADeletedOpenRowIsCancelledWhereTheProviderSaysSo(t *testing.T) {
	t.Parallel()
	r := strong(t)
	r.DeletedIs = model.Cancelled
	event := claimed("", noon)
	event.Deleted = model.Yes
	d := model.Decide(r, row(model.InProgress), event)
	if d.Next.Status != model.InProgress || d.Next.NextCheckAt == nil {
		t.Fatalf("the event alone: %s, due %v", d.Next.Status, d.Next.NextCheckAt)
	}
	d = model.Decide(r, d.Next, absent(d.Next, model.NotFound, noon.Add(time.Minute)))
	if d.Next.Status != model.Cancelled || !d.Next.Confirmed || !d.Next.Deleted {
		t.Errorf("with a 404: %s, confirmed %v, deleted %v", d.Next.Status, d.Next.Confirmed, d.Next.Deleted)
	}
	d = model.Decide(r, row(model.InProgress), absent(row(model.InProgress), model.NotFound, noon))
	if d.Next.Status != model.InProgress || d.Next.Deleted {
		t.Errorf("a 404 alone: %s, deleted %v", d.Next.Status, d.Next.Deleted)
	}
}

// Documenso shows a completed envelope after its deletion: the status stands, the flag is its word.
func TestAnAnswerMayShowARowAsDeleted(t *testing.T) {
	t.Parallel()
	o := fetched(row(model.Completed), model.Completed, noon)
	o.Deleted = model.Yes
	d := model.Decide(strong(t), row(model.Completed), o)
	if d.Next.Status != model.Completed || !d.Next.Deleted {
		t.Fatalf("%s, deleted %v", d.Next.Status, d.Next.Deleted)
	}
	o.Version = d.Next.Version
	if again := model.Decide(strong(t), d.Next, o); again.Grew || !again.Touch {
		t.Errorf("the same answer again: grew %v, touch %v", again.Grew, again.Touch)
	}
	o.Deleted = model.Unsaid
	if back := model.Decide(strong(t), d.Next, o); back.Next.Deleted {
		t.Error("an answer that shows it as there leaves it deleted")
	}
}

// A signer whom the answer does not list may be the one that could not be read.
func TestNobodyIsTakenForRemovedWhereASignerWasSkipped(t *testing.T) {
	r, was := strong(t), row(model.InProgress)
	was.Signers, was.SignersSet = []model.Signer{{Ref: "a", Status: model.SignerWaiting},
		{Ref: "b", Status: model.SignerSigned}}, true
	o := fetched(was, model.InProgress, noon)
	o.Signers = []model.Signer{{Ref: "a", Status: model.SignerSigned}}
	for _, c := range []struct {
		skipped []model.Skipped
		b       model.SignerStatus
	}{
		{nil, model.SignerRemoved}, {[]model.Skipped{{Kind: model.SkippedSigner, Count: 1}}, model.SignerSigned},
		{[]model.Skipped{{Kind: model.SkippedDocument, Count: 1}}, model.SignerRemoved},
	} {
		o.Skipped = c.skipped
		d := model.Decide(r, was, o)
		if len(d.Next.Signers) != 2 || d.Next.Signers[0].Status != model.SignerSigned || d.Next.Signers[1].Status != c.b {
			t.Errorf("%+v: %+v", c.skipped, d.Next.Signers)
		}
	}
}
