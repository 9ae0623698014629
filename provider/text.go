package provider

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// PathEscape makes one path segment of an opaque id. What comes back from the server's unescaping
// is the id, whatever it holds: a slash, a NUL, or only dots.
func PathEscape(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

// JoinPath appends segments to a base address, each escaped by PathEscape.
func JoinPath(base string, segments ...string) string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(base, "/"))
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(PathEscape(s))
	}
	return b.String()
}

// SameSecret reports whether given is one of the keys, in a time that reveals nothing about the keys, including their
// lengths. An empty text equals no key.
func SameSecret[S ~string](given string, keys ...S) bool {
	sum, same := sha256.Sum256([]byte(given)), 0
	for _, k := range keys {
		want := sha256.Sum256([]byte(k))
		same |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return same == 1 && given != ""
}

// Lookup returns the text, number or truth value at a dotted path such as metadata.contract_id, ""
// where there is none. v is decoded JSON, or JSON as it came ([]byte, json.RawMessage). A key that
// itself holds dots is found too, and a number names a place in an array.
func Lookup(v any, path string) string {
	switch raw := v.(type) {
	case []byte:
		v = decoded(raw)
	case json.RawMessage:
		v = decoded(raw)
	}
	return lookup(v, path)
}

func decoded(raw []byte) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func lookup(v any, path string) string {
	if path == "" {
		return scalar(v)
	}
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '.') {
		in, ok := child(v, path[:end])
		if !ok {
			continue
		}
		if found := lookup(in, strings.TrimPrefix(path[end:], ".")); found != "" {
			return found
		}
	}
	return ""
}

func child(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		in, ok := v[key]
		return in, ok
	case map[string]string:
		in, ok := v[key]
		return in, ok
	case map[string]json.RawMessage:
		in, ok := v[key]
		return decoded(in), ok
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(v) {
			return v[i], true
		}
	}
	return nil, false
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Redact returns err without the URL that the errors of HTTP clients carry: only the host remains. errors.Is and
// errors.As still find what err wraps.
func Redact(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if err == error(u) {
		return Redact(&hostError{host(u.URL), u.Err})
	}
	short := (&hostError{host(u.URL), Redact(u.Err)}).Error()
	return &redacted{strings.ReplaceAll(err.Error(), u.Error(), short), err}
}

// hostError is a client's error that shows only the host.
type hostError struct {
	host string
	err  error
}

func (e *hostError) Error() string {
	if e.host == "" {
		return e.err.Error()
	}
	return e.host + ": " + e.err.Error()
}

// Unwrap returns the cause.
func (e *hostError) Unwrap() error { return e.err }

// redacted is an error that shows less than the error that it wraps.
type redacted struct {
	text string
	err  error
}

func (e *redacted) Error() string { return e.text }

// Unwrap returns the error that says more.
func (e *redacted) Unwrap() error { return e.err }

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
