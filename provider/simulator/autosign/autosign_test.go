package autosign_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
	"countersign/worker/pdf"
)

// onlyAutosign is a world of Autosign alone, with every kind of life twice.
func onlyAutosign(o world.Options) world.Options {
	o.Services, o.Transactions, o.Base = []string{"autosign"}, 36, "http://sim.example"
	return o
}

func autosignClient(t *testing.T, w *simulator.World) simulatortest.Client {
	return simulatortest.Client{T: t, W: w, Base: "http://sim.example/autosign/v1",
		Token: w.Accounts()[0].Settings["access_token"].(string)}
}

func TestAutosignLivesEndAsTheTableSays(t *testing.T) {
	t.Parallel()
	ends := map[string]string{
		"completed": "completed", "direct": "completed", "unsealed": "completed", "draft": "draft", "open": "in_progress",
		"partly":   "in_progress",
		"rejected": "declined", "expired": "expired", "expired_undated": "expired", "cancelled": "cancelled",
		"cancelled_twice": "cancelled",
		"all_but_done":    "in_progress",
	}
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 7, BornBefore: 9}), &simulatortest.Listener{},
		20*24*time.Hour, func(t *testing.T, w *simulator.World) {
			seen, acknowledged := map[string]bool{}, 0
			c := autosignClient(t, w)
			for _, row := range w.Truth().Transactions {
				seen[row.Kind] = true
				if row.Status != ends[row.Kind] || row.Listed {
					t.Errorf("%s ended %q, want %q; listed %v", row.Kind, row.Status, ends[row.Kind], row.Listed)
				}
				if row.Status == "completed" && (row.SignersDone != row.SignersTotal || len(row.Documents) == 0) {
					t.Errorf("%s completed with %d of %d signers and %d documents", row.Kind, row.SignersDone, row.SignersTotal,
						len(row.Documents))
				}
				if row.Acknowledged {
					acknowledged++
				}
				is := c.Read("/transaction/" + row.Ref)
				if is["status"] != row.ProviderStatus || (row.Status == "cancelled" && is["status"] != "expired") ||
					is["updated_at"] != is["created_at"] {
					t.Errorf("%s is shown as %v, updated %v", row.Kind, is["status"], is["updated_at"])
				}
				for _, d := range row.Documents { // those born before tell of nothing; the others were all heard in time
					if d.Unobtainable == row.Acknowledged {
						t.Errorf("%s: told %v, unobtainable %v", row.Kind, row.Acknowledged, d.Unobtainable)
					}
				}
			}
			if len(seen) != len(ends) || acknowledged == 0 || acknowledged == 36 || !w.Idle() {
				t.Errorf("%d of %d kinds were seen, %d told, idle %v", len(seen), len(ends), acknowledged, w.Idle())
			}
			for _, path := range []string{"/transaction", "/transactions", "/transaction/nobody"} {
				c.Ask("GET", path, "", http.StatusNotFound)
			}
		})
}

func TestAutosignAnswersLookLikeTheSamples(t *testing.T) {
	t.Parallel()
	simulatortest.Sample(t, "autosign/response.transaction_detail.json") // skips before the bubble
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		simulatortest.Play(t, onlyAutosign(world.Options{Seed: 11, BornBefore: 5}), &simulatortest.Listener{}, span,
			func(t *testing.T, w *simulator.World) {
				c := autosignClient(t, w)
				for _, row := range w.Truth().Transactions {
					_, text := c.Ask("GET", "/transaction/"+row.Ref, "", http.StatusOK)
					simulatortest.LikeSample(t, "autosign/response.transaction_detail.json", text)
					if bytes.Contains(text, []byte("sealed-")) {
						t.Errorf("a detail lists a sealed document: %s", text)
					}
				}
				var asked map[string]any
				if err := json.Unmarshal(simulatortest.MustSample(t, "autosign/request.webhook_create.json"), &asked); err != nil {
					t.Fatal(err)
				}
				asked["endpoint"] = "https://a.example/callbacks/x"
				body, err := json.Marshal(asked)
				if err != nil {
					t.Fatal(err)
				}
				_, text := c.Ask("POST", "/webhook", string(body), http.StatusCreated)
				simulatortest.LikeSample(t, "autosign/response.webhook_create.json", text)
				for page := 1; page < 4; page++ {
					_, text = c.Ask("GET", fmt.Sprintf("/webhook?limit=1&page=%d", page), "", http.StatusOK)
					simulatortest.LikeSample(t, "autosign/response.webhook_list.json", text)
					if last := bytes.Contains(text, []byte(`"is_last_page":true`)); last != (page >= 2) {
						t.Errorf("page %d: %s", page, text)
					}
				}
				for _, query := range []string{"", "?limit=10", "?page=1", "?limit=0&page=1"} {
					c.Ask("GET", "/webhook"+query, "", http.StatusBadRequest)
				}
				for _, bad := range []string{`{`, `{"name":"","endpoint":"https://a.example","events":["transaction_started"]}`,
					`{"name":"x","endpoint":"http://a.example","events":["transaction_started"]}`,
					`{"name":"x","endpoint":"https://a.example","events":[]}`,
					`{"name":"x","endpoint":"https://a.example","events":["transaction_blinked"]}`} {
					c.Ask("POST", "/webhook", bad, http.StatusBadRequest)
				}
			})
	}
}

func TestAutosignTokensComeByJSONAndExpire(t *testing.T) {
	t.Parallel()
	simulatortest.Sample(t, "autosign/response.oauth_refresh.json")
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 1}), nil, time.Hour, func(t *testing.T, w *simulator.World) {
		a := w.Accounts()[0]
		anyone := simulatortest.Client{T: t, W: w, Base: "http://sim.example"}
		post := func(path, secret, field, proof string, want int) map[string]any {
			_, text := anyone.Ask("POST", path,
				fmt.Sprintf(`{"client_id":%q,"client_secret":%q,%q:%q}`, a.OAuthClientID, secret, field, proof), want)
			var v map[string]any
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			if want == http.StatusOK {
				simulatortest.LikeSample(t, map[string]string{"code": "autosign/response.oauth_exchange.json",
					"refresh_token": "autosign/response.oauth_refresh.json"}[field], text)
			}
			return v
		}
		use := func(token any, want int) {
			c := autosignClient(t, w)
			c.Token = fmt.Sprint(token)
			c.Ask("GET", "/webhook?limit=1&page=1", "", want)
		}
		post(a.ExchangePath, "wrong", "code", a.AuthorizationCode, http.StatusUnauthorized)
		first := post(a.ExchangePath, a.OAuthClientSecret, "code", a.AuthorizationCode, http.StatusOK)
		post(a.ExchangePath, a.OAuthClientSecret, "code", a.AuthorizationCode, http.StatusUnauthorized)
		post(a.TokenPath, a.OAuthClientSecret, "refresh_token", "nonsense", http.StatusUnauthorized)
		anyone.Ask("POST", a.TokenPath, "grant_type=refresh_token", http.StatusBadRequest)
		use(first["access_token"], http.StatusOK)
		use("nonsense", http.StatusUnauthorized)
		if first["expires_in"] != 1800.0 {
			t.Errorf("expires in %v", first["expires_in"])
		}
		refresh, kept, changed := fmt.Sprint(first["refresh_token"]), 0, 0
		for range 20 {
			v := post(a.TokenPath, a.OAuthClientSecret, "refresh_token", refresh, http.StatusOK)
			use(v["access_token"], http.StatusOK)
			if fresh, some := v["refresh_token"].(string); some {
				post(a.TokenPath, a.OAuthClientSecret, "refresh_token", refresh, http.StatusUnauthorized)
				refresh = fresh
				changed++
			} else {
				kept++
			}
		}
		if kept == 0 || changed == 0 {
			t.Errorf("the refresh token was kept %d times and changed %d times", kept, changed)
		}
		time.Sleep(31 * time.Minute)
		use(first["access_token"], http.StatusUnauthorized)
		autosignClient(t, w).Ask("GET", "/webhook?limit=1&page=1", "", http.StatusOK) // the static token lives on
	})
}

// sealedLinks are the links of the completed events that came, by the sealed document's id.
func sealedLinks(t *testing.T, l *simulatortest.Listener) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, h := range l.Heard() {
		var e struct {
			Data struct {
				Sealed []struct{ ID, URL string } `json:"sealed_documents"`
			}
		}
		if err := json.Unmarshal(h.Body, &e); err != nil {
			t.Fatal(err)
		}
		for _, d := range e.Data.Sealed {
			all[d.ID] = d.URL
		}
	}
	return all
}

func TestAutosignFilesAreBehindLinksThatDie(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, onlyAutosign(world.Options{Seed: 6}), l, 0, func(t *testing.T, w *simulator.World) {
		anyone, withToken := simulatortest.Client{T: t, W: w}, autosignClient(t, w)
		done, sealed := map[string]string{}, 0
		for !w.Idle() {
			time.Sleep(10 * time.Minute)
			links := sealedLinks(t, l)
			for _, row := range w.Truth().Transactions {
				for _, d := range row.Documents {
					link, some := links[d.ID]
					if _, twice := done[d.ID]; twice || !some {
						continue
					}
					done[d.ID] = link
					_, one := anyone.Ask("GET", link, "", http.StatusOK)
					if _, two := withToken.Ask("GET", link, "", http.StatusOK); !bytes.Equal(one, two) ||
						simulatortest.Sum(one) != d.SHA256 || len(one) != d.Size || d.Unobtainable {
						t.Errorf("%s: two downloads differ, or the truth says otherwise", link)
					}
					if v := pdf.Inspect(one); v.Fault != "" {
						t.Errorf("%s: %s", link, v.Fault)
					}
					if bytes.Contains(one, []byte("/ByteRange")) != d.Sealed {
						t.Errorf("%s: the truth is wrong about the seal", link)
					}
					if d.Sealed {
						sealed++
					}
				}
			}
		}
		time.Sleep(2 * time.Hour)
		for _, link := range done {
			anyone.Ask("GET", link, "", http.StatusForbidden)
			anyone.Ask("GET", strings.Replace(link, "expires=", "expires=9", 1), "", http.StatusForbidden)
		}
		if sealed == 0 || sealed == len(done) {
			t.Errorf("%d of %d files are sealed", sealed, len(done))
		}
	})
}
