package allsign_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/allsign"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

// provenBy says which of some secrets prove a callback, as a receiver would.
func provenBy(h simulatortest.Heard, secrets []string) []int {
	var all []int
	for i, secret := range secrets {
		want := allsign.StandardSignature(secret, h.Header.Get("webhook-id"), h.Header.Get("webhook-timestamp"), h.Body)
		if slices.Contains(strings.Split(h.Header.Get("webhook-signature"), " "), want) {
			all = append(all, i)
		}
	}
	return all
}

func webhookSecrets(w *simulator.World) []string {
	return w.Accounts()[0].Settings["webhook_secrets"].([]string)
}

// fresh says whether a callback is not older than a receiver's window.
func fresh(h simulatortest.Heard) bool {
	at, err := strconv.ParseInt(h.Header.Get("webhook-timestamp"), 10, 64)
	return err == nil && h.At.Sub(time.Unix(at, 0)).Abs() < 5*time.Minute
}

func TestAllSignCallbacksLookLikeTheSamples(t *testing.T) {
	t.Parallel()
	simulatortest.Sample(t, "allsign/webhook.v3.headers.json")
	l := &simulatortest.Listener{}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 4}), l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		kinds, live := map[string]int{}, map[bool]int{}
		for _, h := range l.Heard() {
			simulatortest.LikeSample(t, "allsign/webhook.v3.signer.signed.json", h.Body)
			var e allsign.Event
			if err := json.Unmarshal(h.Body, &e); err != nil {
				t.Fatal(err)
			}
			kinds[e.Type]++
			live[e.Livemode]++
			if h.Header.Get("webhook-id") != e.ID || !strings.HasPrefix(e.ID, "evt_") ||
				!strings.HasPrefix(e.Data.Document, "doc_") || len(e.Data.Document) != 36 {
				t.Errorf("%s under the id %s", h.Body, h.Header.Get("webhook-id"))
			}
			for name := range simulatortest.Sample(t, "allsign/webhook.v3.headers.json").(map[string]any) {
				if h.Header.Get(name) == "" {
					t.Errorf("no header %s", name)
				}
			}
			if !fresh(h) || len(provenBy(h, webhookSecrets(w))) != 1 {
				t.Errorf("%v is not proven", h.Header)
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.At); err != nil {
				t.Error(err)
			}
		}
		for _, kind := range allsign.ActiveEvents() {
			if kinds[kind] == 0 {
				t.Errorf("no callback of type %s", kind)
			}
		}
		if len(kinds) != len(allsign.ActiveEvents()) || live[true] == 0 || live[false] == 0 {
			t.Errorf("types %v, live %v", kinds, live)
		}
	})
}

func TestAllSignSignsEachAttemptAnew(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{Answer: func(int, simulatortest.Heard) (int,
		string) {
		return http.StatusInternalServerError, ""
	}}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 4}), l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		attempts := map[string][]simulatortest.Heard{}
		for _, h := range l.Heard() {
			id := h.Header.Get("webhook-id")
			attempts[id] = append(attempts[id], h)
		}
		for id, all := range attempts {
			if len(all) != 6 {
				t.Errorf("%s was tried %d times", id, len(all))
			}
			for i, h := range all {
				if string(h.Body) != string(all[0].Body) || !fresh(h) || len(provenBy(h, webhookSecrets(w))) != 1 {
					t.Errorf("attempt %d of %s: %v", i+1, id, h.Header)
				}
				if i > 0 && h.Header.Get("webhook-signature") == all[i-1].Header.Get("webhook-signature") {
					t.Errorf("attempt %d of %s carries the old signature", i+1, id)
				}
			}
		}
		if len(attempts) == 0 {
			t.Error("nothing was sent")
		}
	})
}

func TestAllSignDisablesAnEndpointThatFailedTooOften(t *testing.T) {
	t.Parallel()
	down := true
	l := &simulatortest.Listener{}
	l.Answer = func(int, simulatortest.Heard) (int, string) {
		if down {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, ""
	}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 4, DisableCallbackAfter: 8}), l, 12*time.Hour,
		func(t *testing.T, w *simulator.World) {
			c := allSignClient(t, w)
			mine := c.Read("/webhooks")["data"].([]any)[0].(map[string]any)
			if n := len(l.Heard()); mine["status"] != "disabled" || n != 8 {
				t.Fatalf("after %d failures the endpoint is %v", n, mine["status"])
			}
			l.Mu.Lock()
			down = false
			l.Mu.Unlock()
			time.Sleep(4 * time.Hour)
			if n := len(l.Heard()); n != 8 {
				t.Errorf("a disabled endpoint was called %d times more", n-8)
			}
			c.Ask("PATCH", "/webhooks/"+mine["id"].(string), `{"disabled":false}`, http.StatusOK)
			time.Sleep(20 * 24 * time.Hour)
			if n := len(l.Heard()); n == 8 || !w.Idle() {
				t.Errorf("enabled again, it was called %d times; idle %v", n-8, w.Idle())
			}
			if len(provenBy(l.Heard()[8], webhookSecrets(w))) != 1 {
				t.Error("it did not keep its secret")
			}
		})
}

func TestAllSignChangesItsSecretInTwoSteps(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 4, RotateSecretsAfter: 8 * time.Hour}), l, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			began := w.Epoch
			phases := map[string]int{}
			for _, h := range l.Heard() {
				want := []int{1}
				switch age := h.At.Sub(began); {
				case age < 8*time.Hour:
					want = []int{0}
				case age < 16*time.Hour:
					want = []int{0, 1}
				}
				got := provenBy(h, webhookSecrets(w))
				if !slices.Equal(got, want) {
					t.Errorf("%v after the start the secrets %v prove it, want %v", h.At.Sub(began), got, want)
				}
				phases[strconv.Itoa(len(got))+strconv.Itoa(got[0])]++
			}
			if len(phases) != 3 {
				t.Errorf("phases: %v", phases)
			}
		})
}

func TestAllSignForgeriesProveNothing(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	f := world.Faults{Forge: 1, Drop: 0.1, Duplicate: 0.2, Delay: 0.2, Reorder: 0.2, SameSecond: true}
	simulatortest.Play(t, onlyAllSign(world.Options{Seed: 4, Speed: 8640, Faults: f}), l, time.Hour,
		func(t *testing.T, w *simulator.World) {
			truth, genuine, forged := w.Truth(), 0, map[string]int{}
			for _, h := range l.Heard() {
				switch proven := len(provenBy(h, webhookSecrets(w))) == 1; {
				case proven && fresh(h):
					genuine++
				case proven:
					forged["old"]++
				case h.Header.Get("webhook-signature") == "":
					forged["bare"]++
				default:
					forged[h.Header.Get("webhook-signature")[:3]]++
				}
			}
			n := forged["old"] + forged["bare"] + forged["v1,"] + forged["v2,"]
			if genuine != truth.Sent || n != truth.Forged || len(forged) != 4 || truth.Dropped == 0 || truth.Duplicated == 0 {
				t.Errorf("%d genuine of %d sent, %v of %d forged", genuine, truth.Sent, forged, truth.Forged)
			}
		})
}
