package allsign

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"countersign/provider"
)

// The headers of Standard Webhooks.
const (
	headerID        = standardwebhooks.HeaderWebhookID
	headerTimestamp = standardwebhooks.HeaderWebhookTimestamp
	headerSignature = standardwebhooks.HeaderWebhookSignature
)

// namedSecret is a secret and where it comes from.
type namedSecret struct {
	name   string
	secret provider.Secret
}

// secrets are those of the settings and those that a registration of ours was given.
func (s *v3) secrets() []namedSecret {
	var list []namedSecret
	for i, sec := range s.set.WebhookSecrets {
		list = append(list, namedSecret{fmt.Sprintf("webhook_secrets[%d]", i), sec})
	}
	if k := s.kept.Load(); k != nil {
		for i, sec := range k.Secrets {
			list = append(list, namedSecret{fmt.Sprintf("of our registration[%d]", i), sec})
		}
	}
	return list
}

// verify checks the signature over id, time and the exact bytes of the body, by any of the secrets and any of
// the signatures (two come while a secret is being changed), and that the time is near c.ReceivedAt.
func (s *v3) verify(c provider.Callback) error {
	signed := false
	for _, sec := range s.secrets() {
		signed = matches(sec.secret, c) || signed
	}
	if !signed {
		return fmt.Errorf("%w: no signature that one of our secrets makes", provider.ErrUnverified)
	}
	if age, ok := signedAt(c); !ok || age.Abs() > s.set.ReplayWindow {
		return fmt.Errorf("%w: signed %d s before it came, beyond the replay window", provider.ErrUnverified, int(age.Seconds()))
	}
	return nil
}

// matches says whether a secret made one of a callback's signatures. It reads no clock.
func matches(secret provider.Secret, c provider.Callback) bool {
	key := secretKey(secret)
	if key == nil {
		return false
	}
	hook, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return false
	}
	h := http.Header{}
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		h.Set(name, strings.Join(c.Header.Values(name), " "))
	}
	return hook.VerifyIgnoringTimestamp(c.Body, h) == nil
}

// signedAt says how long before its arrival a callback was signed, as it says itself.
func signedAt(c provider.Callback) (time.Duration, bool) {
	at, err := strconv.ParseInt(c.Header.Get(headerTimestamp), 10, 64)
	if err != nil {
		return 0, false
	}
	return c.ReceivedAt.Sub(time.Unix(at, 0)), true
}

// Canary returns a callback signed by the first secret, as the service would, which Receive takes for a test.
func (s *v3) Canary(id string, at time.Time) (http.Header, []byte, error) {
	list := s.secrets()
	if len(list) == 0 {
		return nil, nil, errors.New("settings.webhook_secrets: none is set, and none was kept from a registration")
	}
	body, err := json.Marshal(map[string]any{
		"eventId": id, "eventType": canaryEvent, "occurredAt": at.UTC().Format(time.RFC3339), "livemode": false, "data": map[string]any{},
	})
	if err != nil {
		return nil, nil, err
	}
	hook, err := standardwebhooks.NewWebhookRaw(secretKey(list[0].secret))
	if err != nil {
		return nil, nil, err
	}
	signature, err := hook.Sign(id, at, body)
	if err != nil {
		return nil, nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(headerID, id)
	h.Set(headerTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(headerSignature, signature)
	return h, body, nil
}

// Explain tries each secret, and says what else would have had it refused.
func (s *v3) Explain(c provider.Callback) []provider.Trial {
	var notes []string
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if c.Header.Get(name) == "" {
			notes = append(notes, "no "+name)
		}
	}
	if age, ok := signedAt(c); ok && age.Abs() > s.set.ReplayWindow {
		notes = append(notes, fmt.Sprintf("%d s old, the window is %d s", int(age.Seconds()), int(s.set.ReplayWindow.Seconds())))
	}
	if len(notes) == 3 && c.Header.Get("X-AllSign-Signature") != "" {
		notes = append(notes, "a signature of v2 is there: is this endpoint one of v2 (profile)?")
	}
	note := strings.Join(notes, "; ")
	trials := []provider.Trial{}
	for _, sec := range s.secrets() {
		trials = append(trials, provider.Trial{
			Secret: sec.name, Header: headerSignature, Hash: "sha256", Encoding: encodingBase64, Over: "id.timestamp.body", Match: matches(sec.secret, c), Note: note,
		})
	}
	if len(trials) == 0 {
		trials = append(trials, provider.Trial{Header: headerSignature, Note: "no secret: webhook_secrets is empty, and none was kept from a registration"})
	}
	return trials
}
