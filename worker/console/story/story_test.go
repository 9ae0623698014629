package story

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/objects"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func ago(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }

func ptr(at time.Time) *time.Time { return &at }

// signed is a contract that a callback completed and an answer confirmed, after a change that no callback told.
func signed() Input {
	row := model.Transaction{
		Account: "sales", Ref: "8f3a1c", Provider: "onespan", Status: model.Completed, ProviderStatus: "COMPLETED",
		Confirmed: true, ConfirmedAt: ptr(ago(3)), AskedAt: ptr(ago(3)), ChangedAt: ago(4), FirstSeenAt: ago(600),
		Origin: model.OriginClaim, Signers: []model.Signer{{Ref: "s1", Name: "Ana Ruiz", Status: model.SignerSigned}},
	}
	return Input{
		Row: objects.Row{
			Transaction: row,
			History: []model.Change{
				{Seq: 1, Kind: model.KindStatus, From: "unknown", To: "draft", Source: "callback c000000000001", At: ago(600)},
				{Seq: 2, Kind: model.KindStatus, From: "draft", To: "in_progress", Source: "poll r1", At: ago(120), Confirmed: true},
				{Seq: 3, Kind: model.KindGap, To: "missed", Source: "poll r1", At: ago(115)},
				{Seq: 4, Kind: model.KindStatus, From: "in_progress", To: "completed", Source: "callback c000000000612", At: ago(4)},
				{Seq: 5, Kind: model.KindConfirmed, From: "completed", To: "completed", Source: "confirm", At: ago(3), Confirmed: true},
				{Seq: 6, Kind: model.KindDocument, From: "waiting", To: "stored", Source: "download", At: ago(3), Document: "d1"},
			},
			Callbacks: []model.Callback{
				{ID: "c000000000613", Type: "PACKAGE_COMPLETE", Verdict: model.Duplicate, At: ago(4)},
				{ID: "c000000000612", Type: "PACKAGE_COMPLETE", Verdict: model.Accepted, Outcome: model.Applied, At: ago(4)},
				{ID: "c000000000300", Type: "EMAIL_SENT", Verdict: model.Accepted, Outcome: model.NothingNew, At: ago(60)},
				{ID: "c000000000299", Type: "EMAIL_SENT", Verdict: model.Accepted, Outcome: model.NothingNew, At: ago(61)},
				{ID: "c000000000001", Type: "PACKAGE_CREATE", Verdict: model.Accepted, Outcome: model.Applied, At: ago(600)},
			},
			Documents: []model.Document{{ID: "d1", Name: "signed.pdf", Path: "a/b.pdf", State: model.DocumentStored,
				SHA256: strings.Repeat("9f2c", 16), Facts: model.SignatureFacts{Signature: model.SignatureIntact,
					Trust: model.TrustUnknown}}},
			Gaps: []model.Gap{
				{ID: "g2", Kind: model.GapMissed, Change: model.ChangeSigner, From: "waiting", To: "signed", Signer: "s1",
					After: ptr(ago(200)), Before: ago(90), FoundBy: "poll r2", FoundAt: ago(90)},
				{ID: "g1", Kind: model.GapMissed, Change: model.ChangeStatus, From: "draft", To: "in_progress",
					After: ptr(ago(480)), Before: ago(120), FoundBy: "poll r1", FoundAt: ago(120), HappenedAt: ptr(ago(300))},
			},
		},
		Runs:  map[string]model.Run{"r1": {ID: "r1", Kind: "active"}},
		Slots: map[string]time.Time{"audit": noon.Add(15 * time.Hour)}, Provider: "OneSpan Sign",
		Words: words.For("en"), Zone: time.UTC, Now: noon,
	}
}

// lines are the entries as a reader sees them.
func lines(days []Day) (out []string) {
	for _, d := range days {
		out = append(out, "-- "+d.At.Format(time.DateOnly))
		for _, e := range d.Entries {
			line := e.At.Format(time.TimeOnly) + " " + string(e.Line) + " " + e.Title
			for _, more := range []string{e.Said, e.Source.Path} {
				if more != "" {
					line += " | " + more
				}
			}
			if e.Gap != nil {
				line += " | " + e.Gap.Text + ", " + e.Gap.Bounds
			}
			out = append(out, line)
		}
	}
	return out
}

func TestTimelineTellsWhoSaysSo(t *testing.T) {
	require.Equal(t, []string{
		"-- 2026-11-30",
		"11:57:00 ours signed.pdf: stored | the file was fetched from OneSpan Sign",
		"11:57:00 solid completed, confirmed | OneSpan Sign was asked after callback c…612 and answered",
		"11:56:00 dotted in_progress → completed | callback PACKAGE_COMPLETE, proved by the account's secret | /callbacks/c000000000612",
		"11:56:00 dotted 3 callbacks that changed nothing",
		"10:30:00 diamond Ana Ruiz: signed | OneSpan Sign answered a poll | /runs/r2 | no callback told it, between 08:40:00 and 10:30:00",
		"10:00:00 diamond draft → in_progress | OneSpan Sign answered the poll of the active tier | /runs/r1 | no callback told it, between 04:00:00 and 10:00:00",
		"02:00:00 dotted first seen as draft | callback PACKAGE_CREATE, proved by the account's secret | /callbacks/c000000000001",
	}, lines(Timeline(signed(), false)))
}

func TestTimelineOfAllUnfoldsAndGroupsByDaysOfTheZone(t *testing.T) {
	in := signed()
	in.Zone = time.FixedZone("UTC-11", -11*3600)
	days := Timeline(in, true)
	all := strings.Join(lines(days), "\n")
	require.Contains(t, all, "EMAIL_SENT | a callback, nothing_new: it changed nothing | /callbacks/c000000000299")
	require.Contains(t, all, "PACKAGE_COMPLETE | a callback, duplicate: it changed nothing")
	require.Contains(t, all, "the change before counts as missed")
	require.NotContains(t, all, "callbacks that changed nothing")
	require.Len(t, days, 2)
	require.Equal(t, 29, days[1].At.Day())
}

// Two entries of one moment stand in the order in which they were written.
func TestOneMomentIsOrderedBySeq(t *testing.T) {
	in := signed()
	for i := range in.History {
		in.History[i].At = noon
	}
	in.Gaps, in.Callbacks = nil, nil
	var ids []string
	for _, e := range Timeline(in, false)[0].Entries {
		ids = append(ids, e.ID)
	}
	require.Equal(t, []string{"change-6", "change-5", "change-4", "change-2", "change-1"}, ids)
}

func TestOtherChanges(t *testing.T) {
	for want, c := range map[string]model.Change{
		"ours deleted | ana, an operator, said so":                              {Kind: model.KindFlag, To: "deleted", Source: "operator ana"},
		"ours deleted | an operator said so":                                    {Kind: model.KindFlag, To: "deleted", Source: "operator"},
		"solid no longer trashed | OneSpan Sign answered a poll":                {Kind: model.KindFlag, From: "trashed", Source: "poll r9"},
		"solid archived | OneSpan Sign answered a backfill":                     {Kind: model.KindFlag, To: "archived", Source: "backfill r9"},
		"dotted told after all, late | a callback that is no longer kept":       {Kind: model.KindGap, From: "missed", To: "late", Source: "callback c9"},
		"dotted somebody must act: signer locked out (Ana Ruiz)":                {Kind: model.KindAttention, To: "signer_locked", Signer: "s1", Source: "callback c9"},
		"solid no longer: e-mail bounced | OneSpan Sign answered a":             {Kind: model.KindAttention, From: "email_bounced", Source: "verify r9"},
		"solid somebody must act: file error | OneSpan Sign was asked by hand":  {Kind: model.KindAttention, To: "file_error", Source: "ref r9"},
		"ours signed.pdf: quarantined | newer rules judged the file again":      {Kind: model.KindDocument, From: "stored", To: "quarantined", Document: "d1", Source: "newer rules"},
		"ours signed.pdf: unobtainable | no file came from OneSpan Sign":        {Kind: model.KindDocument, From: "waiting", To: "unobtainable", Document: "d1", Source: "download"},
		"ours signed.pdf: failed | no file came from OneSpan Sign":              {Kind: model.KindDocument, From: "waiting", To: "failed", Document: "d1", Source: "download"},
		"ours signed.pdf: waiting | the file is to be fetched from OneSpan":     {Kind: model.KindDocument, From: "failed", To: "waiting", Document: "d1", Source: "download"},
		"ours personal data removed":                                            {Kind: model.KindForgotten, To: "forgotten", Source: "operator"},
		"solid completed → in_progress | OneSpan Sign was asked and answered":   {Kind: model.KindStatus, From: "completed", To: "in_progress", Source: "confirm"},
		"solid somebody must act: file error | OneSpan Sign was asked by maria": {Kind: model.KindAttention, To: "file_error", Source: "ref r3"},
	} {
		in := signed()
		c.Seq, c.At = 9, noon
		in.History, in.Gaps, in.Callbacks = []model.Change{c}, nil, nil
		in.Runs["r3"] = model.Run{ID: "r3", Kind: "ref", Params: `{"by":"operator maria"}`}
		got := lines(Timeline(in, false))
		require.Contains(t, strings.Join(got, "\n"), want)
	}
}

func TestGapsSayHowTheyStand(t *testing.T) {
	wait := 40 * time.Second
	for want, g := range map[string]model.Gap{
		"no callback told it yet; one may until 12:05:00, before 12:00:00": {Kind: model.GapPending, SettleAt: noon.Add(5 * time.Minute)},
		"told 40 s late": {Kind: model.GapLate, Latency: &wait},
		"no callback that was believed told it; one that named the transaction was refused": {Kind: model.GapRefused},
		"event not registered":  {Kind: model.GapUnsubscribed},
		"provider has no event": {Kind: model.GapNoEvent},
	} {
		in := signed()
		g.ID, g.Change, g.To, g.Before, g.FoundAt, g.FoundBy = "g", model.ChangeCreated, "draft", noon, noon, "poll r9"
		in.History, in.Callbacks, in.Gaps = nil, nil, []model.Gap{g}
		require.Contains(t, strings.Join(lines(Timeline(in, false)), "\n"), want)
	}
}

// A span within one day that is not today says its date once; one of two days says both.
func TestASpanSaysItsDateOnce(t *testing.T) {
	in := signed()
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for want, span := range map[string][2]time.Duration{
		"between 28 Nov 2026, 23:57:12 and 23:57:15":              {86232 * time.Second, 86235 * time.Second},
		"between 28 Nov 2026, 23:57:12 and 29 Nov 2026, 00:00:00": {86232 * time.Second, 86400 * time.Second},
	} {
		after := day.Add(span[0])
		require.Equal(t, want, in.Untold(model.Gap{Kind: model.GapMissed, After: &after, Before: day.Add(span[1])}).Bounds)
	}
}

func TestNothingHappened(t *testing.T) {
	in := signed()
	in.History, in.Gaps, in.Callbacks = nil, nil, nil
	require.Empty(t, Timeline(in, false))
}

func TestShort(t *testing.T) {
	require.Equal(t, "c…612", Short("c000000000612"))
	require.Equal(t, "01a2…edd8", Short("01a22d16-35c1-755c-81a6-f0deaeddedd8"))
	require.Equal(t, "r-48", Short("r-48"))
	require.Empty(t, Short(""))
}

// What providers, senders and signers wrote is one line without controls, and addresses are escaped.
func TestHostileWords(t *testing.T) {
	in := signed()
	const hostile = "<script>\x1b[31m\u202e\nname"
	in.Signers[0].Name, in.ProviderStatus = hostile, hostile
	in.Documents[0].Name, in.Documents[0].Reason = hostile, hostile
	in.Callbacks[1].Type = hostile
	in.History[3].Source = "callback ../" + hostile
	for _, d := range Timeline(in, true) {
		for _, e := range d.Entries {
			require.NotContains(t, e.Title+e.Said, "\x1b")
			require.NotContains(t, e.Title+e.Said, "\u202e")
			require.NotContains(t, e.Source.Path, "../")
		}
	}
	for _, s := range Know(in).Known {
		require.NotContains(t, s.Text, "\n")
	}
}

// Who asked to follow a transaction stands among what happened, though no change tells of it.
func TestATimelineSaysWhoAskedToFollow(t *testing.T) {
	in := signed()
	in.TrackedBy, in.TrackedAt = "operator ana", ptr(ago(300))
	require.Contains(t, lines(Timeline(in, false)), "07:00:00 ours followed by order | ana, an operator, said so")
	in.TrackedBy = "operator"
	require.Contains(t, lines(Timeline(in, true)), "07:00:00 ours followed by order | an operator said so")
	require.NotContains(t, strings.Join(lines(Timeline(signed(), true)), "\n"), "followed")
}
