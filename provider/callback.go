package provider

import (
	"net/http"
	"time"
)

// Callback is one HTTP request to the callback listener, as it came.
type Callback struct {
	Account    string
	Header     http.Header
	Body       []byte // the exact bytes; must not be changed
	ReceivedAt time.Time
	RemoteAddr string
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
