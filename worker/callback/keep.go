package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/model"
	"countersign/provider"
)

const maxID = 1024 // bytes of an id, a type or a header; onespan takes as much

// storable says whether what a callback names can be text in both databases.
func storable(r provider.Received) bool {
	texts := []string{r.Ref, r.Type, r.EventID, r.DedupeKey}
	for _, o := range r.Observations {
		texts = append(texts, o.Ref)
		if o.Ref == "" {
			return false
		}
	}
	return !slices.ContainsFunc(texts, func(s string) bool { return clean(s) != s })
}

// clean makes any bytes text that can be stored and shown.
func clean(s string) string {
	if len(s) > maxID {
		s = s[:maxID]
	}
	return legible(s)
}

// legible replaces what no text may hold.
func legible(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// SealHeader is what is kept in the place of a header that is itself the secret: an HMAC under the installation key,
// to be compared with another secret later.
func SealHeader(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value)) //nolint:errcheck // a hash never fails
	return "hmac:" + hex.EncodeToString(mac.Sum(nil))
}

// headers keeps what matters of a request's headers.
func (l *Listener) headers(acc Account, h http.Header) map[string]string {
	kept := map[string]string{}
	for name, values := range h {
		value := strings.Join(values, ", ")
		switch {
		case slices.ContainsFunc(acc.SecretHeaders, func(s string) bool { return strings.EqualFold(s, name) }):
			kept[name] = SealHeader(l.HMACKey, value)
		case matters(name), slices.ContainsFunc(acc.Provider.Traits.StoredHeaders, func(s string) bool { return strings.EqualFold(s, name) }):
			kept[clean(name)] = clean(value)
		}
	}
	return kept
}

// matters says whether a header helps to explain a callback later.
func matters(name string) bool {
	switch name = strings.ToLower(name); name {
	case "content-type", "user-agent", "content-length", "content-encoding", "content-md5", "content-sha256", "date":
		return true
	}
	// A signature's header may be another one than the settings name.
	return strings.HasPrefix(name, "webhook-") || strings.Contains(name, "sig") || strings.Contains(name, "hmac")
}

// cleaned makes what observations say text that both databases take: PostgreSQL would refuse the
// whole callback for one NUL in a name, and the provider would send it for ever. Refs are storable
// already.
func cleaned(list []model.Observation) []model.Observation {
	for i := range list {
		o := &list[i]
		scrub(&o.Type, &o.ProviderStatus, &o.ExternalID, &o.Name, &o.Reason, &o.Metadata, &o.Mark)
		for j := range o.Signers {
			s := &o.Signers[j]
			scrub(&s.Ref, &s.Name, &s.Email, &s.Role, &s.Reason)
		}
		for j := range o.Attention {
			scrub(&o.Attention[j].Signer, &o.Attention[j].Message)
		}
		for j := range o.Documents {
			scrub(&o.Documents[j].ID, &o.Documents[j].Name)
		}
	}
	return list
}

func scrub(texts ...*string) {
	for _, t := range texts {
		if s := legible(*t); s != *t {
			*t = s
		}
	}
}
