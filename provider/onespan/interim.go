package onespan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"countersign/provider"
)

// This file stands in for package provider's helpers of the same names until they are there.

const mostJSON = 32 << 20

// withClass names the budget class of a call. Interim: provider.WithClass.
func withClass(ctx context.Context, _ provider.Class) context.Context { return ctx }

// sameSecret compares in constant time, whatever the lengths. Interim: provider.SameSecret.
func sameSecret(given string, keys ...provider.Secret) bool {
	sum, same := sha256.Sum256([]byte(given)), 0
	for _, k := range keys {
		want := sha256.Sum256([]byte(k.Reveal()))
		same |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return same == 1 && given != ""
}

// pathEscape makes one path segment of an id, dots too. Interim: provider's.
func pathEscape(id string) string {
	if strings.Trim(id, ".") == "" {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

// readJSON decodes a bounded body and closes it. Interim: provider.ReadJSON.
func readJSON(resp *http.Response, v any) error {
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostJSON+1))
	if err != nil {
		return err
	}
	if len(raw) > mostJSON || json.Unmarshal(raw, v) != nil {
		return errors.New("the answer is not the JSON that was asked for")
	}
	return nil
}

// save writes a file and says what was declared about it. Interim: provider.Save.
func save(w io.Writer, resp *http.Response) (provider.Declared, error) {
	defer resp.Body.Close()
	d := provider.Declared{ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength}
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		d.Name = params["filename"]
	}
	head := make([]byte, len("%PDF-"))
	if _, err := io.ReadFull(resp.Body, head); err != nil || !bytes.Equal(head, []byte("%PDF-")) {
		return d, provider.ErrInvalidFile
	}
	n, err := io.Copy(w, io.MultiReader(bytes.NewReader(head), resp.Body))
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && d.Length >= 0 && n != d.Length {
		return d, provider.ErrInvalidFile
	}
	return d, err
}

// statusError says what an answer that is no 200 means. Interim: provider.StatusError.
func statusError(resp *http.Response) error {
	err := errors.New(resp.Status)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		wait := time.Minute
		if s, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && s > 0 {
			wait = time.Duration(s) * time.Second
		}
		return &provider.RetryAfter{Wait: wait, Err: err}
	case resp.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %w", provider.ErrUnavailable, err)
	}
	return err
}

// lookup reads the text or number at a dotted path. Interim: provider.Lookup.
func lookup(raw []byte, path string) string {
	for key := range strings.SplitSeq(path, ".") {
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return ""
		}
		raw = m[key]
	}
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &n) == nil:
		return n.String()
	}
	return ""
}
