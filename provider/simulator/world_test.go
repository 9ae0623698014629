package simulator_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestEachKindOfLifeEndsAsTheTableSays(t *testing.T) {
	t.Parallel()
	ends := map[string]string{ // provider's kind: status, and the flags that stand
		"onespan completed": "completed", "onespan direct": "completed", "onespan draft": "draft",
		"onespan open":   "in_progress",
		"onespan partly": "in_progress", "onespan declined": "declined", "onespan expired": "expired",
		"onespan opted_out": "opted_out",
		"onespan archived":  "completed archived", "onespan unarchived": "completed",
		"onespan trashed":  "in_progress trashed",
		"onespan restored": "completed", "onespan deactivated": "completed", "onespan deleted": "in_progress trashed deleted",
		"onespan deleted_completed": "completed trashed deleted", "onespan locked": "completed",
		"onespan still_locked": "in_progress",
		"onespan identity":     "completed", "onespan bounced": "completed", "onespan reassigned": "completed",
		"onespan manual":             "completed",
		"onespan waiting_for_sender": "in_progress", "onespan attachment": "completed",
		"dropboxsign completed": "completed", "dropboxsign declined": "declined", "dropboxsign expired": "expired",
		"dropboxsign canceled": "cancelled", "dropboxsign canceled_partly": "cancelled", "dropboxsign file_error": "failed",
		"dropboxsign invalid": "failed", "dropboxsign unknown_error": "failed", "dropboxsign reassigned": "completed",
		"dropboxsign signer_removed": "completed", "dropboxsign prepared": "completed", "dropboxsign still_prepared": "draft",
		"dropboxsign held": "completed", "dropboxsign bounced": "completed", "dropboxsign open": "in_progress",
		"dropboxsign partly":   "in_progress",
		"dropboxsign received": "completed", "dropboxsign received_open": "in_progress", "dropboxsign test": "completed",
		"dropboxsign test_open": "in_progress", "dropboxsign app": "completed", "dropboxsign reminded": "completed",
	}
	simulatortest.Play(t, world.Options{Seed: 7, Transactions: simulatortest.WholeDecks, BornBefore: 9},
		&simulatortest.Listener{}, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			if !w.Idle() {
				t.Error("the world is not idle after twenty days")
			}
			seen := map[string]bool{}
			for _, row := range w.Truth().Transactions {
				kind := row.Provider + " " + row.Kind
				seen[kind] = true
				is := row.Status
				for flag, set := range map[string]bool{"archived": row.Archived} {
					if set {
						is += " " + flag
					}
				}
				if row.Trashed {
					is += " trashed"
				}
				if row.Deleted {
					is += " deleted"
				}
				if is != ends[kind] {
					t.Errorf("%s ended %q, want %q", kind, is, ends[kind])
				}
				if row.Status == "completed" && (row.SignersDone != row.SignersTotal || len(row.Documents) == 0) {
					t.Errorf("%s completed with %d of %d signers and %d documents", kind, row.SignersDone, row.SignersTotal,
						len(row.Documents))
				}
				if row.Changes[0].Change != "created" {
					t.Errorf("%s began with %q", kind, row.Changes[0].Change)
				}
			}
			for kind := range ends {
				if !seen[kind] {
					t.Errorf("no life of kind %q", kind)
				}
			}
		})
}

func TestTheSameSeedMakesTheSameWorld(t *testing.T) {
	t.Parallel()
	tell := func(seed uint64) string {
		var b strings.Builder
		simulatortest.Play(t, world.Options{Seed: seed, Transactions: 40, BornBefore: 10, Speed: 8640,
			Faults: world.Faults{Drop: 0.2,
				Duplicate: 0.2}}, &simulatortest.Listener{}, time.Minute, func(t *testing.T, w *simulator.World) {
			for _, row := range w.Truth().Transactions {
				b.WriteString(strings.Join([]string{row.Ref, row.Name, row.Kind, row.Status, row.ExternalID, "\n"}, "|"))
				for _, c := range row.Changes {
					b.WriteString(c.Change + c.From + c.To + c.Signer + c.At.Format(time.RFC3339Nano))
					for _, callback := range c.Callbacks {
						b.WriteString(callback.Type)
						for _, a := range callback.Attempts {
							b.WriteString(a.Fault)
						}
					}
				}
			}
		})
		return b.String()
	}
	one, two, other := tell(3), tell(3), tell(4)
	if one != two {
		t.Error("two worlds of one seed differ")
	}
	if one == other {
		t.Error("worlds of two seeds are equal")
	}
}

func TestADroppedCallbackIsNeverDelivered(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 2, Transactions: simulatortest.WholeDecks, Speed: 8640,
		Faults: world.Faults{Drop: 1}}, l, 10*time.Minute, func(t *testing.T, w *simulator.World) {
		truth := w.Truth()
		if truth.Dropped == 0 || truth.Sent != 2 { // the two greetings of Dropbox Sign are about nothing that is followed
			t.Errorf("dropped %d, sent %d", truth.Dropped, truth.Sent)
		}
		for _, h := range l.Heard() {
			if !bytes.Contains(h.Body, []byte("callback_test")) && !bytes.Contains(h.Body, []byte("template_created")) {
				t.Errorf("delivered: %s", h.Body)
			}
		}
		dropped := 0
		for _, row := range truth.Transactions {
			for _, c := range row.Changes {
				for _, callback := range c.Callbacks {
					if len(callback.Attempts) != 1 || callback.Attempts[0].Answer != 0 || callback.Attempts[0].Fault != "dropped" {
						t.Errorf("%s %s: attempts %+v", row.Ref, callback.Type, callback.Attempts)
					}
					dropped++
				}
			}
		}
		if dropped == 0 {
			t.Error("the truth names no dropped callback")
		}
	})
}

func TestFaultsInDeliveryAreCountedAndEnd(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	f := world.Faults{Drop: 0.1, Duplicate: 0.3, Reorder: 0.2, Delay: 0.2, Forge: 0.3, SameSecond: true}
	simulatortest.Play(t, world.Options{Seed: 5, Transactions: simulatortest.WholeDecks, Speed: 8640, Faults: f}, l,
		10*time.Minute, func(t *testing.T, w *simulator.World) {
			truth := w.Truth()
			if truth.Dropped == 0 || truth.Duplicated == 0 || truth.Delayed == 0 || truth.Reordered == 0 || truth.Forged == 0 {
				t.Errorf("counts: %+v", truth.Counts)
			}
			if got := len(l.Heard()); got != truth.Sent+truth.Forged {
				t.Errorf("heard %d, sent %d and forged %d", got, truth.Sent, truth.Forged)
			}
			if !w.Idle() {
				t.Error("not idle")
			}
			twice := map[string]int{}
			for _, h := range l.Heard() {
				twice[string(h.Body)]++
			}
			doubled := 0
			for _, n := range twice {
				if n > 1 {
					doubled++
				}
			}
			if doubled == 0 {
				t.Error("no callback came twice byte for byte")
			}
		})
}

func TestDropboxSignRepeatsAndOneSpanDoesNot(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{Answer: func(int, simulatortest.Heard) (int, string) { return http.StatusOK, "OK" }}
	simulatortest.Play(t, world.Options{Seed: 1, Transactions: 20}, l, 10*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			for _, row := range w.Truth().Transactions {
				want := map[string]int{"onespan": 1, "dropboxsign": 7}[row.Provider]
				for _, c := range row.Changes {
					for _, callback := range c.Callbacks {
						if len(callback.Attempts) != want {
							t.Errorf("%s %s: %d attempts, want %d", row.Provider, callback.Type, len(callback.Attempts), want)
						}
						if n := len(callback.Attempts); n == 7 &&
							callback.Attempts[6].At.Sub(callback.Attempts[0].At).Round(time.Minute) < 30*time.Hour+20*time.Minute {
							t.Errorf("the attempts span %v", callback.Attempts[6].At.Sub(callback.Attempts[0].At))
						}
					}
				}
			}
		})
}

func TestStopEndsLivesAndDeliversWhatIsQueued(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 1, Transactions: 20, Faults: world.Faults{Delay: 1}}, l, 12*time.Hour,
		func(t *testing.T, w *simulator.World) {
			w.Stop()
			before := len(w.Truth().Transactions)
			w.FlushDelayed()
			time.Sleep(time.Second)
			if !w.Idle() {
				t.Error("not idle after Stop and FlushDelayed")
			}
			time.Sleep(48 * time.Hour)
			if after := len(w.Truth().Transactions); after != before {
				t.Errorf("%d were born after Stop", after-before)
			}
		})
}

func TestHistoryIsThereAtOnceAndSilent(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 9, Transactions: 30, BornBefore: 30}, l, 0,
		func(t *testing.T, w *simulator.World) {
			truth := w.Truth()
			if len(truth.Transactions) != 30 {
				t.Errorf("%d of 30 exist", len(truth.Transactions))
			}
			for _, row := range truth.Transactions {
				if row.CreatedAt.After(time.Now()) || time.Since(row.CreatedAt) > 61*24*time.Hour {
					t.Errorf("%s was born at %v", row.Ref, row.CreatedAt)
				}
			}
			if truth.Dropped != 0 {
				t.Error("history sent callbacks")
			}
		})
}
