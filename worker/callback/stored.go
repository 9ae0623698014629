package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"countersign/provider"
)

// fits reports whether what a callback names can be text in both databases.
func fits(r provider.Received) bool {
	for _, o := range r.Observations {
		if !provider.IsRef(o.Ref) {
			return false
		}
	}
	for _, s := range []string{r.Ref, r.Type, r.EventID, r.DedupeKey} {
		if clip(s) != s {
			return false
		}
	}
	return true
}

// clip makes any bytes a text that can be stored and shown.
func clip(s string) string { return provider.Clip(s, provider.MaxRef) }

// SealHeader returns what is stored in place of a header that is itself the secret: an HMAC under the installation key,
// which can be compared with another secret later.
func SealHeader(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value)) //nolint:errcheck // a hash never fails
	return "hmac:" + hex.EncodeToString(mac.Sum(nil))
}

// headers selects those of a request's headers that are stored.
func (l *Listener) headers(acc *Account, h http.Header) map[string]string {
	stored := map[string]string{}
	read := acc.Provider.Traits.StoredHeaders
	for name, values := range h {
		value := strings.Join(values, ", ")
		switch {
		case slices.ContainsFunc(acc.SecretHeaders, func(s string) bool { return strings.EqualFold(s, name) }):
			stored[name] = SealHeader(l.HMACKey, value)
		case explains(name), slices.ContainsFunc(read, func(s string) bool { return strings.EqualFold(s, name) }):
			stored[clip(name)] = clip(value)
		}
	}
	return stored
}

// explains reports whether a header can help to explain a callback later.
func explains(name string) bool {
	switch name = strings.ToLower(name); name {
	case "content-type", "user-agent", "content-length", "content-encoding", "content-md5", "content-sha256", "date":
		return true
	}
	// A signature's header may be another one than the settings name.
	return strings.HasPrefix(name, "webhook-") || strings.Contains(name, "sig") || strings.Contains(name, "hmac")
}
