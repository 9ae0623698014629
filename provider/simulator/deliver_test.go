package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// send makes a request with a body and demands an answer of 200.
func send(t *testing.T, w *World, method, path, body string, account int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://sim.example"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	key := w.Accounts()[account].Settings["api_key"].(string)
	req.Header.Set("Content-Type", "application/json")
	if account == 0 {
		req.Header.Set("Authorization", "Basic "+key)
	} else {
		req.SetBasicAuth(key, "")
	}
	resp, err := w.Transport().RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %v %v", method, path, resp, err)
	}
}

func TestARegistrationSaysWhereAndWhatAndUnderWhichKey(t *testing.T) {
	t.Parallel()
	l := &listener{}
	play(t, Options{Seed: 4, Transactions: wholeDecks}, l, 0, func(t *testing.T, w *World) {
		greeted := len(l.heard())
		send(t, w, "POST", "/onespan/api/callback", `{"url":"http://other.example/callbacks/moved","key":"fresh","events":["PACKAGE_COMPLETE"]}`, 0)
		send(t, w, "PUT", "/dropboxsign/v3/account", `{"callback_url":"http://user:word@other.example/callbacks/kept"}`, 1)
		send(t, w, "PUT", "/dropboxsign/v3/api_app/"+w.Accounts()[1].ClientID, `{"callback_url":"http://other.example/callbacks/app"}`, 1)
		time.Sleep(20 * 24 * time.Hour)
		heardAt := map[string]int{}
		for _, h := range l.heard()[greeted:] {
			heardAt[h.account]++
			switch h.account {
			case "moved":
				if !strings.Contains(string(h.body), "PACKAGE_COMPLETE") || h.header.Get("Authorization") != "Basic fresh" {
					t.Errorf("%v %s", h.header, h.body)
				}
			case "kept":
				if user, word, _ := (&http.Request{Header: h.header}).BasicAuth(); user != "user" || word != "word" {
					t.Errorf("the credentials of the URL were not sent: %v", h.header)
				}
			case "app":
				if !strings.Contains(string(h.body), `"reported_for_app_id":"`+w.Accounts()[1].ClientID) {
					t.Errorf("an app's callback without its id: %s", h.body)
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
	play(t, Options{Seed: 4, Transactions: 20, Speed: 8640}, nil, time.Hour, func(t *testing.T, w *World) {
		if truth := w.Truth(); truth.Sent != 0 || !w.Idle() || len(truth.Transactions) != 20 {
			t.Errorf("sent %d, idle %v, %d transactions", truth.Sent, w.Idle(), len(truth.Transactions))
		}
	})
}

func TestForgeriesCarryNoProof(t *testing.T) {
	t.Parallel()
	l := &listener{}
	play(t, Options{Seed: 4, Transactions: wholeDecks, Speed: 8640, Faults: Faults{Forge: 1}}, l, time.Hour, func(t *testing.T, w *World) {
		truth := w.Truth()
		keys := w.Accounts()[0].Settings["callback_key"].(string)
		primary := w.Accounts()[1].Settings["callback_keys"].([]string)[0]
		forged, bad, replayed := 0, 0, 0
		genuine := map[string]string{} // Dropbox Sign: type and time, by request
		for _, h := range l.heard() {
			if h.account == AccountOneSpan {
				if h.header.Get("Authorization") != "Basic "+keys {
					forged++
				}
				continue
			}
			var body struct {
				Event   dropboxEvent
				Request struct {
					ID       string `json:"signature_request_id"`
					Complete bool   `json:"is_complete"`
				} `json:"signature_request"`
			}
			if err := json.Unmarshal(eventText(t, h), &body); err != nil {
				t.Fatal(err)
			}
			if body.Event.Hash != eventHash(primary, body.Event.Time, body.Event.Type) {
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
			t.Errorf("%d forged: %d for OneSpan Sign, %d with a bad hash, %d with a replayed one", truth.Forged, forged, bad, replayed)
		}
	})
}

func TestChangesInOneSecondCarryEqualTimes(t *testing.T) {
	t.Parallel()
	l := &listener{}
	play(t, Options{Seed: 4, Transactions: wholeDecks, Faults: Faults{SameSecond: true}}, l, 20*24*time.Hour, func(t *testing.T, w *World) {
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
	var w *World
	o := Options{Seed: 4, Transactions: wholeDecks, BornBefore: 10, Speed: 8640, Faults: Faults{Drop: 0.1, Duplicate: 0.1, Delay: 0.1, Reorder: 0.1, Forge: 0.1}}
	o.Observe = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		kinds[e.Kind]++
		if w != nil {
			_ = w.Idle() // an observer may ask the world
		}
	}
	n := 0
	l := &listener{answer: func(int, heard) (int, string) {
		n++
		if n%10 == 0 {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, acknowledgement
	}}
	play(t, o, l, 0, func(t *testing.T, world *World) {
		mu.Lock()
		w = world
		mu.Unlock()
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		for _, kind := range []string{"born", "changed", "sent", "refused", "dropped", "duplicated", "delayed", "reordered", "forged"} {
			if kinds[kind] == 0 {
				t.Errorf("nothing %s in %v", kind, kinds)
			}
		}
	})
}

func TestTheWorldShowsWhichAnswersShowedAChange(t *testing.T) {
	t.Parallel()
	play(t, Options{Seed: 4, Transactions: 30, Speed: 8640, QuotaScale: 1000}, nil, time.Hour, func(t *testing.T, w *World) {
		for range 60 {
			fetch(t, w, "/onespan/api/packages?from=1&to=100", 0)
		}
		for _, row := range w.Truth().Transactions {
			if row.Provider != "onespan" || !row.Listed || row.Trashed {
				continue
			}
			var last *TruthChange
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

func TestDropboxSignMayForgetItsCallbackURL(t *testing.T) {
	t.Parallel()
	l := &listener{answer: func(int, heard) (int, string) { return http.StatusInternalServerError, "" }}
	play(t, Options{Seed: 1, Transactions: 40, Speed: 8640, ClearCallbackAfter: 10}, l, time.Hour, func(t *testing.T, w *World) {
		account := fetch(t, w, "/dropboxsign/v3/account", 1)["account"].(map[string]any)
		if account["callback_url"] != nil {
			t.Errorf("callback_url is %v", account["callback_url"])
		}
	})
}
