package autosign

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as an HMAC's hash, and only where the operator says so
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign/provider"
)

// The signature is an HMAC over the body, made with the webhook's own secret. Hash, encoding and
// prefix are not documented (dossier: 2b): the defaults are the commonest form.

// hashes are the hashes that may be configured.
func hashes() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"sha256": sha256.New, "sha1": sha1.New, "sha512": sha512.New}
}

// encodings are the encodings that may be configured.
func encodings() []string { return []string{"hex", "base64"} }

// mac is the signature of body in raw bytes.
func mac(name string, secret provider.Secret, body []byte) []byte {
	h := hmac.New(hashes()[name], []byte(secret.Reveal()))
	h.Write(body)
	return h.Sum(nil)
}

// unprinted reads a signature as it is written; nil where it is not written so.
func unprinted(encoding, given string) []byte {
	var sum []byte
	var err error
	if encoding == "hex" {
		sum, err = hex.DecodeString(given)
	} else {
		sum, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(given, "="))
	}
	if err != nil {
		return nil
	}
	return sum
}

// verify holds the signature against the bytes of the body as they came.
func (s *service) verify(c provider.Callback) error {
	if len(s.set.WebhookSecrets) == 0 {
		return fmt.Errorf("%w: settings.webhook_secrets is not set, so nothing can prove a callback", provider.ErrUnverified)
	}
	given := strings.TrimSpace(c.Header.Get(s.set.SignatureHeader))
	if given == "" {
		return fmt.Errorf("%w: no signature header", provider.ErrUnverified)
	}
	given, fits := strings.CutPrefix(given, s.set.SignaturePrefix)
	sum := unprinted(s.set.SignatureEncoding, strings.TrimSpace(given))
	if !fits || len(sum) == 0 {
		return fmt.Errorf("%w: the signature is not written as the settings say", provider.ErrUnverified)
	}
	same := false
	for _, k := range s.set.WebhookSecrets {
		same = hmac.Equal(mac(s.set.SignatureHash, k, c.Body), sum) || same
	}
	if !same {
		return fmt.Errorf("%w: signed with none of our secrets", provider.ErrUnverified)
	}
	return nil
}

// Canary signs a callback as the service would, with the first secret.
func (s *service) Canary(id string, at time.Time) (http.Header, []byte, error) {
	if len(s.set.WebhookSecrets) == 0 {
		return nil, nil, errors.New("settings.webhook_secrets is not set")
	}
	body, err := json.Marshal(map[string]any{
		"created": at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), "id": id, "type": canaryType,
		"data": map[string]string{},
	})
	if err != nil {
		return nil, nil, err
	}
	sum := mac(s.set.SignatureHash, s.set.WebhookSecrets[0], body)
	printed := hex.EncodeToString(sum)
	if s.set.SignatureEncoding != "hex" {
		printed = base64.StdEncoding.EncodeToString(sum)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(s.set.SignatureHeader, s.set.SignaturePrefix+printed)
	return h, body, nil
}

// Explain tries every secret, hash, encoding and prefix on every header that may hold a signature.
func (s *service) Explain(c provider.Callback) []provider.Trial {
	if len(s.set.WebhookSecrets) == 0 {
		return []provider.Trial{{Secret: "webhook_secrets", Note: "none is set: every callback is refused"}}
	}
	var out []provider.Trial
	for i, secret := range s.set.WebhookSecrets {
		which := fmt.Sprintf("webhook_secrets[%d]", i)
		for _, header := range s.signatureHeaders(c.Header) {
			given := strings.TrimSpace(c.Header.Get(header))
			if given == "" {
				out = append(out, provider.Trial{Secret: which, Header: header, Note: "no such header"})
				continue
			}
			for _, t := range s.trials(secret, given, c.Body) {
				t.Secret, t.Header, t.Over = which, header, "body"
				if t.Match && !strings.EqualFold(header, s.set.SignatureHeader) {
					t.Note = strings.TrimPrefix(t.Note+"; signature_header must be "+header, "; ")
				}
				out = append(out, t)
			}
		}
	}
	return out
}

// signatureHeaders are the configured header and those that are named like one.
func (s *service) signatureHeaders(h http.Header) []string {
	names := []string{http.CanonicalHeaderKey(s.set.SignatureHeader)}
	var more []string
	for name := range h {
		if strings.Contains(strings.ToLower(name), "signature") && !strings.EqualFold(name, names[0]) {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	return append(names, more...)
}

// trials tries one secret on one signature. A prefix is the configured one, none, or what stands in
// front of the first = that is not padding.
func (s *service) trials(secret provider.Secret, given string, body []byte) []provider.Trial {
	prefixes := []string{"", s.set.SignaturePrefix}
	if i := strings.IndexByte(given, '='); i >= 0 && strings.Trim(given[i:], "=") != "" {
		prefixes = append(prefixes, given[:i+1])
	}
	slices.Sort(prefixes)
	var out []provider.Trial
	for _, name := range []string{"sha256", "sha1", "sha512"} {
		sum := mac(name, secret, body)
		for _, encoding := range encodings() {
			for _, prefix := range slices.Compact(slices.Clone(prefixes)) {
				t := provider.Trial{Hash: name, Encoding: encoding}
				rest, fits := strings.CutPrefix(given, prefix)
				t.Match = fits && hmac.Equal(sum, unprinted(encoding, strings.TrimSpace(rest)))
				switch {
				case !fits:
					t.Note = "it does not begin with signature_prefix"
				case prefix != "":
					t.Note = fmt.Sprintf("with signature_prefix %q", prefix)
				}
				out = append(out, t)
			}
		}
	}
	return out
}
