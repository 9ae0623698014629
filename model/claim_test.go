package model_test

import (
	"strconv"
	"testing"
	"time"

	"countersign/model"
)

// told is a claim that describes its transaction.
func told(s model.Status, name string) model.Observation {
	o := claimed(s, noon)
	o.Name, o.ExternalID, o.Metadata, o.CreatedAt, o.ExpiresAt, o.Mark = name, "own", "{}", when(noon.Add(-day)),
		when(noon.Add(day)), "mark"
	o.Signers = []model.Signer{{Ref: "1", Name: "Ada", Email: "ada@example.org", Status: model.SignerWaiting},
		{Ref: "2", Status: model.SignerWaiting}}
	return o
}

func TestAProvedClaimFillsWhatNoAnswerHasSaid(t *testing.T) {
	r := strong(t)
	is := model.Decide(r, none(), told(model.InProgress, "Lease")).Next
	want(t, "name", is.Name, "Lease")
	want(t, "own id", is.ExternalID, "own")
	want(t, "metadata", is.Metadata, "{}")
	want(t, "created", *is.CreatedAt, noon.Add(-day))
	want(t, "expires", *is.ExpiresAt, noon.Add(day))
	want(t, "mark of a list", is.ProviderMark, "")
	want(t, "signers who are described", len(is.Signers), 1)
	want(t, "signers in all", is.SignersAll, 1)
	first := model.Decide(r, none(), told("", "Lease"))
	want(t, "what becomes of a claim that names signers and no status", first.Reason, model.Doubted)

	newer := told(model.InProgress, "Lease 2")
	newer.Signers[0].Status = model.SignerSigned
	newer.Signers = append(newer.Signers,
		model.Signer{Ref: "3", Email: "ben@example.org", Status: model.SignerDeclined, Reason: "no"})
	is = model.Decide(r, is, newer).Next
	want(t, "name by a newer claim", is.Name, "Lease 2")
	want(t, "signers by a newer claim", signersOf(is), "1=signed 3=declined ")

	gone := model.Decide(r, is, absent(is, model.NotFound, after(3))).Next
	for n := 0; !gone.NotFound && n < 9; n++ {
		gone = model.Decide(r, gone, absent(gone, model.NotFound, after(float64(3+n*1000)))).Next
	}
	want(t, "gone before the first answer", gone.NotFound, true)
	want(t, "name of one that is gone", gone.Name, "Lease 2")
	want(t, "signers of one that is gone", signersOf(gone), "1=signed 3=declined ")

	o := fetched(is, model.InProgress, after(3))
	o.Name, o.Signers = "Lease 3", []model.Signer{{Ref: "1", Name: "Ada", Status: model.SignerViewed},
		{Ref: "4", Status: model.SignerWaiting}}
	d := model.Decide(r, is, o)
	want(t, "name by the first answer", d.Next.Name, "Lease 3")
	want(t, "own id that the answer does not tell", d.Next.ExternalID, "own")
	want(t, "signers by the first answer", signersOf(d.Next), "1=viewed 4=waiting ")
	want(t, "the version grew", d.Grew, true)
	for _, f := range d.Found {
		t.Errorf("%s of %q is in the ledger, and no answer had said otherwise", f.Change, f.Signer)
	}

	late := told(model.InProgress, "Lease 4")
	late.At, late.SentAt = after(9), when(noon)
	d = model.Decide(r, d.Next, late)
	want(t, "name by a claim after an answer", d.Next.Name, "Lease 3")
	want(t, "time of sending that no answer told", *d.Next.SentAt, noon)
	want(t, "signers by a claim after an answer", signersOf(d.Next), "1=viewed 4=waiting ")
}

func TestWhatNobodyProvedFillsNothing(t *testing.T) {
	for _, e := range []model.Evidence{model.Hint, model.WeakClaim} {
		o := told(model.InProgress, "Lease")
		o.Evidence = e
		is := model.Decide(weak(t), none(), o).Next
		want(t, e.String()+": name, own id and signers", is.Name+is.ExternalID+signersOf(is), "")
		want(t, e.String()+": created", is.CreatedAt == nil, true)
	}
}

func TestAClaimCarriesASignersReason(t *testing.T) {
	is := row(model.InProgress)
	is.Signers, is.SignersSet = []model.Signer{{Ref: "1", Status: model.SignerWaiting}}, true
	o := claimed(model.Declined, noon)
	o.Signers = []model.Signer{{Ref: "1", Status: model.SignerDeclined, Reason: "too dear", ViewedAt: when(noon)}}
	s := model.Decide(strong(t), is, o).Next.Signers[0]
	want(t, "status", s.Status, model.SignerDeclined)
	want(t, "reason", s.Reason, "too dear")
	want(t, "viewed", *s.ViewedAt, noon)
}

func TestWhatHasEndedRunsOutNoMore(t *testing.T) {
	r := strong(t)
	open := row(model.InProgress)
	open.ExpiresAt = when(noon.Add(time.Hour))
	claim := claimed(model.Completed, noon)
	claim.ExpiresAt = when(noon.Add(day))
	want(t, "after a claim of the end", model.Decide(r, open, claim).Next.ExpiresAt == nil, true)
	o := fetched(open, model.Completed, noon)
	o.ExpiresAt = when(noon.Add(time.Hour))
	want(t, "after an answer that tells the end", model.Decide(r, open, o).Next.ExpiresAt == nil, true)

	again := claimed(model.InProgress, noon)
	again.ExpiresAt = when(noon.Add(day))
	is := model.Decide(r, open, again).Next
	want(t, "sent again", *is.ExpiresAt, noon.Add(day))
	old := claimed(model.InProgress, after(9))
	old.ExpiresAt = when(noon)
	want(t, "after a claim from before", *model.Decide(r, is, old).Next.ExpiresAt, noon.Add(day))
	back := fetched(is, model.InProgress, after(20))
	back.ExpiresAt = when(noon.Add(2 * time.Hour))
	want(t, "the provider has the last word", *model.Decide(r, is, back).Next.ExpiresAt, noon.Add(2*time.Hour))
}

// A claim is applied inside the one transaction that other callbacks wait for.
func TestVeryManySignersCostNoSearchForEach(t *testing.T) {
	o := claimed(model.InProgress, noon)
	for i := range 200_000 {
		o.Signers = append(o.Signers, model.Signer{Ref: strconv.Itoa(i), Name: "n", Status: model.SignerViewed})
	}
	done := make(chan model.Decision, 1)
	go func() {
		first := model.Decide(strong(t), none(), o)
		done <- model.Decide(strong(t), first.Next, o)
	}()
	select {
	case d := <-done:
		want(t, "signers", len(d.Next.Signers), len(o.Signers))
	case <-time.After(30 * time.Second): // a search for each takes many minutes
		t.Fatal("not done yet")
	}
}
