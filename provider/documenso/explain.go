package documenso

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"countersign/provider"
)

// Canary returns a test delivery such as the service's test button makes, with our secret.
func (s *service) Canary(id string, at time.Time) (http.Header, []byte, error) {
	if len(s.secrets) == 0 {
		return nil, nil, errors.New("settings.webhook_secret is not set: no callback can be proved")
	}
	now := at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	body, err := json.Marshal(map[string]any{
		"event": evCompleted,
		"payload": map[string]any{
			"id": 10, "envelopeId": testID, "externalId": id, "teamId": nil, "title": "countersign canary",
			"status":    wordCompleted,
			"createdAt": now, "updatedAt": now, "completedAt": now, "deletedAt": nil, "recipients": []any{},
			"Recipient": []any{},
		},
		"createdAt": now, "webhookEndpoint": "",
	})
	if err != nil {
		return nil, nil, err
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(secretHeader, s.secrets[0].Secret.Reveal())
	return h, body, nil
}

// Explain says which of our secrets a callback carries.
func (s *service) Explain(c provider.Callback) []provider.Trial {
	note := ""
	switch {
	case len(c.Header.Values(secretHeader)) == 0:
		note = "no such header"
	case c.Carries(secretHeader, ""):
		note = "the header is empty: no secret is set in the webhook"
	}
	if len(s.secrets) == 0 {
		if note == "" {
			note = "the header holds a secret, and none is configured: every callback is a hint"
		}
		return []provider.Trial{{Secret: "webhook_secret", Header: secretHeader, Note: note}}
	}
	var trials []provider.Trial
	for _, n := range s.secrets {
		t := provider.Trial{Secret: n.Setting, Header: secretHeader, Match: c.Carries(secretHeader, n.Secret.Reveal())}
		if !t.Match {
			t.Note = note
		}
		trials = append(trials, t)
	}
	return trials
}
