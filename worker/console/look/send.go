package look

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"countersign/worker/console/access"
)

// Policy is the Content-Security-Policy of every page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; " +
	"require-trusted-types-for 'script'; trusted-types countersign"

// packers are at level 5: more costs time and saves next to nothing.
var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, 5)
	if err != nil {
		panic(err) // the level is one that there is
	}
	return z
}}

// send answers with a page: 304 to whoever has it already.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	access.Headers(h)
	h.Set("Content-Security-Policy", Policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Cookie, Accept-Language, Accept-Encoding")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	if status == 0 || status == http.StatusOK {
		status = http.StatusOK
		sum := sha256.Sum256(body)
		tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", tag)
		if r.Method != http.MethodPost && access.Matches(r.Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else {
		h.Set("Cache-Control", "no-store")
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = packed(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // the caller may be gone
	}
}

// packed is a body compressed.
func packed(body []byte) []byte {
	var out bytes.Buffer
	z, ok := packers.Get().(*gzip.Writer)
	if !ok {
		return body
	}
	defer packers.Put(z)
	z.Reset(&out)
	z.Write(body) //nolint:errcheck // a buffer takes all
	z.Close()     //nolint:errcheck // a buffer takes all
	return out.Bytes()
}
