package allsign_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/allsign"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
	"countersign/worker/pdf"
)

// onlyAllSign is a world of AllSign alone, with every kind of life twice.
func onlyAllSign(o world.Options) world.Options {
	o.Services, o.Transactions = []string{"allsign"}, 46
	if o.QuotaScale == 0 {
		o.QuotaScale = 10000
	}
	return o
}

func allSignClient(t *testing.T, w *simulator.World) simulatortest.Client {
	return simulatortest.Client{T: t, W: w, Base: "http://sim.example/allsign/v3",
		Token: w.Accounts()[0].Settings["api_key"].(string)}
}

func TestAllSignLivesEndAsTheTableSays(t *testing.T) {
	t.Parallel()
	ends := map[string]string{
		"completed": "completed", "direct": "completed", "collected": "completed", "draft": "draft", "collecting": "draft",
		"open":   "in_progress",
		"partly": "in_progress", "expired": "expired", "expired_partly": "expired", "voided": "cancelled",
		"voided_partly": "cancelled",
		"corrected":     "completed", "correcting": "in_progress", "slow": "completed", "test": "completed",
		"test_open": "in_progress",
	}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 7, BornBefore: 9}), &simulatortest.Listener{}, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			seen := map[string]bool{}
			for _, row := range w.Truth().Transactions {
				seen[row.Kind] = true
				if row.Status != ends[row.Kind] || !row.Listed || row.Test != strings.HasPrefix(row.Kind, "test") {
					t.Errorf("%s ended %q, want %q; listed %v, test %v", row.Kind, row.Status, ends[row.Kind], row.Listed, row.Test)
				}
				if row.Status == "completed" && (row.SignersDone != row.SignersTotal || len(row.Documents) == 0) {
					t.Errorf("%s completed with %d of %d signers and %d documents", row.Kind, row.SignersDone, row.SignersTotal,
						len(row.Documents))
				}
			}
			if len(seen) != len(ends) || !w.Idle() {
				t.Errorf("%d of %d kinds were seen, idle %v", len(seen), len(ends), w.Idle())
			}
		})
}

func TestAllSignAnswersLookLikeTheSamples(t *testing.T) {
	t.Parallel()
	simulatortest.Sample(t, "allsign/error.v3.problem.json") // skips before the bubble
	for _, span := range []time.Duration{18 * time.Hour, 20 * 24 * time.Hour} {
		simulatortest.Play(t, onlyAllSign(world.Options{Seed: 11, BornBefore: 5}), &simulatortest.Listener{}, span,
			func(t *testing.T, w *simulator.World) {
				c := allSignClient(t, w)
				like := func(name, method, path, body string, want int) []byte {
					h, text := c.Ask(method, path, body, want)
					media := "application/json"
					if want >= 400 {
						media = "application/problem+json"
					}
					if h.Get("Content-Type") != media {
						t.Errorf("%s: content type %q", path, h.Get("Content-Type"))
					}
					simulatortest.LikeSample(t, "allsign/"+name, text)
					return text
				}
				like("response.v3.document_list.json", "GET", "/documents?limit=100&scope=accessible", "", 200)
				like("response.v3.users_me.json", "GET", "/users/me", "", 200)
				like("response.v3.webhook_events.json", "GET", "/webhooks/events", "", 200)
				like("error.v3.problem.json", "GET", "/documents?limit=101", "", 422)
				like("error.v3.rate_limited.json", "GET", "/documents/nobody", "", 404)
				var made struct{ ID string }
				text := like("response.v3.webhook_create.json", "POST", "/webhooks",
					string(simulatortest.MustSample(t, "allsign/request.v3.webhook_create.json")), 201)
				if err := json.Unmarshal(text, &made); err != nil {
					t.Fatal(err)
				}
				like("response.v3.webhook_get.json", "GET", "/webhooks/"+made.ID, "", 200)
				for _, row := range w.Truth().Transactions {
					like("response.v3.document.json", "GET", "/documents/"+row.Ref, "", 200)
					like("response.v3.signer_list.json", "GET", "/documents/"+row.Ref+"/signers", "", 200)
					name := "response.v3.evidence.pending.json"
					if row.Status == "completed" && span > 24*time.Hour {
						name = "response.v3.evidence.testmode.json"
						if len(row.Documents) == 2 {
							name = "response.v3.evidence.available.json"
						}
					}
					if span > 24*time.Hour {
						like(name, "GET", "/documents/"+row.Ref+"/evidence", "", 200)
					}
				}
			})
	}
}

func TestAllSignListsPageByCursorAndScope(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 3}), nil, 10*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			c := allSignClient(t, w)
			walk := func(query string) []string {
				var all []string
				last := "9999"
				for next := ""; ; {
					page := c.Read("/documents?limit=7&" + query + next)
					for _, d := range page["data"].([]any) {
						made := d.(map[string]any)["createdAt"].(string)
						if made > last && w.Faults().Shift == 0 {
							t.Errorf("%s: %s comes after %s", query, made, last)
						}
						last = made
						all = append(all, d.(map[string]any)["id"].(string))
					}
					if page["hasMore"] != true {
						return all
					}
					next = "&startingAfter=" + page["nextCursor"].(string)
				}
			}
			completed := 0
			for _, row := range w.Truth().Transactions {
				if row.Status == "completed" {
					completed++
				}
			}
			all, own := walk("scope=accessible"), walk("")
			if len(all) != 46 || len(own) == 0 || len(own) >= len(all) ||
				len(walk("scope=tenant&status=completed")) != completed {
				t.Errorf("%d in all, %d of our own, %d completed", len(all), len(own), completed)
			}
			slices.Sort(all)
			if len(slices.Compact(all)) != 46 {
				t.Error("a document came twice")
			}
			for _, query := range []string{"limit=0", "limit=101", "limit=x", "status=signed", "scope=mine",
				"startingAfter=a&endingBefore=b", "startingAfter=nobody"} {
				c.Ask("GET", "/documents?"+query, "", http.StatusUnprocessableEntity)
			}
			w.SetFaults(world.Faults{Shift: 1})
			if shifted := walk("scope=org"); len(slices.Compact(shifted)) == 46 && len(shifted) == 46 {
				t.Error("no page shifted")
			}
		})
}

func TestAllSignHoldsItsQuotaAndTakesOneKey(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 1, QuotaScale: 1}), nil, time.Hour,
		func(t *testing.T, w *simulator.World) {
			c := allSignClient(t, w)
			for range 10 {
				c.Ask("GET", "/users/me", "", http.StatusOK)
			}
			h, body := c.Ask("GET", "/documents?limit=1", "", http.StatusTooManyRequests)
			if h.Get("Retry-After") != "" || !bytes.Contains(body, []byte(`"RATE_LIMITED"`)) ||
				!bytes.Contains(body, []byte(`"requestId"`)) {
				t.Errorf("%v %s", h, body)
			}
			time.Sleep(time.Minute)
			for _, token := range []string{"", "allsign_test_sk_other"} {
				c.Token = token
				c.Ask("GET", "/documents?limit=1", "", http.StatusUnauthorized)
			}
			w.SetFaults(world.Faults{RateLimit: 1})
			for range 8 {
				if h, _ := c.Ask("GET", "/users/me", "", http.StatusTooManyRequests); h.Get("Retry-After") != "" {
					t.Error("a refusal says how long")
				}
			}
		})
}

func TestAllSignFilesComeLateBehindLinksThatDie(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 6}), nil, 0, func(t *testing.T, w *simulator.World) {
		c, anyone := allSignClient(t, w), simulatortest.Client{T: t, W: w}
		lagged, uncertified, late := 0, map[bool]int{}, 0
		seen := map[string]string{} // what the evidence of a document last said
		for !w.Idle() {
			time.Sleep(10 * time.Minute)
			for _, row := range w.Truth().Transactions {
				if row.Status != "completed" || len(row.Documents) == 2 {
					continue
				}
				is := "pending"
				if e := c.Read("/documents/" + row.Ref + "/evidence"); e["available"] == true && e["nom151"] == nil {
					is = "uncertified"
				}
				if was := seen[row.Ref]; is != was && is == "pending" {
					lagged++
				}
				seen[row.Ref] = is
			}
		}
		time.Sleep(12 * time.Hour)
		sealed := 0
		for _, row := range w.Truth().Transactions {
			if row.Status != "completed" {
				continue
			}
			e := c.Read("/documents/" + row.Ref + "/evidence")
			if e["nom151"] == nil {
				uncertified[row.Test]++
			} else if row.Test {
				t.Error("a test document has a certificate")
			} else if seen[row.Ref] == "uncertified" {
				late++
			}
			for _, d := range row.Documents {
				member := map[string]string{allsign.SignedFile: "evidencePdf", allsign.CertificateFile: "nom151"}[d.ID]
				e := c.Read("/documents/" + row.Ref + "/evidence")
				link := e[member].(map[string]any)["url"].(string)
				_, one := anyone.Ask("GET", link, "", http.StatusOK)
				if _, two := c.Ask("GET", link, "", http.StatusOK); !bytes.Equal(one, two) ||
					simulatortest.Sum(one) != d.SHA256 || len(one) != d.Size {
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
				anyone.Ask("GET", strings.Replace(link, "X-Amz-Expires=", "X-Amz-Expires=9", 1), "", http.StatusForbidden)
				time.Sleep(time.Hour)
				anyone.Ask("GET", link, "", http.StatusForbidden)
			}
		}
		if lagged == 0 || late == 0 || uncertified[false] == 0 || uncertified[true] != 2 || sealed == 0 {
			t.Errorf("%d answers lagged, %d came before their certificate, without one %v, %d sealed", lagged, late,
				uncertified, sealed)
		}
	})
}

func TestAllSignWebhooksAreManaged(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 1}), &simulatortest.Listener{}, time.Hour,
		func(t *testing.T, w *simulator.World) {
			c := allSignClient(t, w)
			mine := c.Read("/webhooks")["data"].([]any)[0].(map[string]any)
			if mine["url"] != "http://listener.example/callbacks/sim-allsign" || mine["status"] != "enabled" ||
				mine["secret"] != nil {
				t.Errorf("the account's own endpoint: %v", mine)
			}
			for _, body := range []string{`{`, `{"url":"http://plain.example","events":["signer.signed"]}`,
				`{"url":"https://a.example","events":[]}`, `{"url":"https://a.example","events":["signer.blinked"]}`} {
				c.Ask("POST", "/webhooks", body, http.StatusUnprocessableEntity)
			}
			var made struct{ ID, Secret string }
			for i := range 22 {
				_, body := c.Ask("POST", "/webhooks",
					fmt.Sprintf(`{"url":"https://a.example/%d","events":["signer.declined"]}`, i), http.StatusCreated)
				if err := json.Unmarshal(body, &made); err != nil || !strings.HasPrefix(made.Secret, "whsec_") {
					t.Fatalf("%v %s", err, body)
				}
			}
			list := c.Read("/webhooks")["data"].([]any)
			if len(list) != 20 || list[0].(map[string]any)["id"] != made.ID {
				t.Errorf("%d endpoints listed, the first %v", len(list), list[0])
			}
			if got := c.Read("/webhooks/" + mine["id"].(string))["data"].(map[string]any); got["url"] != mine["url"] {
				t.Error("an endpoint that the list lacks cannot be read")
			}
			c.Ask("PATCH", "/webhooks/"+made.ID, `{"disabled":true}`, http.StatusOK)
			if got := c.Read("/webhooks/" + made.ID)["data"].(map[string]any); got["status"] != "disabled" ||
				got["secret"] != nil {
				t.Errorf("after it was disabled: %v", got)
			}
			c.Ask("DELETE", "/webhooks/"+made.ID, "", http.StatusNoContent)
			for _, method := range []string{"GET", "DELETE", "PATCH"} {
				c.Ask(method, "/webhooks/"+made.ID, `{}`, http.StatusNotFound)
			}
		})
}
