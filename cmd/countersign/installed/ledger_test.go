package installed

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// ledgerScript is an account of OneSpan Sign whose packages a test moves by hand.
type ledgerScript struct {
	installtest.Installation
	t   *testing.T
	s   *installtest.Scripted
	key string
}

func (l ledgerScript) is(ref, status string) {
	l.s.Says("GET /onespan/api/packages/"+ref, installtest.Said{
		"id": ref, "name": "Lease", "type": "PACKAGE", "status": status, "trashed": false, "autocomplete": true,
		"created": isoStamp(time.Now().Add(-time.Hour)),
		"updated": isoStamp(time.Now()), "roles": []installtest.Said{}, "documents": []installtest.Said{}, "sender": installtest.Said{"id": "s"},
	})
}

// calls sends a callback; one that is not proved has another key.
func (l ledgerScript) calls(name, ref string, proved bool) {
	l.t.Helper()
	key, want := l.key, http.StatusOK
	if !proved {
		key, want = "another", http.StatusUnauthorized
	}
	code, answer := l.Sends(l.t, simulator.AccountOneSpan, map[string]string{"Authorization": "Basic " + key},
		installtest.OneSpanEvent(name, ref, time.Now()))
	require.Equal(l.t, want, code, answer)
}

func (l ledgerScript) polls(refs ...string) {
	l.t.Helper()
	l.Installation.Polls(l.t, simulator.AccountOneSpan, refs...)
}

// sent makes a row that is in progress, as a callback told and an answer confirmed.
func (l ledgerScript) sent(ref string) {
	l.t.Helper()
	l.is(ref, "SENT")
	l.calls("PACKAGE_CREATE", ref, true)
	l.calls("PACKAGE_ACTIVATE", ref, true)
	l.polls(ref)
	l.Becomes(l.t, ref, installtest.Said{"status": "in_progress", "confirmed": true})
}

// gapOf waits for a row's only gap of a kind.
func (l ledgerScript) gapOf(ref, kind string) (gap installtest.Said) {
	l.t.Helper()
	installtest.Eventually(l.t, ref+" in the ledger as "+kind, func() bool {
		for _, g := range gapsOf(l.t, l.Installation) {
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
	for _, c := range installtest.ObjectsIn(l.t, l.Said(l.t, "changes", "--json")) {
		if c["kind"] == "incident" {
			out = append(out, c["from"].(string)+">"+c["to"].(string))
		}
	}
	return out
}

// Each kind of gap as it comes to be, the incidents that go with them, and what the ledger makes of it all; with a
// restart while an incident is open.
func TestLedger(t *testing.T) {
	t.Parallel()
	const account = simulator.AccountOneSpan
	s, svc, in := installtest.Script(t, simulator.Options{Services: []string{"onespan"}})
	in.Edit(t, `(?m)^    gap_grace: 1s$`, "$0\n    download: []")
	l := ledgerScript{in, t, s, svc.Setting(t, account, "callback_key")}
	gapKeys := []string{"account", "after", "before", "change", "found_at", "found_by", "from", "kind", "latency", "ref",
		"signer", "to"}
	stop := in.Daemon(t)
	installtest.Eventually(t, "the first poll", func() bool { return in.Polled(t, account) > 0 })

	// Missed: nothing came. Nobody has called since, which is an incident.
	l.sent("missed")
	l.is("missed", "COMPLETED")
	l.polls("missed")
	gap := l.gapOf("missed", "missed")
	require.Equal(t, gapKeys, slices.Sorted(maps.Keys(gap)))
	require.True(t, installtest.Agree(gap,
		installtest.Said{"account": account, "change": "status", "from": "in_progress", "to": "completed", "latency": nil}), "%v", gap)
	require.NotNil(t, gap["after"])
	silent := account + " " + model.CallbacksSilent
	installtest.Eventually(t, "silence", func() bool { return slices.Contains(in.Incidents(t), silent) })
	require.Zero(t, stop())
	stdout, _, code := in.Verb(t, "status")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stdout, "callbacks silent")
	in.Daemon(t)
	l.is("missed", "DECLINED") // once more, while it is open
	l.polls("missed")
	installtest.Eventually(t, "a second gap", func() bool { return len(gapsOf(t, in)) == 2 })
	require.Equal(t, []string{">" + model.CallbacksSilent}, l.told())

	// Late: the callback comes after the grace.
	l.sent("late")
	require.Empty(t, in.Incidents(t), "callbacks are back")
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
	require.NotContains(t, in.Incidents(t), account+" "+model.CallbacksRefused)
	l.calls("PACKAGE_COMPLETE", "refused", false)
	l.calls("PACKAGE_COMPLETE", "refused", false)
	require.Contains(t, in.Incidents(t), account+" "+model.CallbacksRefused)

	// No event: nobody knows what un-archiving fires.
	l.sent("unarchived") // and ends the refusals
	require.NotContains(t, in.Incidents(t), account+" "+model.CallbacksRefused)
	l.calls("PACKAGE_COMPLETE", "unarchived", true)
	l.is("unarchived", "ARCHIVED")
	l.calls("PACKAGE_ARCHIVE", "unarchived", true)
	l.polls("unarchived")
	l.Becomes(t, "unarchived", installtest.Said{"status": "completed", "archived": true, "confirmed": true})
	l.is("unarchived", "COMPLETED")
	l.polls("unarchived")
	require.Equal(t, "archived", l.gapOf("unarchived", "no_event")["change"])

	// Unsubscribed: the registration that an audit has read does not name the event.
	s.Says("GET /onespan/api/callback",
		installtest.Said{"url": "https://sign.example.com/callbacks/" + account, "key": l.key,
			"events": []string{"PACKAGE_CREATE", "PACKAGE_ACTIVATE"}})
	in.Verb(t, "poll", "--account", account, "--tier", "audit")
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
	for _, g := range gapsOf(t, l.Installation) {
		kinds[g["kind"]]++
	}
	require.Equal(t, map[any]int{"missed": 2, "late": 1, "refused": 1, "unsubscribed": 1, "no_event": 1}, kinds)
	sum := installtest.ObjectsIn(t, l.Said(t, "gaps", "--summary", "--json"))[0]
	require.True(t, installtest.Agree(sum,
		installtest.Said{"objective": 0.99, "missed": 2, "late": 1, "refused": 1, "unsubscribed": 1, "no_event": 1}), "%v", sum)
	told := sum["told"].(float64)
	require.InDelta(t, told/(told+4), sum["share"], 1e-9)
	require.InDelta(t, (told+4)/100-4, sum["left"], 1e-9)
	require.InDelta(t, 4/((told+4)/100), sum["used"], 1e-9)
	require.InDelta(t, sum["used"], sum["burn"], 1e-9)
	require.EqualValues(t, 4, sum["found_within"].(installtest.Said)["of"])
	require.EqualValues(t, 1, sum["late_by"].(installtest.Said)["of"])
	first := sum["told_first"].(installtest.Said)
	require.EqualValues(t, 6, first["ref"], "each gap was found by `poll --ref`")
	require.Equal(t, told, first["callback"], "and everything else was told")
	_, stderr, code := l.Verb(t, "gaps", "--summary", "--fail-under")
	require.Equal(t, output.ExitDrift, code)
	require.Contains(t, stderr, "below 99%")
	_, stderr, code = l.Verb(t, "gaps", "--fail-under", "1%")
	require.Zero(t, code, stderr)
	stdout := l.Said(t, "gaps")
	require.Contains(t, stdout, "used up")
	require.Contains(t, stdout, "poll --ref 6")
}
