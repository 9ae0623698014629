package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
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
		switch {
		case folded(acc.SecretHeaders, name):
			stored[name] = SealHeader(l.HMACKey, strings.Join(values, ", "))
		case explains(name), folded(read, name):
			stored[clip(name)] = clip(strings.Join(values, ", "))
		}
	}
	return stored
}

// folded says whether a header is among names, in whichever case they are written.
func folded(names []string, header string) bool {
	for _, name := range names {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// explains reports whether a header can help to explain a callback later. Those that nearly every request has are known
// by the form that net/http gives them.
func explains(name string) bool {
	switch name {
	case "Content-Type", "User-Agent", "Content-Length", "Content-Encoding", "Content-Md5", "Content-Sha256", "Date":
		return true
	case "Accept", "Accept-Encoding", "Authorization", "Connection", "Host", "X-Forwarded-For", "X-Forwarded-Proto",
		"X-Forwarded-Host", "X-Real-Ip", "Via":
		return false
	}
	switch name = strings.ToLower(name); name {
	case "content-type", "user-agent", "content-length", "content-encoding", "content-md5", "content-sha256", "date":
		return true
	}
	// A signature's header may be another one than the settings name.
	return strings.HasPrefix(name, "webhook-") || strings.Contains(name, "sig") || strings.Contains(name, "hmac")
}
