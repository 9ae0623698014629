package dropboxsign_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestDropboxSignQueriesFindWhatTheyName(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, world.Options{Seed: 8, Transactions: 2 * simulatortest.WholeDecks}, nil, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			count := func(query string) int {
				page := simulatortest.Fetch(t, w,
					"/dropboxsign/v3/signature_request/list?page_size=100&query="+url.QueryEscape(query), 1)
				return len(page["signature_requests"].([]any))
			}
			var want struct{ all, complete, mine, declined, test int }
			for _, row := range w.Truth().Transactions {
				if row.Provider != "dropboxsign" || !row.Listed {
					continue
				}
				want.all++
				if row.Status == "completed" {
					want.complete++
				}
				if row.Status == "completed" && !row.Received {
					want.mine++
				}
				if row.Status == "declined" {
					want.declined++
				}
				if row.Test {
					want.test++
				}
			}
			for query, n := range map[string]int{
				"": want.all, "complete:true": want.complete, "complete:true AND from:me": want.mine,
				"declined:true OR complete:true": want.declined + want.complete,
				"test_mode:true":                 want.test, "created:[2000-01-01 TO 2000-12-31]": want.all,
				"created:[2000-01-03 TO *]":                            0,
				"complete:true AND created:{1999-12-31 TO 2000-02-01}": want.complete,
			} {
				if got := count(query); got != n {
					t.Errorf("%q finds %d, want %d", query, got, n)
				}
			}
		})
}

func TestDropboxSignMayForgetItsCallbackURL(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{Answer: func(int, simulatortest.Heard) (int,
		string) {
		return http.StatusInternalServerError, ""
	}}
	simulatortest.Play(t, world.Options{Seed: 1, Transactions: 40, Speed: 8640, ClearCallbackAfter: 10}, l, time.Hour,
		func(t *testing.T, w *simulator.World) {
			account := simulatortest.Fetch(t, w, "/dropboxsign/v3/account", 1)["account"].(map[string]any)
			if account["callback_url"] != nil {
				t.Errorf("callback_url is %v", account["callback_url"])
			}
		})
}
