package autosign_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/autosign"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

// autosignHeard is a callback as a receiver reads it.
type autosignHeard struct {
	Created, ID, Type string
	Data              struct {
		ID, Status string
		Recipient  struct {
			ID        string
			Submitted string `json:"submitted_at"`
		}
		Recipients []struct {
			ID        string
			Submitted string `json:"submitted_at"`
		}
	}
}

func readAutosign(t *testing.T, h simulatortest.Heard) autosignHeard {
	t.Helper()
	var e autosignHeard
	if err := json.Unmarshal(h.Body, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAutosignCallbacksLookLikeTheSamples(t *testing.T) {
	t.Parallel()
	simulatortest.Sample(t, "autosign/webhook.transaction_created.json")
	l := &simulatortest.Listener{}
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 4}), l, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			secret := w.Accounts()[0].Settings["webhook_secrets"].([]string)[0]
			kinds, ids := map[string]int{}, map[string][]string{}
			early := map[string]string{} // when a recipient's own event says it was submitted
			unstable := 0
			for _, h := range l.Heard() {
				e := readAutosign(t, h)
				name := "autosign/webhook." + e.Type + ".json"
				simulatortest.LikeSample(t, name, h.Body)
				kinds[e.Type]++
				ids[e.ID] = append(ids[e.ID], e.Type)
				if h.Header.Get("autosign-signature") != autosign.BodyProof(secret, h.Body) {
					t.Errorf("%s is not proven", h.Body)
				}
				if want := simulatortest.Sample(t,
					name).(map[string]any)["data"].(map[string]any)["status"]; e.Data.Status != want {
					t.Errorf("%s says %s, in the sample %s", e.Type, e.Data.Status, want)
				}
				if e.Type == "recipient_submitted" {
					early[e.Data.Recipient.ID] = e.Data.Recipient.Submitted
				}
				for _, p := range e.Data.Recipients {
					if p.Submitted != early[p.ID] {
						unstable++
					}
				}
			}
			for _, kind := range autosign.EventNames() {
				if kinds[kind] == 0 {
					t.Errorf("no callback of type %s", kind)
				}
			}
			shared := 0
			for _, types := range ids {
				if len(types) == 2 && slices.Contains(types, "transaction_expired") &&
					slices.Contains(types, "transaction_cancelled") {
					shared++
				} else if len(types) != 1 {
					t.Errorf("one id for %v", types)
				}
			}
			if shared != 4 || unstable == 0 {
				t.Errorf("%d ids are shared, %d times are not stable", shared, unstable)
			}
		})
}

func TestAutosignTruthKnowsWhatNoPollCanSee(t *testing.T) {
	t.Parallel()
	deaf := map[string]bool{"transaction_cancelled": true, "transaction_completed": true}
	for name, refused := range map[string]map[string]bool{"all is heard": {}, "ends are refused": deaf} {
		l := &simulatortest.Listener{}
		l.Answer = func(_ int, h simulatortest.Heard) (int, string) {
			for kind := range refused {
				if strings.Contains(string(h.Body), `"type":"`+kind+`"`) {
					return http.StatusServiceUnavailable, ""
				}
			}
			return http.StatusOK, ""
		}
		simulatortest.Play(t, onlyAutosign(world.Options{Seed: 4}), l, 20*24*time.Hour,
			func(t *testing.T, w *simulator.World) {
				cancelled, files := 0, 0
				for _, row := range w.Truth().Transactions {
					switch row.Status {
					case "cancelled":
						cancelled++
						if heard := len(refused) == 0; heard != (len(row.AlsoRight) == 0) {
							t.Errorf("%s: a cancelled one may also be %v", name, row.AlsoRight)
						}
					default:
						if len(row.AlsoRight) != 0 {
							t.Errorf("%s: %s may also be %v", name, row.Status, row.AlsoRight)
						}
					}
					for _, d := range row.Documents {
						files++
						if d.Unobtainable != (len(refused) > 0) {
							t.Errorf("%s: unobtainable %v", name, d.Unobtainable)
						}
					}
					if !row.Acknowledged {
						t.Errorf("%s: %s was told of nothing", name, row.Kind)
					}
				}
				if cancelled == 0 || files == 0 {
					t.Errorf("%d cancelled, %d files", cancelled, files)
				}
			})
	}
}

func TestAutosignCompletedEventsThatComeTooLateLeaveNoFiles(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 5, Faults: world.Faults{Delay: 1}}), l, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			late, inTime := 0, 0
			for _, row := range w.Truth().Transactions {
				for _, d := range row.Documents {
					if d.Unobtainable {
						late++
					} else {
						inTime++
					}
				}
			}
			if late == 0 || inTime == 0 {
				t.Errorf("%d files came too late, %d in time", late, inTime)
			}
		})
}

func TestAutosignForgeriesProveNothing(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	f := world.Faults{Forge: 1, Drop: 0.1, Duplicate: 0.2, Delay: 0.2, Reorder: 0.2, SameSecond: true}
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 4, Speed: 8640, Faults: f}), l, time.Hour,
		func(t *testing.T, w *simulator.World) {
			truth, genuine, lengths := w.Truth(), 0, map[int]int{}
			secret := w.Accounts()[0].Settings["webhook_secrets"].([]string)[0]
			for _, h := range l.Heard() {
				signature := h.Header.Get("autosign-signature")
				if signature == autosign.BodyProof(secret, h.Body) {
					genuine++
					continue
				}
				lengths[len(signature)]++
			}
			if genuine != truth.Sent || lengths[0]+lengths[44]+lengths[64] != truth.Forged || len(lengths) != 3 ||
				truth.Dropped == 0 || truth.Duplicated == 0 {
				t.Errorf("%d genuine of %d sent, signatures of lengths %v of %d forged", genuine, truth.Sent, lengths, truth.Forged)
			}
		})
}

func TestAutosignNeverRepeatsAndLinksNeedNoBase(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{Answer: func(int, simulatortest.Heard) (int,
		string) {
		return http.StatusInternalServerError, ""
	}}
	o := onlyAutosign(world.Options{Seed: 4})
	o.Base = ""
	simulatortest.Play(t, o, l, 0, func(t *testing.T, w *simulator.World) {
		autosignClient(t, w).Read("/webhook?limit=1&page=1") // now the service knows where it is
		time.Sleep(20 * 24 * time.Hour)
		ids := map[string]int{}
		for _, h := range l.Heard() {
			e := readAutosign(t, h)
			ids[e.ID+e.Type]++
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
		links := sealedLinks(t, l)
		for _, link := range links {
			if !strings.HasPrefix(link, "http://sim.example/autosign-storage/") {
				t.Error(link)
			}
		}
		if len(links) == 0 {
			t.Error("no links were told")
		}
	})
}
