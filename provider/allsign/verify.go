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
	"countersign/provider/lenient"
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
	if k := s.saved.Load(); k != nil {
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
	if fault := s.late(c); fault != "" {
		return fmt.Errorf("%w: %s", provider.ErrUnverified, fault)
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

// late says why a callback's own time of signing is refused; "" where it lies within the replay window. A time that is
// far off, such as one in milliseconds, is named and not subtracted: a duration does not hold the difference.
func (s *v3) late(c provider.Callback) string {
	stamp := lenient.Text(c.Header.Get(headerTimestamp))
	at := stamp.Seconds()
	switch {
	case at == nil && stamp.Millis() != nil:
		return headerTimestamp + " is no time in seconds: it may be in milliseconds"
	case at == nil:
		return headerTimestamp + " is no time in seconds"
	case at.Before(c.ReceivedAt.AddDate(-1, 0, 0)), at.After(c.ReceivedAt.AddDate(1, 0, 0)):
		return fmt.Sprintf("signed in %d, it says, beyond the replay window of %d s", at.Year(), int64(s.set.ReplayWindow.Seconds()))
	}
	if age := c.ReceivedAt.Sub(*at); age.Abs() > s.set.ReplayWindow {
		how := "before it came"
		if age < 0 {
			how = "after it came"
		}
		return fmt.Sprintf("signed %d s %s, beyond the replay window of %d s", int64(age.Abs().Seconds()), how, int64(s.set.ReplayWindow.Seconds()))
	}
	return ""
}

// Canary returns a callback signed by the first secret, as the service would, which Receive takes for a test.
func (s *v3) Canary(id string, at time.Time) (http.Header, []byte, error) {
	list := s.secrets()
	if len(list) == 0 {
		return nil, nil, errors.New("settings.webhook_secrets: none is set, and none was saved from a registration")
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
	if fault := s.late(c); fault != "" && c.Header.Get(headerTimestamp) != "" {
		notes = append(notes, fault)
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
		trials = append(trials, provider.Trial{Header: headerSignature, Note: "no secret: webhook_secrets is empty, and none was saved from a registration"})
	}
	return trials
}
