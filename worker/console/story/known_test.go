package story

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/words"
)

func TestHowDoYouKnow(t *testing.T) {
	k := Know(signed())
	var got []string
	for _, s := range k.Known {
		got = append(got, strings.TrimSpace(s.Text+" "+s.Path))
	}
	require.Equal(t, []string{
		"OneSpan Sign was asked 11:57:00 and answered COMPLETED: completed.",
		"It became completed 11:56:00: callback PACKAGE_COMPLETE, proved by the account's secret. /callbacks/c000000000612",
		"OneSpan Sign confirmed it 1 min later. #change-5",
		"The transaction became known by a callback, 02:00:00.",
		"4 callbacks named it, each proved by the account's secret. #callbacks",
		"signed.pdf is stored: SHA-256 9f2c…9f2c, signatures intact. /documents/d1",
		"2 changes no callback told in time. #gaps",
	}, got)
	require.Equal(t, []string{
		"when 1 change happened: only the answers before and after it are known",
		"whether the certificates in the files are to be trusted: the account names none that it trusts",
		"who signed, in law: signatures are compared as data, no identity is judged",
	}, k.NotKnown)
	require.Equal(t, "1 Dec 2026, 03:00:00 (in 15 h): the audit looks at final transactions for 30 days", k.Due)
}

// Each case says what is known, what is not, and what comes next.
func TestHowDoYouKnowInEachState(t *testing.T) {
	for name, c := range map[string]struct {
		make                 func(in *Input)
		known, unknown, next string
		never                string
	}{
		"never confirmed": {
			make: func(in *Input) {
				in.Confirmed, in.ConfirmedAt, in.AskedAt, in.NextCheckAt, in.DueReason = false, nil, nil, ptr(noon), model.DueConfirm
			},
			known:   "Only callbacks say completed: OneSpan Sign has not answered about this transaction yet.",
			unknown: "whether OneSpan Sign says the same", next: "now: a callback waits for the provider's word",
			never: "Callbacks told every change",
		},
		"a callback after the last answer": {
			make:    func(in *Input) { in.Confirmed = false },
			known:   "A callback says completed; OneSpan Sign has not been heard since.\nBefore that, OneSpan Sign answered last 11:57:00.",
			unknown: "whether OneSpan Sign says the same",
		},
		"checking": {
			make: func(in *Input) {
				in.Status, in.ProviderStatus, in.ReportedStatus = model.InProgress, "SENT", model.Completed
				in.NextCheckAt, in.DueReason = ptr(noon.Add(time.Minute)), model.DueRecheck
			},
			known: "A callback says completed. OneSpan Sign has not confirmed that and is asked again; until then in_progress stands.\n" +
				"OneSpan Sign was asked 11:57:00 and answered SENT: in_progress.",
			unknown: "whether OneSpan Sign says the same",
			next:    "12:01:00 (in 1 min): the provider did not show yet what a callback said; it is asked again",
		},
		"refuted": {
			make:  func(in *Input) { in.RefutedAs, in.RefutedAt = model.Declined, ptr(ago(30)) },
			known: "A callback had said declined; asked again until 11:30:00, OneSpan Sign did not confirm that.",
		},
		"not found": {
			make: func(in *Input) { in.NotFound, in.NotFoundCount, in.NotFoundAt = true, 2, ptr(ago(1)) },
			known: "OneSpan Sign was asked 11:57:00 and answered COMPLETED: completed.\n" +
				"Since then OneSpan Sign did not find it 2 times, last 11:59:00. Status and files stay as last known.",
			unknown: "whether it was deleted, or the key may no longer see it",
		},
		"tracked, and never found": {
			make: func(in *Input) {
				in.Status, in.NotFound, in.NotFoundCount, in.NotFoundAt = model.Unknown, true, 1, ptr(ago(1))
				in.Origin = model.OriginTrack
			},
			known:   "OneSpan Sign does not know this transaction: asked once, 11:59:00.",
			unknown: "whether OneSpan Sign has such a transaction",
		},
		"named only": {
			make:  func(in *Input) { in.Status, in.Confirmed, in.ConfirmedAt = model.Unknown, false, nil },
			known: "Somebody named this transaction; OneSpan Sign has not answered about it yet.",
		},
		"reversed": {
			make: func(in *Input) {
				in.History = append(in.History, model.Change{Seq: 9, Kind: model.KindStatus, From: "completed", To: "in_progress",
					Source: "poll r1", At: ago(1), Confirmed: true})
				in.Status, in.ProviderStatus = model.InProgress, "SENT"
			},
			known:   "completed was taken back 11:59:00, now in_progress: OneSpan Sign answered the poll of the active tier.",
			unknown: "what happened since 11:57:00: no answer is newer",
		},
		"deleted, as the provider says": {
			make: func(in *Input) {
				in.Deleted, in.History = true, append(in.History, model.Change{Seq: 9, Kind: model.KindFlag, To: "deleted", Source: "confirm", At: ago(1)})
			},
			known: "A callback told that it was deleted, and OneSpan Sign no longer finds it (11:59:00). Status and files stay as last known.",
			next:  "when a list, a callback or `verify` names it",
		},
		"resolved by an operator": {
			make: func(in *Input) {
				in.Deleted, in.History = true, append(in.History, model.Change{Seq: 9, Kind: model.KindFlag, To: "deleted", Source: "operator ana", At: ago(1)})
			},
			known: "It counts as deleted since 11:59:00: ana, an operator, said so. No answer of OneSpan Sign says so.",
		},
		"deleted, its history pruned": {
			make:  func(in *Input) { in.Deleted, in.History = true, nil },
			known: "OneSpan Sign no longer has it.",
		},
		"first seen in a backfill": {
			make:    func(in *Input) { in.Origin, in.Gaps, in.Callbacks = model.OriginBackfill, nil, nil },
			known:   "and no gap is counted for it.\nNo callback named it.",
			unknown: "what happened before 02:00:00, beyond what the provider shows",
		},
		"a gap that may still be told": {
			make: func(in *Input) {
				in.Gaps = []model.Gap{{Kind: model.GapPending, SettleAt: noon.Add(4 * time.Minute)}}
			},
			known: "1 change no callback has told yet; one may until 12:04:00.", never: "Callbacks told every change",
		},
		"no gap": {
			make:  func(in *Input) { in.Gaps = nil },
			known: "Callbacks told every change that had to be told.",
		},
		"a file in quarantine": {
			make: func(in *Input) {
				in.Documents[0].State, in.Documents[0].Reason = model.DocumentQuarantined, "altered: 812 bytes after the last signature"
			},
			known:   "signed.pdf is in quarantine: altered: 812 bytes after the last signature.",
			unknown: "whether signed.pdf is what was signed",
		},
		"a file released": {
			make:  func(in *Input) { in.Documents[0].Reason = "released by operator ana: the provider says so" },
			known: "signed.pdf is stored: SHA-256 9f2c…9f2c, released by operator ana: the provider says so.",
		},
		"a signature that cannot be told": {
			make: func(in *Input) {
				in.Documents[0].Facts = model.UnknownSignature("a password")
			},
			known: "signatures unknown", unknown: "whether the signatures in signed.pdf hold: a password",
		},
		"a file that cannot be had": {
			make: func(in *Input) {
				in.Documents[0].State, in.Documents[0].Reason = model.DocumentUnobtainable, "its link died"
			},
			known:   "signed.pdf cannot be had: its link died.",
			unknown: "what stands in signed.pdf",
		},
		"trashed and restored": {
			make: func(in *Input) {
				in.History = append(in.History, model.Change{Seq: 9, Kind: model.KindFlag, From: "trashed", Source: "poll r1", At: ago(1)})
			},
			known: "OneSpan Sign was asked 11:57:00 and answered COMPLETED: completed.",
		},
		"a refused and an unproved callback": {
			make: func(in *Input) {
				in.Callbacks = []model.Callback{{Verdict: model.Refused}, {Verdict: model.Accepted, Unproved: true}}
			},
			known: "1 callback named it without a proof: it only made us ask.\n1 callback was refused: nothing in it was believed.",
		},
		"an account that is gone from the config": {
			make: func(in *Input) { in.Slots = nil }, next: "never: the account is not in the config",
		},
		"an open row of the idle tier, without a slot": {
			make: func(in *Input) { in.Status, in.ChangedAt = model.InProgress, ago(60*24*8) },
			next: "with the next slot: the idle poll, there was no news for a week",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := signed()
			c.make(&in)
			for _, lang := range words.Languages() {
				in.Words = words.For(lang)
				require.NotContains(t, text(Know(in).Known), "⟦")
				require.NotContains(t, text(Know(in).Known), "{")
			}
			in.Words = words.For("en")
			k := Know(in)
			require.Contains(t, text(k.Known), c.known)
			require.Contains(t, strings.Join(k.NotKnown, "\n"), c.unknown)
			require.Contains(t, k.Due, c.next)
			if c.never != "" {
				require.NotContains(t, text(k.Known), c.never)
			}
		})
	}
}

func text(all []Sentence) string {
	lines := make([]string, len(all))
	for i, s := range all {
		lines[i] = s.Text
	}
	return strings.Join(lines, "\n")
}

// On paper times bear their zone and UTC.
func TestPaperHasExactTimes(t *testing.T) {
	in := signed()
	in.Exact, in.Zone = true, time.FixedZone("CET", 3600)
	require.Contains(t, text(Know(in).Known), "30 Nov 2026, 12:57:00 CET (11:57:00 UTC)")
}

// A stored file without a signature is said to have none.
func TestAFileWithoutASignatureIsSaidToHaveNone(t *testing.T) {
	in := signed()
	in.Documents[0].Facts = model.SignatureFacts{Signature: model.SignatureUnsigned}
	var all []string
	for _, s := range Know(in).Known {
		all = append(all, s.Text)
	}
	require.Contains(t, all, "signed.pdf is stored: SHA-256 9f2c…9f2c, no digital signature inside.")
}

// A time stands behind its verb as the language wants it.
func TestTimesStandAsTheLanguageHasThem(t *testing.T) {
	in := signed()
	in.Words = words.For("es")
	var all []string
	for _, s := range Know(in).Known {
		all = append(all, s.Text)
	}
	require.Contains(t, strings.Join(all, "\n"), "Se preguntó a OneSpan Sign a las 11:57:00 y ")
	require.Equal(t, "el 29 nov 2026 a las 12:00:00", in.moment(noon.AddDate(0, 0, -1)))
}
