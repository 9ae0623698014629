package allsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
)

// The encodings of a v2 signature.
const (
	encodingHex    = "hex"
	encodingBase64 = "base64"
)

// verify checks the signature over the body's exact bytes. Where unsigned callbacks are allowed, one
// without the header is a hint; one with a wrong signature is refused all the same, unless no secret is set.
func (s *v2) verify(c provider.Callback) (model.Evidence, error) {
	given := c.Header.Get(s.set.SignatureHeader)
	if s.set.AllowUnsigned && (given == "" || len(s.set.WebhookSecrets) == 0) {
		return model.Hint, nil
	}
	if given == "" {
		return 0, fmt.Errorf("%w: no signature in %s", provider.ErrUnverified, s.set.SignatureHeader)
	}
	bare, ok := strings.CutPrefix(given, s.set.SignaturePrefix)
	signed := false
	for _, secret := range s.set.WebhookSecrets {
		signed = signedV2(secret, bare, s.set.SignatureEncoding, c.Body) || signed
	}
	if !ok || !signed {
		return 0, fmt.Errorf("%w: no signature that one of our secrets makes", provider.ErrUnverified)
	}
	return model.Claim, nil
}

// signedV2 says whether a secret made a signature of a body. The key is the secret's bytes as they are.
func signedV2(secret provider.Secret, given, encoding string, body []byte) bool {
	var mac []byte
	var err error
	if encoding == encodingBase64 {
		mac, err = base64.StdEncoding.DecodeString(given)
	} else {
		mac, err = hex.DecodeString(given)
	}
	return err == nil && hmac.Equal(mac, macV2(secret, body))
}

func macV2(secret provider.Secret, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret.Reveal()))
	h.Write(body) //nolint:errcheck // a hash never fails
	return h.Sum(nil)
}

// Canary returns a callback signed by the first secret, which Receive takes for a test.
func (s *v2) Canary(id string, at time.Time) (http.Header, []byte, error) {
	if len(s.set.WebhookSecrets) == 0 {
		return nil, nil, errors.New("settings.webhook_secrets: none is set")
	}
	body, err := json.Marshal(map[string]any{"event": canaryEvent, "id": id, "at": at.UTC().Format(time.RFC3339)})
	if err != nil {
		return nil, nil, err
	}
	mac := macV2(s.set.WebhookSecrets[0], body)
	signature := hex.EncodeToString(mac)
	if s.set.SignatureEncoding == encodingBase64 {
		signature = base64.StdEncoding.EncodeToString(mac)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(s.set.SignatureHeader, s.set.SignaturePrefix+signature)
	return h, body, nil
}

// Explain tries each secret with each encoding on the configured header and on every other whose name speaks of
// a signature, with the prefix of the settings and without what stands before "=" or ",".
func (s *v2) Explain(c provider.Callback) []provider.Trial {
	headers := []string{s.set.SignatureHeader}
	for name := range c.Header {
		if strings.Contains(strings.ToLower(name), "signature") && !strings.EqualFold(name, s.set.SignatureHeader) {
			headers = append(headers, name)
		}
	}
	slices.Sort(headers[1:])
	trials := []provider.Trial{}
	for i, secret := range s.set.WebhookSecrets {
		for _, name := range headers {
			given := c.Header.Get(name)
			for _, encoding := range []string{encodingHex, encodingBase64} {
				t := provider.Trial{Secret: fmt.Sprintf("webhook_secrets[%d]", i), Header: name, Hash: "sha256",
					Encoding: encoding, Over: "body"}
				t.Match, t.Note = s.try(secret, given, encoding, c.Body)
				trials = append(trials, t)
			}
		}
	}
	if len(trials) == 0 {
		trials = append(trials, provider.Trial{Header: s.set.SignatureHeader, Note: "no secret: webhook_secrets is empty"})
	}
	return trials
}

// try says whether a secret made a signature, and with which prefix.
func (s *v2) try(secret provider.Secret, given, encoding string, body []byte) (bool, string) {
	if given == "" {
		return false, "no such header"
	}
	prefixes := []string{s.set.SignaturePrefix, ""}
	for _, end := range []string{"=", ","} {
		if before, _, ok := strings.Cut(given, end); ok && len(before) <= 16 {
			prefixes = append(prefixes, before+end)
		}
	}
	for _, p := range prefixes {
		if bare, ok := strings.CutPrefix(given, p); ok && signedV2(secret, bare, encoding, body) {
			if p == s.set.SignaturePrefix {
				return true, ""
			}
			return true, fmt.Sprintf("with signature_prefix %q", p)
		}
	}
	return false, ""
}
