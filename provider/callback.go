package provider

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// Callback is one HTTP request to the callback listener, as it came.
type Callback struct {
	Account    string
	Header     http.Header
	Body       []byte // the exact bytes; must not be changed
	ReceivedAt time.Time
	RemoteAddr string
	// Sealed is nil for a callback that has just come. For a stored one it turns the value of a secret header into
	// what Header has in its place, an HMAC.
	Sealed func(value string) string
}

// Carries reports, in constant time, whether a header that is itself a secret has the given value, in a callback as it
// came or as it was stored.
func (c Callback) Carries(header, value string) bool {
	if c.Sealed != nil {
		value = c.Sealed(value)
	}
	got := sha256.Sum256([]byte(strings.Join(c.Header.Values(header), ", ")))
	want := sha256.Sum256([]byte(value))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// Secret is a setting that prints as <secret>: in logs, errors, %v, JSON and YAML.
type Secret string

// String hides the secret.
func (Secret) String() string { return "<secret>" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "<secret>" }

// MarshalText hides the secret from JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte("<secret>"), nil }

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }
