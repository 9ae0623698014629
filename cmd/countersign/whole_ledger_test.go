package main

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// ledgerScript is an account of OneSpan Sign whose packages a test moves by hand.
type ledgerScript struct {
	installation
	t   *testing.T
	s   *scripted
	key string
}

func (l ledgerScript) is(ref, status string) {
	l.s.says("GET /onespan/api/packages/"+ref, said{
		"id": ref, "name": "Lease", "type": "PACKAGE", "status": status, "trashed": false, "autocomplete": true,
		"created": isoStamp(time.Now().Add(-time.Hour)),
		"updated": isoStamp(time.Now()), "roles": []said{}, "documents": []said{}, "sender": said{"id": "s"},
	})
}

// calls sends a callback; one that is not proved has another key.
func (l ledgerScript) calls(name, ref string, proved bool) {
	l.t.Helper()
	key, want := l.key, http.StatusOK
	if !proved {
		key, want = "another", http.StatusUnauthorized
	}
	code, answer := l.sends(l.t, simulator.AccountOneSpan, map[string]string{"Authorization": "Basic " + key},
		oneSpanEvent(name, ref, time.Now()))
	require.Equal(l.t, want, code, answer)
}

func (l ledgerScript) polls(refs ...string) {
	l.t.Helper()
	l.installation.polls(l.t, simulator.AccountOneSpan, refs...)
}

// sent makes a row that is in progress, as a callback told and an answer confirmed.
func (l ledgerScript) sent(ref string) {
	l.t.Helper()
	l.is(ref, "SENT")
	l.calls("PACKAGE_CREATE", ref, true)
	l.calls("PACKAGE_ACTIVATE", ref, true)
	l.polls(ref)
	l.becomes(l.t, ref, said{"status": "in_progress", "confirmed": true})
}

// gapOf waits for a row's only gap of a kind.
func (l ledgerScript) gapOf(ref, kind string) (gap said) {
	l.t.Helper()
	eventually(l.t, ref+" in the ledger as "+kind, func() bool {
		for _, g := range gapsOf(l.t, l.installation) {
			if g["ref"] == ref && g["kind"] == kind {
				gap = g
				return true
			}
		}
		return false
	})
	return gap
}

// told are the incidents as the feed of changes has them.
func (l ledgerScript) told() (out []string) {
	l.t.Helper()
	for _, c := range objectsIn(l.t, l.said(l.t, "changes", "--json")) {
		if c["kind"] == "incident" {
			out = append(out, c["from"].(string)+">"+c["to"].(string))
		}
	}
	return out
}

// Each kind of gap as it comes to be, the incidents that go with them, and what the ledger makes of it all; with a
// restart while an incident is open.
func TestWholeLedger(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountOneSpan
	s, svc, in := script(t, simulator.Options{Services: []string{"onespan"}})
	in.edit(t, `(?m)^    gap_grace: 1s$`, "$0\n    download: []")
	l := ledgerScript{in, t, s, svc.setting(t, account, "callback_key")}
	gapKeys := []string{"account", "after", "before", "change", "found_at", "found_by", "from", "kind", "latency", "ref",
		"signer", "to"}
	stop := in.daemon(t)
	eventually(t, "the first poll", func() bool { return in.polled(t, account) > 0 })

	// Missed: nothing came. Nobody has called since, which is an incident.
	l.sent("missed")
	l.is("missed", "COMPLETED")
	l.polls("missed")
	gap := l.gapOf("missed", "missed")
	require.Equal(t, gapKeys, slices.Sorted(maps.Keys(gap)))
	require.True(t, agree(gap,
		said{"account": account, "change": "status", "from": "in_progress", "to": "completed", "latency": nil}), "%v", gap)
	require.NotNil(t, gap["after"])
	silent := account + " " + model.CallbacksSilent
	eventually(t, "silence", func() bool { return slices.Contains(in.incidents(t), silent) })
	require.Zero(t, stop())
	stdout, _, code := in.verb(t, "status")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stdout, "callbacks silent")
	in.daemon(t)
	l.is("missed", "DECLINED") // once more, while it is open
	l.polls("missed")
	eventually(t, "a second gap", func() bool { return len(gapsOf(t, in)) == 2 })
	require.Equal(t, []string{">" + model.CallbacksSilent}, l.told())

	// Late: the callback comes after the grace.
	l.sent("late")
	require.Empty(t, in.incidents(t), "callbacks are back")
	require.Equal(t, []string{">" + model.CallbacksSilent, model.CallbacksSilent + ">"}, l.told())
	l.is("late", "COMPLETED")
	l.polls("late")
	l.gapOf("late", "missed")
	l.calls("PACKAGE_COMPLETE", "late", true)
	require.Positive(t, l.gapOf("late", "late")["latency"])

	// Refused: a callback named the ref and did not prove itself. Three in a row are an incident.
	l.sent("refused")
	l.is("refused", "COMPLETED")
	l.calls("PACKAGE_COMPLETE", "refused", false)
	l.polls("refused")
	l.gapOf("refused", "refused")
	l.calls("PACKAGE_COMPLETE", "refused", false)
	require.NotContains(t, in.incidents(t), account+" "+model.CallbacksRefused)
	l.calls("PACKAGE_COMPLETE", "refused", false)
	l.calls("PACKAGE_COMPLETE", "refused", false)
	require.Contains(t, in.incidents(t), account+" "+model.CallbacksRefused)

	// No event: nobody knows what un-archiving fires.
	l.sent("unarchived") // and ends the refusals
	require.NotContains(t, in.incidents(t), account+" "+model.CallbacksRefused)
	l.calls("PACKAGE_COMPLETE", "unarchived", true)
	l.is("unarchived", "ARCHIVED")
	l.calls("PACKAGE_ARCHIVE", "unarchived", true)
	l.polls("unarchived")
	l.becomes(t, "unarchived", said{"status": "completed", "archived": true, "confirmed": true})
	l.is("unarchived", "COMPLETED")
	l.polls("unarchived")
	require.Equal(t, "archived", l.gapOf("unarchived", "no_event")["change"])

	// Unsubscribed: the registration that an audit has read does not name the event.
	s.says("GET /onespan/api/callback",
		said{"url": "https://sign.example.com/callbacks/" + account, "key": l.key,
			"events": []string{"PACKAGE_CREATE", "PACKAGE_ACTIVATE"}})
	in.verb(t, "poll", "--account", account, "--tier", "audit")
	l.sent("unsubscribed")
	l.is("unsubscribed", "COMPLETED")
	l.polls("unsubscribed")
	l.gapOf("unsubscribed", "unsubscribed")

	l.summedUp()
}

// summedUp compares what `gaps --summary` says with what has happened.
func (l ledgerScript) summedUp() {
	t := l.t
	t.Helper()
	kinds := map[any]int{}
	for _, g := range gapsOf(t, l.installation) {
		kinds[g["kind"]]++
	}
	require.Equal(t, map[any]int{"missed": 2, "late": 1, "refused": 1, "unsubscribed": 1, "no_event": 1}, kinds)
	sum := objectsIn(t, l.said(t, "gaps", "--summary", "--json"))[0]
	require.True(t, agree(sum,
		said{"objective": 0.99, "missed": 2, "late": 1, "refused": 1, "unsubscribed": 1, "no_event": 1}), "%v", sum)
	told := sum["told"].(float64)
	require.InDelta(t, told/(told+4), sum["share"], 1e-9)
	require.InDelta(t, (told+4)/100-4, sum["left"], 1e-9)
	require.InDelta(t, 4/((told+4)/100), sum["used"], 1e-9)
	require.InDelta(t, sum["used"], sum["burn"], 1e-9)
	require.EqualValues(t, 4, sum["found_within"].(said)["of"])
	require.EqualValues(t, 1, sum["late_by"].(said)["of"])
	first := sum["told_first"].(said)
	require.EqualValues(t, 6, first["ref"], "each gap was found by `poll --ref`")
	require.Equal(t, told, first["callback"], "and everything else was told")
	_, stderr, code := l.verb(t, "gaps", "--summary", "--fail-under")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stderr, "below 99%")
	_, stderr, code = l.verb(t, "gaps", "--fail-under", "1%")
	require.Zero(t, code, stderr)
	stdout := l.said(t, "gaps")
	require.Contains(t, stdout, "used up")
	require.Contains(t, stdout, "poll --ref 6")
}
