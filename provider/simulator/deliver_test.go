package simulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestARegistrationSaysWhereAndWhatAndUnderWhichKey(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: simulatortest.WholeDecks}, l, 0,
		func(t *testing.T, w *simulator.World) {
			greeted := len(l.Heard())
			simulatortest.Send(t, w, "POST", "/onespan/api/callback",
				`{"url":"http://other.example/callbacks/moved","key":"fresh","events":["PACKAGE_COMPLETE"]}`, 0)
			simulatortest.Send(t, w, "PUT", "/dropboxsign/v3/account",
				`{"callback_url":"http://user:word@other.example/callbacks/kept"}`, 1)
			simulatortest.Send(t, w, "PUT", "/dropboxsign/v3/api_app/"+w.Accounts()[1].ClientID,
				`{"callback_url":"http://other.example/callbacks/app"}`, 1)
			time.Sleep(20 * 24 * time.Hour)
			heardAt := map[string]int{}
			for _, h := range l.Heard()[greeted:] {
				heardAt[h.Account]++
				switch h.Account {
				case "moved":
					if !strings.Contains(string(h.Body), "PACKAGE_COMPLETE") || h.Header.Get("Authorization") != "Basic fresh" {
						t.Errorf("%v %s", h.Header, h.Body)
					}
				case "kept":
					if user, word, _ := (&http.Request{Header: h.Header}).BasicAuth(); user != "user" || word != "word" {
						t.Errorf("the credentials of the URL were not sent: %v", h.Header)
					}
				case "app":
					if !strings.Contains(string(h.Body), `"reported_for_app_id":"`+w.Accounts()[1].ClientID) {
						t.Errorf("an app's callback without its id: %s", h.Body)
					}
				}
			}
			if heardAt["moved"] == 0 || heardAt["kept"] == 0 || heardAt["app"] == 0 || len(heardAt) != 3 {
				t.Errorf("heard at: %v", heardAt)
			}
		})
}

func TestWithoutAListenerNothingIsSent(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: 20, Speed: 8640}, nil, time.Hour,
		func(t *testing.T, w *simulator.World) {
			if truth := w.Truth(); truth.Sent != 0 || !w.Idle() || len(truth.Transactions) != 20 {
				t.Errorf("sent %d, idle %v, %d transactions", truth.Sent, w.Idle(), len(truth.Transactions))
			}
		})
}

func TestForgeriesCarryNoProof(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: simulatortest.WholeDecks, Speed: 8640,
		Faults: world.Faults{Forge: 1}}, l, time.Hour, func(t *testing.T, w *simulator.World) {
		truth := w.Truth()
		keys := w.Accounts()[0].Settings["callback_key"].(string)
		primary := w.Accounts()[1].Settings["callback_keys"].([]string)[0]
		forged, bad, replayed := 0, 0, 0
		genuine := map[string]string{} // Dropbox Sign: type and time, by request
		for _, h := range l.Heard() {
			if h.Account == simulator.AccountOneSpan {
				if h.Header.Get("Authorization") != "Basic "+keys {
					forged++
				}
				continue
			}
			var body struct {
				Event struct {
					Hash string `json:"event_hash"`
					Time string `json:"event_time"`
					Type string `json:"event_type"`
				}
				Request struct {
					ID       string `json:"signature_request_id"`
					Complete bool   `json:"is_complete"`
				} `json:"signature_request"`
			}
			if err := json.Unmarshal(simulatortest.EventText(t, h), &body); err != nil {
				t.Fatal(err)
			}
			if body.Event.Hash != simulatortest.DropboxHash(primary, body.Event.Time, body.Event.Type) {
				bad++
				continue
			}
			first, known := genuine[body.Event.Hash]
			if !known {
				genuine[body.Event.Hash] = body.Request.ID
			} else if first != body.Request.ID && body.Request.Complete {
				replayed++
			}
		}
		if forged == 0 || bad == 0 || replayed == 0 || forged+bad > truth.Forged {
			t.Errorf("%d forged: %d for OneSpan Sign, %d with a bad hash, %d with a replayed one", truth.Forged, forged, bad,
				replayed)
		}
	})
}

func TestChangesInOneSecondCarryEqualTimes(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: simulatortest.WholeDecks,
		Faults: world.Faults{SameSecond: true}}, l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		equal := 0
		for _, row := range w.Truth().Transactions {
			last := map[string]time.Time{}
			for _, c := range row.Changes {
				if (c.Change == "status" || c.Change == "created") && last["status"].Equal(c.At) {
					equal++
				}
				last["status"] = c.At
			}
		}
		if equal < 10 {
			t.Errorf("%d changes of status share their time with the one before", equal)
		}
	})
}

func TestTheObserverHearsOfEachHappening(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	kinds := map[string]int{}
	var w *simulator.World
	o := world.Options{Seed: 4, Transactions: simulatortest.WholeDecks, BornBefore: 10, Speed: 8640,
		Faults: world.Faults{Drop: 0.1, Duplicate: 0.1, Delay: 0.1, Reorder: 0.1, Forge: 0.1}}
	o.Observe = func(e world.Event) {
		mu.Lock()
		defer mu.Unlock()
		kinds[e.Kind]++
		if w != nil {
			_ = w.Idle() // an observer may ask the world
		}
	}
	n := 0
	l := &simulatortest.Listener{Answer: func(int, simulatortest.Heard) (int, string) {
		n++
		if n%10 == 0 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, simulatortest.Hello
	}}
	simulatortest.Play(t, o, l, 0, func(t *testing.T, world *simulator.World) {
		mu.Lock()
		w = world
		mu.Unlock()
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		for _, kind := range []string{"born", "changed", "sent", "refused", "dropped", "duplicated", "delayed", "reordered",
			"forged"} {
			if kinds[kind] == 0 {
				t.Errorf("nothing %s in %v", kind, kinds)
			}
		}
	})
}

func TestTheWorldShowsWhichAnswersShowedAChange(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 4, Transactions: 30, Speed: 8640, QuotaScale: 1000}, nil, time.Hour,
		func(t *testing.T, w *simulator.World) {
			for range 60 {
				simulatortest.Fetch(t, w, "/onespan/api/packages?from=1&to=100", 0)
			}
			for _, row := range w.Truth().Transactions {
				if row.Provider != "onespan" || !row.Listed || row.Trashed {
					continue
				}
				var last *world.TruthChange
				for i := range row.Changes {
					if c := &row.Changes[i]; c.Change == "status" {
						if last != nil && len(last.Shown) != 0 {
							t.Errorf("%s: an overtaken change was shown", row.Kind)
						}
						last = c
					}
				}
				if len(row.Changes[0].Shown) != 50 || (last != nil && len(last.Shown) != 50) {
					t.Errorf("%s: shown %d times", row.Kind, len(row.Changes[0].Shown))
				}
			}
		})
}
