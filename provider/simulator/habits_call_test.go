package simulator_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

// proved says whether a callback carries its service's proof of the bytes that came.
func proved(t *testing.T, w *simulator.World, h simulatortest.Heard) bool {
	t.Helper()
	sum := func(key []byte, parts ...string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(strings.Join(parts, "")))
		return mac.Sum(nil)
	}
	for _, a := range w.Accounts() {
		if a.ID != h.Account {
			continue
		}
		switch a.Provider {
		case "onespan":
			return h.Header.Get("Authorization") == "Basic "+a.Settings["callback_key"].(string)
		case "dropboxsign":
			return h.Header.Get("Content-Sha256") != ""
		case "allsign":
			secret := a.Settings["webhook_secrets"].([]string)[0]
			key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
			if err != nil {
				t.Fatal(err)
			}
			proof := sum(key, h.Header.Get("Webhook-Id"), ".", h.Header.Get("Webhook-Timestamp"), ".", string(h.Body))
			return strings.Contains(h.Header.Get("Webhook-Signature"), "v1,"+base64.StdEncoding.EncodeToString(proof))
		case "autosign":
			secret := a.Settings["webhook_secrets"].([]string)[0]
			return h.Header.Get("Autosign-Signature") == hex.EncodeToString(sum([]byte(secret), string(h.Body)))
		case "documenso":
			return h.Header.Get("X-Documenso-Secret") == a.Settings["webhook_secret"].(string)
		default:
			return true // the tests in the service's own folder look at its proof
		}
	}
	return false
}

func TestMarksStandBeforeEachJSONAndUnderTheProof(t *testing.T) {
	t.Parallel()
	for _, marks := range []int{1, 2} {
		l := &simulatortest.Listener{}
		habitual(t, world.Habits{Marks: marks}, l, func(t *testing.T, w *simulator.World) {
			mark := strings.Repeat("\ufeff", marks)
			heard := map[string]int{}
			for _, h := range l.Heard() {
				heard[h.Account]++
				text := h.Body
				if h.Account == simulator.AccountDropboxSign {
					text = simulatortest.EventText(t, h)
				}
				if rest, ok := bytes.CutPrefix(text, []byte(mark)); !ok || !json.Valid(rest) {
					t.Fatalf("%s: %.60q", h.Account, text)
				}
				if !proved(t, w, h) {
					t.Errorf("%s: no proof of what came: %v", h.Account, h.Header)
				}
			}
			if len(heard) != len(simulator.Services()) {
				t.Errorf("callbacks: %v", heard)
			}
			for name, l := range lists() {
				_, body := asked(t, w, l.path(1))
				if rest, ok := bytes.CutPrefix(body, []byte(mark)); !ok || !json.Valid(rest) {
					t.Errorf("%s: %.60q", name, body)
				}
			}
		})
	}
}

func TestAProxyNamesTheCallerWithItsPort(t *testing.T) {
	t.Parallel()
	for _, caller := range []string{"203.0.113.7:51234", "[2001:db8::7]:443", ""} {
		l := &simulatortest.Listener{}
		habitual(t, world.Habits{ForwardedFor: caller}, l, func(t *testing.T, _ *simulator.World) {
			for _, h := range l.Heard() {
				if got := h.Header.Get("X-Forwarded-For"); got != caller {
					t.Fatalf("%s: X-Forwarded-For is %q, want %q", h.Account, got, caller)
				}
			}
		})
	}
}

func TestDocumensoCallbacksMayNameTheNumberOnly(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	habitual(t, world.Habits{NumberOnly: true}, l, func(t *testing.T, w *simulator.World) {
		numbers := map[int]string{} // of documents, with their titles
		for _, h := range l.Heard() {
			if h.Account != simulator.AccountDocumenso {
				continue
			}
			if bytes.Contains(h.Body, []byte("envelopeId")) || bytes.Contains(h.Body, []byte(`"envelope_`)) {
				t.Fatalf("it names the envelope: %s", h.Body)
			}
			var body struct {
				Event   string
				Payload struct {
					ID    int
					Title string
				}
			}
			if err := json.Unmarshal(h.Body, &body); err != nil || body.Payload.ID == 0 {
				t.Fatalf("%v: %s", err, h.Body)
			}
			if !strings.HasPrefix(body.Event, "TEMPLATE_C") && body.Payload.Title != "test.pdf" {
				numbers[body.Payload.ID] = body.Payload.Title
			}
		}
		if len(numbers) < 20 {
			t.Fatalf("only %d documents were told of", len(numbers))
		}
		header := http.Header{"Authorization": {w.Accounts()[4].Settings["api_key"].(string)}}
		many := func(kind, ids string, want int) []any {
			body := fmt.Sprintf(`{"ids":{"type":%q,"ids":[%s]}}`, kind, ids)
			status, _, answer := simulatortest.Asks(t, w, "POST", "/api/v2/envelope/get-many", body, header)
			if status != want {
				t.Fatalf("%s: %d %v", body, status, answer)
			}
			all, _ := answer.(map[string]any)["data"].([]any)
			return all
		}
		found := 0
		for number, title := range numbers {
			for _, e := range many("documentId", fmt.Sprintf("%d, 999999", number), http.StatusOK) {
				found++
				e := e.(map[string]any)
				if e["title"] != title || e["secondaryId"] != fmt.Sprintf("document_%d", number) ||
					!strings.HasPrefix(e["id"].(string), "envelope_") {
					t.Errorf("document %d is %v %v %v", number, e["id"], e["secondaryId"], e["title"])
				}
			}
		}
		if found < len(numbers)/2 { // some were deleted, and are left out
			t.Errorf("found %d of %d", found, len(numbers))
		}
		if got := many("documentId", "999999", http.StatusOK); len(got) != 0 {
			t.Errorf("a number of nobody: %v", got)
		}
		many("documentId", `"envelope_k41"`, http.StatusBadRequest)
		many("envelopeId", `41`, http.StatusBadRequest)
		many("templateId", `1`, http.StatusBadRequest)
	})
}
