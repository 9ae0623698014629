package onespan

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"countersign/provider"
)

// canaryEvent is the name of the event by which we try our own listener. OneSpan Sign has no such event.
const canaryEvent = "COUNTERSIGN_TEST"

// form is a way to send the callback key in the Authorization header.
type form struct {
	encoding string // "", or of what it is base64
	value    func(key string) string
}

// forms are the ways that verify takes, the service's own first. A callback that was kept can be compared with
// these and no others: base64 of another user's name and the key is taken as it comes, and lost once kept.
func forms() []form {
	encoded := func(before string) func(string) string {
		return func(key string) string {
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(before+key))
		}
	}
	return []form{
		{"", func(key string) string { return "Basic " + key }},
		{"base64", encoded("")},
		{"base64 of :KEY", encoded(":")},
		{"base64 of validsign:KEY", encoded("validsign:")}, // a third-party package expects it (dossier 2.2)
	}
}

// carriesKey says whether a stored callback carries one of our keys.
func (s *service) carriesKey(c provider.Callback) bool {
	same := false
	for _, key := range s.keys {
		for _, f := range forms() {
			same = c.Carries("Authorization", f.value(key.Reveal())) || same
		}
	}
	return same
}

// Canary returns an event of our own, with the first callback key as OneSpan Sign would send it.
func (s *service) Canary(id string, at time.Time) (http.Header, []byte, error) {
	if len(s.keys) == 0 {
		return nil, nil, errors.New("settings.callback_key is not set: without it no callback proves its sender")
	}
	body, err := json.Marshal(map[string]any{
		"@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": canaryEvent, "sessionUser": "countersign",
		"packageId": id, "message": nil, "documentId": nil, "createdDate": at.UTC().Format("2006-01-02T15:04:05.000Z"),
	})
	if err != nil {
		return nil, nil, err
	}
	return http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Authorization": {"Basic " + s.keys[0].Reveal()},
	}, body, nil
}

// Explain compares each callback key in each form with the Authorization header.
func (s *service) Explain(c provider.Callback) []provider.Trial {
	values := c.Header.Values("Authorization")
	note := ""
	scheme, _, _ := strings.Cut(strings.TrimSpace(strings.Join(values, ", ")), " ")
	switch {
	case len(values) == 0:
		note = "no such header"
	case c.Sealed == nil && strings.EqualFold(scheme, "Bearer"):
		note = "a bearer token, which is never a callback key: choose Basic at the provider"
	}
	if len(s.keys) == 0 {
		return []provider.Trial{{Secret: "callback_key", Header: "Authorization",
			Note: "not set: nothing proves a callback, and none is refused"}}
	}
	var out []provider.Trial
	for i, key := range s.keys {
		for _, f := range forms() {
			t := provider.Trial{Secret: s.keyNames[i], Header: "Authorization", Encoding: f.encoding, Note: note}
			t.Match = note == "" && c.Carries("Authorization", f.value(key.Reveal()))
			out = append(out, t)
		}
	}
	return out
}

// keyNames are the settings of keys, in their order.
func (set settings) keyNames() []string {
	var out []string
	if set.CallbackKey != "" {
		out = append(out, "callback_key")
	}
	for i := range set.CallbackKeys {
		out = append(out, fmt.Sprintf("callback_keys[%d]", i))
	}
	return out
}
