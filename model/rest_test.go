package model

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// restRules are of a provider with every rule that may keep an unchanged answer from being one.
func restRules() Rules {
	return Rules{
		Provider: "p", RecheckAfter: []time.Duration{time.Second, time.Minute}, Debounce: time.Second, GoneIs: Cancelled,
		DeletedIs: Cancelled, Confirms: map[Status]Status{Expired: Cancelled},
	}
}

// TestWhatAnAnswerLeavesAsItIsDecideOnlyTouches compares what is known without reading the row with what Decide says
// of any row and any answer: what the one calls unchanged, the other only touches.
func TestWhatAnAnswerLeavesAsItIsDecideOnlyTouches(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	unchanged, decided := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		calm := rapid.Bool().Draw(rt, "calm") // a row and an answer of which nothing is remarkable
		yes := func(name string) bool { return !calm && rapid.IntRange(0, 5).Draw(rt, name) == 0 }
		when := func(name string) *time.Time {
			if !yes(name) {
				return nil
			}
			return at(noon.Add(time.Duration(rapid.IntRange(-3, 3).Draw(rt, name+" at")) * time.Minute))
		}
		row := Transaction{
			Account: "a", Ref: "r", Status: rapid.SampledFrom(Statuses()).Draw(rt, "status"), Confirmed: !yes("unconfirmed"),
			Deleted: yes("deleted"), NotFound: yes("not found"), Hidden: yes("hidden"), FirstSeenAt: noon.Add(-time.Hour),
			Version: int64(rapid.IntRange(1, 3).Draw(rt, "version")), NextCheckAt: when("due"), DueSince: when("due since"),
			HintedAt: when("hinted"), DeleteAt: when("delete"), ConfirmedAt: at(noon.Add(-time.Hour)), SignersSet: true,
		}
		if yes("reported") {
			row.ReportedStatus = Completed
		}
		if yes("lost") {
			row.LostAnswers = 1
		}
		if yes("rechecked") {
			row.Recheck, row.DueReason = 1, DueRecheck
		}
		if yes("documents") {
			row.DocsTotal = 1
		}
		said := rapid.SampledFrom(append(Statuses(), row.Status, row.Status, row.Status, "")).Draw(rt, "said")
		if calm {
			said = row.Status
		}
		o := Observation{
			Ref: "r", Evidence: Verified, Status: said, Deleted: FlagOf(row.Deleted != yes("deletion")), At: noon.Add(time.Second),
			AskedAt: noon, Version: 2, Asked: rapid.SampledFrom([]Asked{AskedPoll, AskedBackfill, AskedVerify, AskedRef}).Draw(rt, "asked"),
		}
		if yes("gone") {
			o.Absence = Gone
		}
		if yes("names a file") {
			o.Documents = []DocumentRef{{ID: "d", Kind: SignedDocument}}
		}
		row.Fingerprint = o.fingerprint()
		print, least, most, ok := o.Unchanged(len(o.Documents) > 0)
		hinted := row.HintedAt != nil && row.HintedAt.After(o.AskedAt)
		if r := row.Rest(); !ok || print != row.Fingerprint || r < least || r > most || row.Version > o.Version || hinted {
			decided++
			return
		}
		unchanged++
		d := Decide(restRules(), row, o)
		want := row
		want.ConfirmedAt, want.AskedAt = &o.At, &o.AskedAt
		if !d.Touch || d.Grew || d.Remove || len(d.Changes)+len(d.Found)+len(d.Documents) > 0 || !reflect.DeepEqual(d.Next, want) {
			rt.Fatalf("row %+v\nanswer %+v\nis decided: %+v", row, o, d)
		}
	})
	if unchanged == 0 || decided == 0 {
		t.Errorf("%d unchanged, %d decided: the test shows nothing", unchanged, decided)
	}
}

func TestEachRestIsItsOwn(t *testing.T) {
	seen := map[Rest]string{Restless: "restless"}
	for _, s := range Statuses() {
		for _, deleted := range []bool{false, true} {
			for _, documents := range []bool{false, true} {
				r := rest(s, deleted, documents)
				if was, ok := seen[r]; ok {
					t.Errorf("%s is %d, as is %s", s, r, was)
				}
				seen[r] = string(s)
			}
		}
	}
}
