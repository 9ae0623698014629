package dropboxsign

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"countersign/provider"
	"countersign/provider/lenient"
)

// Canary returns the event by which the service tries a URL, signed with the API key, as it comes on the wire.
func (s *service) Canary(id string, at time.Time) (http.Header, []byte, error) {
	e := event{Time: lenient.Text(strconv.FormatInt(at.Unix(), 10)), Type: evCallbackTest}
	said, err := json.Marshal(map[string]any{"event": map[string]any{
		"event_time": string(e.Time), "event_type": string(e.Type), "event_hash": e.hash(s.key),
		"event_metadata": map[string]any{
			"related_signature_id": nil, "reported_for_account_id": nil, "reported_for_app_id": nil,
			"event_message": "countersign " + id,
		},
	}})
	if err != nil {
		return nil, nil, err
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="json"`}})
	if err == nil {
		_, err = part.Write(said)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, nil, err
	}
	return http.Header{"Content-Type": {w.FormDataContentType()}, "User-Agent": {"HelloSign API"}}, body.Bytes(), nil
}

// Explain compares event_hash with what each key makes of the event. The service knows one way to make it.
func (s *service) Explain(c provider.Callback) []provider.Trial {
	_, e, err := read(c)
	var out []provider.Trial
	for i, key := range s.keys {
		t := provider.Trial{Secret: "api_key", Header: "event_hash, in the body", Hash: "sha256", Encoding: "hex",
			Over: "event_time+event_type"}
		if i > 0 {
			t.Secret = fmt.Sprintf("callback_keys[%d]", i-1)
		}
		switch {
		case err != nil:
			t.Note = "the body cannot be read"
		case e.Event.unproved() != "":
			t.Note = e.Event.unproved()
		default:
			t.Match = hmac.Equal([]byte(e.Event.hash(key)), []byte(e.Event.Hash))
		}
		out = append(out, t)
	}
	return out
}
