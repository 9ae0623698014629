package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Object is a JSON object.
type Object = map[string]any

// OrNull is a text, or null where it is empty.
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ISOTime is a time with milliseconds, in UTC.
func ISOTime(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// ISOOrNull is a time, or null.
func ISOOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return ISOTime(at)
}

// Number reads a number from a query.
func Number(text string, otherwise int) (int, bool) {
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// Within says whether a time lies between two, the ends included; a zero end is none.
func Within(at, since, until time.Time) bool {
	return (since.IsZero() || !at.Before(since)) && (until.IsZero() || !at.After(until))
}

// SecureURL takes https, and http on the simulator's own machine, where there are no certificates.
func SecureURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return false
	}
	local := slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
	return u.Scheme == "https" || (u.Scheme == "http" && local)
}

// LinkProof is what makes a link to a storage good.
func LinkProof(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, " ")))
	return hex.EncodeToString(mac.Sum(nil))
}
