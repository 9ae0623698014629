package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

func hasSuffix(r *http.Request, path string) bool { return strings.HasSuffix(r.URL.Path, path) }

func hasPart(r *http.Request, part string) bool { return strings.Contains(r.URL.Path, part) }

// Conditional gives JSON and pages a weak ETag over their bytes, and answers 304 to whoever has them already. What is
// streamed goes through as it comes.
func Conditional(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		h := &held{ResponseWriter: w}
		next.ServeHTTP(h, r)
		h.finish(r)
	})
}

// held keeps an answer back until it is whole, where that is meant to be compared.
type held struct {
	http.ResponseWriter
	body    bytes.Buffer
	keeps   bool
	decided bool
}

// WriteHeader is for http.ResponseWriter.
func (h *held) WriteHeader(status int) {
	if h.decided {
		return
	}
	h.decided = true
	kind := h.Header().Get("Content-Type")
	h.keeps = status == http.StatusOK && (strings.HasPrefix(kind, "application/json") ||
		strings.HasPrefix(kind, "application/openapi+json") || strings.HasPrefix(kind, "text/html"))
	if !h.keeps {
		h.ResponseWriter.WriteHeader(status)
	}
}

// Write is for http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	if h.keeps {
		return h.body.Write(p)
	}
	return h.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// finish sends what was kept back, or that it has not changed.
func (h *held) finish(r *http.Request) {
	if !h.keeps {
		return
	}
	sum := sha256.Sum256(h.body.Bytes())
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	h.Header().Set("ETag", tag)
	if h.Header().Get("Cache-Control") == "" {
		h.Header().Set("Cache-Control", "private, no-cache")
	}
	if Matches(r.Header.Get("If-None-Match"), tag) {
		h.Header().Del("Content-Type")
		h.Header().Del("Content-Length")
		h.ResponseWriter.WriteHeader(http.StatusNotModified)
		return
	}
	h.ResponseWriter.WriteHeader(http.StatusOK)
	h.ResponseWriter.Write(h.body.Bytes()) //nolint:errcheck // the caller may be gone
}

// Matches says whether a condition names a tag, by the weak comparison.
func Matches(condition, tag string) bool {
	for one := range strings.SplitSeq(condition, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
