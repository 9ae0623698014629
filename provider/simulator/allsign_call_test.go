package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// provenBy says which of some secrets prove a callback, as a receiver would.
func provenBy(h heard, secrets []string) []int {
	var all []int
	for i, secret := range secrets {
		want := standardSignature(secret, h.header.Get("webhook-id"), h.header.Get("webhook-timestamp"), h.body)
		if slices.Contains(strings.Split(h.header.Get("webhook-signature"), " "), want) {
			all = append(all, i)
		}
	}
	return all
}

func webhookSecrets(w *World) []string {
	return w.Accounts()[0].Settings["webhook_secrets"].([]string)
}

// fresh says whether a callback is not older than a receiver's window.
func fresh(h heard) bool {
	at, err := strconv.ParseInt(h.header.Get("webhook-timestamp"), 10, 64)
	return err == nil && h.at.Sub(time.Unix(at, 0)).Abs() < 5*time.Minute
}

func TestStandardSignatureMatchesAPublishedVector(t *testing.T) {
	t.Parallel()
	got := standardSignature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestAllSignCallbacksLookLikeTheSamples(t *testing.T) {
	t.Parallel()
	sample(t, "allsign/webhook.v3.headers.json")
	l := &listener{}
	play(t, onlyAllSign(Options{Seed: 4}), l, 20*24*time.Hour, func(t *testing.T, w *World) {
		kinds, live := map[string]int{}, map[bool]int{}
		for _, h := range l.heard() {
			likeSample(t, "allsign/webhook.v3.signer.signed.json", h.body)
			var e allSignEvent
			if err := json.Unmarshal(h.body, &e); err != nil {
				t.Fatal(err)
			}
			kinds[e.Type]++
			live[e.Livemode]++
			if h.header.Get("webhook-id") != e.ID || !strings.HasPrefix(e.ID, "evt_") || !strings.HasPrefix(e.Data.Document, "doc_") || len(e.Data.Document) != 36 {
				t.Errorf("%s under the id %s", h.body, h.header.Get("webhook-id"))
			}
			for name := range sample(t, "allsign/webhook.v3.headers.json").(map[string]any) {
				if h.header.Get(name) == "" {
					t.Errorf("no header %s", name)
				}
			}
			if !fresh(h) || len(provenBy(h, webhookSecrets(w))) != 1 {
				t.Errorf("%v is not proven", h.header)
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.At); err != nil {
				t.Error(err)
			}
		}
		for _, kind := range allSignActive() {
			if kinds[kind] == 0 {
				t.Errorf("no callback of type %s", kind)
			}
		}
		if len(kinds) != len(allSignActive()) || live[true] == 0 || live[false] == 0 {
			t.Errorf("types %v, live %v", kinds, live)
		}
	})
}

func TestAllSignSignsEachAttemptAnew(t *testing.T) {
	t.Parallel()
	l := &listener{answer: func(int, heard) (int, string) { return http.StatusInternalServerError, "" }}
	play(t, onlyAllSign(Options{Seed: 4}), l, 20*24*time.Hour, func(t *testing.T, w *World) {
		attempts := map[string][]heard{}
		for _, h := range l.heard() {
			id := h.header.Get("webhook-id")
			attempts[id] = append(attempts[id], h)
		}
		for id, all := range attempts {
			if len(all) != 6 {
				t.Errorf("%s was tried %d times", id, len(all))
			}
			for i, h := range all {
				if string(h.body) != string(all[0].body) || !fresh(h) || len(provenBy(h, webhookSecrets(w))) != 1 {
					t.Errorf("attempt %d of %s: %v", i+1, id, h.header)
				}
				if i > 0 && h.header.Get("webhook-signature") == all[i-1].header.Get("webhook-signature") {
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
	l := &listener{}
	l.answer = func(int, heard) (int, string) {
		if down {
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, ""
	}
	play(t, onlyAllSign(Options{Seed: 4, DisableCallbackAfter: 8}), l, 12*time.Hour, func(t *testing.T, w *World) {
		c := allSignClient(t, w)
		mine := c.read("/webhooks")["data"].([]any)[0].(map[string]any)
		if n := len(l.heard()); mine["status"] != "disabled" || n != 8 {
			t.Fatalf("after %d failures the endpoint is %v", n, mine["status"])
		}
		l.mu.Lock()
		down = false
		l.mu.Unlock()
		time.Sleep(4 * time.Hour)
		if n := len(l.heard()); n != 8 {
			t.Errorf("a disabled endpoint was called %d times more", n-8)
		}
		c.ask("PATCH", "/webhooks/"+mine["id"].(string), `{"disabled":false}`, http.StatusOK)
		time.Sleep(20 * 24 * time.Hour)
		if n := len(l.heard()); n == 8 || !w.Idle() {
			t.Errorf("enabled again, it was called %d times; idle %v", n-8, w.Idle())
		}
		if len(provenBy(l.heard()[8], webhookSecrets(w))) != 1 {
			t.Error("it did not keep its secret")
		}
	})
}

func TestAllSignChangesItsSecretInTwoSteps(t *testing.T) {
	t.Parallel()
	l := &listener{}
	play(t, onlyAllSign(Options{Seed: 4, RotateSecretsAfter: 8 * time.Hour}), l, 20*24*time.Hour, func(t *testing.T, w *World) {
		began := w.epoch
		phases := map[string]int{}
		for _, h := range l.heard() {
			want := []int{1}
			switch age := h.at.Sub(began); {
			case age < 8*time.Hour:
				want = []int{0}
			case age < 16*time.Hour:
				want = []int{0, 1}
			}
			got := provenBy(h, webhookSecrets(w))
			if !slices.Equal(got, want) {
				t.Errorf("%v after the start the secrets %v prove it, want %v", h.at.Sub(began), got, want)
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
	l := &listener{}
	f := Faults{Forge: 1, Drop: 0.1, Duplicate: 0.2, Delay: 0.2, Reorder: 0.2, SameSecond: true}
	play(t, onlyAllSign(Options{Seed: 4, Speed: 8640, Faults: f}), l, time.Hour, func(t *testing.T, w *World) {
		truth, genuine, forged := w.Truth(), 0, map[string]int{}
		for _, h := range l.heard() {
			switch proven := len(provenBy(h, webhookSecrets(w))) == 1; {
			case proven && fresh(h):
				genuine++
			case proven:
				forged["old"]++
			case h.header.Get("webhook-signature") == "":
				forged["bare"]++
			default:
				forged[h.header.Get("webhook-signature")[:3]]++
			}
		}
		n := forged["old"] + forged["bare"] + forged["v1,"] + forged["v2,"]
		if genuine != truth.Sent || n != truth.Forged || len(forged) != 4 || truth.Dropped == 0 || truth.Duplicated == 0 {
			t.Errorf("%d genuine of %d sent, %v of %d forged", genuine, truth.Sent, forged, truth.Forged)
		}
	})
}
